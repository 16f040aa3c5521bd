"""Commands: their argument lists, and whether one only asks if haproxy is alive.

When pyha is the haproxy, `killall -0 haproxy` and its relatives mean "does our own balancer work?", and are answered
without running anything. A command that does anything else besides is never taken for one of them.
"""

import re
import shlex
from collections.abc import Callable, Sequence

from .lexer import arguments
from .statement import Scope, Statement

_NAMES = frozenset({"haproxy", "haproxy.service"})
_SHELLS = frozenset({"sh", "bash", "dash", "ash"})
_QUIET = re.compile(r"\s*(?:[12&]?>{1,2}\s*(?:/dev/null|&[12])|2>&1|&>\s*/dev/null)")
_ENDING = re.compile(r"\s*(?:\|\|\s*exit\s+[1-9]\d{0,2}|&&\s*exit\s+0)\s*;?\s*$")
_PID_FILE = re.compile(r"kill\s+-(?:0|s\s+0)\s+[\"']?(?:\$\(\s*cat\s+(\S+?)\s*\)|`\s*cat\s+(\S+?)\s*`)[\"']?")
_COUNTED = re.compile(
    r"if\s+\[{1,2}\s+[\"']?\$\(\s*(?P<command>[^|()]+?)\s*(?:\|\s*wc\s+-l\s*)?\)[\"']?\s+(?:-eq|-lt|==?)\s+[\"']?[01]"
    r"[\"']?\s+\]{1,2}\s*;\s*then\s+exit\s+[1-9]\d{0,2}\s*;?\s*fi\s*;?\s*")


def argument_list(scope: Scope, statement: Statement, text: str) -> tuple[str, ...]:
    """The argument list of a command that was written as one word. Empty after a problem was reported."""
    found = tuple(arguments(text))
    if not found or not found[0]:
        scope.error(statement, f"'{statement.keyword}' expects a command",
                    f'for example: {statement.keyword} "/usr/local/bin/check.sh argument"')
        return ()
    return found


def asks_for_balancer(argv: Sequence[str]) -> bool:
    """Whether all that a command does is to find out if haproxy runs."""
    if not argv:
        return False
    program, rest = _base(argv[0]), list(argv[1:])
    if program in _SHELLS:
        return len(rest) == 2 and rest[0] in ("-c", "-ec") and _shell_asks(rest[1])
    if program in ("sudo", "timeout", "env", "nice"):
        return asks_for_balancer(_unwrapped(program, rest))
    asks = _PROGRAMS.get(program)
    return asks is not None and asks(rest)


def mentions_balancer(argv: Sequence[str]) -> bool:
    """Whether a command has to do with haproxy in some way."""
    return any("haproxy" in argument for argument in argv)


def _base(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _unwrapped(program: str, rest: list[str]) -> list[str]:
    """What `sudo` and the like run."""
    while rest and rest[0].startswith("-"):
        takes_value = program == "nice" and rest[0] == "-n"
        rest = rest[2:] if takes_value else rest[1:]
    return rest[1:] if program == "timeout" else rest


def _shell_asks(text: str) -> bool:
    """A line for a shell: one such command, its output thrown away, perhaps with `|| exit 1`."""
    text = _QUIET.sub("", text).strip()
    if match := _COUNTED.fullmatch(text):
        return _words_ask(match.group("command")) or _pid_file(match.group("command"))
    text = _ENDING.sub("", text).strip().rstrip(";").strip()
    if match := _PID_FILE.fullmatch(text):
        return "haproxy" in _base(match.group(1) or match.group(2))
    return _words_ask(text)


def _pid_file(text: str) -> bool:
    match = _PID_FILE.fullmatch(text)
    return match is not None and "haproxy" in _base(match.group(1) or match.group(2))


def _words_ask(text: str) -> bool:
    if any(char in text for char in "|&;<>()$`\n*?"):
        return False
    try:
        return asks_for_balancer(shlex.split(text))
    except ValueError:
        return False


def _only_options(rest: Sequence[str], allowed: Sequence[str]) -> bool:
    return all(word in allowed for word in rest)


def _killall(rest: list[str]) -> bool:
    text = " ".join(rest)
    return re.fullmatch(r"(-[qevw] )*(-0|-s 0|--signal[ =]0|-SIG0)( -[qevw])* haproxy", text) is not None


def _pidof(rest: list[str]) -> bool:
    return bool(rest) and _base(rest[-1]) == "haproxy" and _only_options(rest[:-1], ("-s", "-x", "-q", "-c", "-sx"))


def _pgrep(rest: list[str]) -> bool:
    if not rest or re.fullmatch(r"\^?(/usr/(local/)?sbin/)?haproxy\$?", rest[-1]) is None:
        return False
    return _only_options(rest[:-1], ("-x", "-f", "-c", "-o", "-n", "-l", "-a", "-fx", "-xf", "-q"))


def _pkill(rest: list[str]) -> bool:
    return "-0" in rest and _pgrep([word for word in rest if word != "-0"])


def _ps(rest: list[str]) -> bool:
    text = " ".join(rest)
    return re.fullmatch(r"-C ?haproxy( (--no-headers?|-o ?[a-z]+=?|h))*", text) is not None


def _systemctl(rest: list[str]) -> bool:
    plain = [word for word in rest if word not in ("-q", "--quiet", "--no-pager")]
    return len(plain) == 2 and plain[0] in ("is-active", "status") and plain[1] in _NAMES


def _service(rest: list[str]) -> bool:
    return rest == ["haproxy", "status"]


_PROGRAMS: dict[str, Callable[[list[str]], bool]] = {
    "killall": _killall,
    "pidof": _pidof,
    "pgrep": _pgrep,
    "pkill": _pkill,
    "ps": _ps,
    "systemctl": _systemctl,
    "service": _service,
    "haproxy": lambda rest: rest == ["status"],  # /etc/init.d/haproxy status
}
