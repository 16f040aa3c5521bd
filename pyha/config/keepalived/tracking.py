"""What is watched: `vrrp_script`, `vrrp_track_process`, `track_file`, and the `track_*` lists that use them."""

from typing import Any

from pyha.config.origin import did_you_mean

from .command import argument_list, asks_for_balancer, mentions_balancer
from .lexer import words
from .notify import identity
from .statement import Part, Scope, Statement, choice, duration, no_more, number
from .vocabulary import Keyword, Vocabulary, apply, sets_duration, sets_flag, sets_number

_LONGEST = 4294
_WEIGHT = 253


def _weight(low: int, high: int) -> Keyword:
    """`weight N [reverse]`."""
    def handler(scope: Scope, statement: Statement) -> None:
        value = number(scope, statement, statement.args[0], low, high)
        if value is not None:
            scope.put("weight", value, statement.origin)
        if statement.arg(1) == "reverse":
            scope.put("reverse", True, statement.origin)
        no_more(scope, statement, 2 if statement.arg(1) == "reverse" else 1)
    return Keyword(handler, needs=1)


def _named(scope: Scope, statement: Statement, kind: str) -> Scope | None:
    """The scope of a block with a name, or None: without one, or the second of that name."""
    if not statement.args:
        scope.error(statement, f"'{statement.keyword}' expects a name")
        return None
    name = statement.args[0]
    if any(other.name == name for other in scope.children.get(kind, ())):
        first = next(other for other in scope.children[kind] if other.name == name)
        scope.ignore(statement, f"{statement.keyword} '{name}' is there already, at line {first.origin.line}, and that "
                     "one counts", "give one of them another name")
        return None
    block = scope.child(statement.keyword, name, statement.origin)
    block.put("name", name, statement.origin)
    return block


# -- vrrp_script -------------------------------------------------------------------------------------------------------


def _command(scope: Scope, statement: Statement) -> None:
    if len(statement.args) > 1:
        scope.error(statement, f"the arguments of '{statement.args[0]}' are outside of the quotes, and keepalived "
                    "would run it without them", f'write: script "{" ".join(statement.args)}"')
        return
    argv = argument_list(scope, statement, statement.args[0])
    if argv:
        scope.put("argv", argv, statement.origin)
        shell = next((word for word in argv[1:] if word in ("|", ">", "&&", "||", ";", "<") or word[:1] == "|"), None)
        if shell is not None and not argv[0].endswith("sh"):
            scope.warn(statement, f"there is no shell: '{shell}' is an argument of '{argv[0]}'",
                       "write: script \"/bin/sh -c '...'\"")


def _user(scope: Scope, statement: Statement) -> None:
    for key, value in (identity(scope, statement, 0) or {}).items():
        scope.put(key, value, statement.origin)


SCRIPT = Vocabulary("vrrp_script", {
    "script": Keyword(_command, needs=1, command=True),
    "interval": sets_duration("interval", 0.001, _LONGEST),
    "timeout": sets_duration("timeout", 0.001, _LONGEST),
    "weight": _weight(-_WEIGHT, _WEIGHT),
    "rise": sets_number("rise", 1),
    "fall": sets_number("fall", 1),
    "user": Keyword(_user, needs=1),
    "init_fail": sets_flag("init_fail"),
})


def script(scope: Scope, statement: Statement) -> None:
    """`vrrp_script NAME { ... }`."""
    block = _named(scope, statement, "scripts")
    if block is None:
        return
    apply(SCRIPT, block, statement.body or ())
    if "argv" not in block.values:
        if not any(inner.keyword == "script" for inner in statement.body or ()):
            scope.error(statement, f"vrrp_script '{block.name}' has no 'script'", "keepalived would not watch anything")
        return
    argv = block.values["argv"]
    if asks_for_balancer(argv):
        block.put("balancer", True, block.where["argv"])
    elif mentions_balancer(argv) and argv[0].rsplit("/", 1)[-1] in ("sh", "bash"):
        scope.draft.warn(block.where["argv"], f"vrrp_script '{block.name}' has to do with haproxy in a way that pyha "
                         "does not know, so it is run", 'with pyha as the balancer write: script "killall -0 haproxy"')
    scope.children.setdefault("scripts", []).append(block)


# -- vrrp_track_process ------------------------------------------------------------------------------------------------


def _process(scope: Scope, statement: Statement) -> None:
    argv = tuple(words(statement.text))[1:]
    scope.put("argv", argv, statement.origin)
    if len(argv) > 1 and "match" not in scope.values:
        scope.put("match", "exact", statement.origin)


def _param_match(scope: Scope, statement: Statement) -> None:
    value = choice(scope, statement, statement.args[0], ("initial", "partial"))
    if value is not None:
        scope.put("match", value, statement.origin)


def _delay(scope: Scope, statement: Statement) -> None:
    value = duration(scope, statement, statement.args[0], 0, 3600)
    if value is not None:
        scope.put("fork_delay", value, statement.origin)
        scope.put("terminate_delay", value, statement.origin)


PROCESS = Vocabulary("vrrp_track_process", {
    "process": Keyword(_process, needs=1),
    "param_match": Keyword(_param_match, needs=1),
    "weight": _weight(-254, 254),
    "quorum": sets_number("quorum", 0, 65535),
    "quorum_max": sets_number("quorum_max", 0, 65535),
    "fork_delay": sets_duration("fork_delay", 0, 3600),
    "terminate_delay": sets_duration("terminate_delay", 0, 3600),
    "delay": Keyword(_delay, needs=1),
    "full_command": sets_flag("full_command"),
})


def process(scope: Scope, statement: Statement) -> None:
    """`vrrp_track_process NAME { ... }`."""
    block = _named(scope, statement, "process_checks")
    if block is None:
        return
    apply(PROCESS, block, statement.body or ())
    argv = block.get("argv")
    if not argv:
        scope.error(statement, f"vrrp_track_process '{block.name}' has no 'process'")
        return
    if argv[0].rsplit("/", 1)[-1] == "haproxy" and block.get("quorum", 1) >= 1 and "quorum_max" not in block.values:
        block.put("balancer", True, block.where["argv"])
    scope.children.setdefault("process_checks", []).append(block)


# -- track_file --------------------------------------------------------------------------------------------------------


def _initial(scope: Scope, statement: Statement) -> None:
    scope.put("initial", 0, statement.origin)
    for word in statement.args:
        if word == "overwrite":
            scope.put("overwrite", True, statement.origin)
        elif (value := number(scope, statement, word, -2**31, 2**31 - 1)) is not None:
            scope.put("initial", value, statement.origin)


def _path(scope: Scope, statement: Statement) -> None:
    scope.put("path", statement.args[0], statement.origin)
    no_more(scope, statement, 1)


FILE = Vocabulary("track_file", {
    "file": Keyword(_path, needs=1, command=True),
    "weight": _weight(-2**31, 2**31 - 1),
    "init_file": Keyword(_initial),
})


def file(scope: Scope, statement: Statement) -> None:
    """`track_file NAME { ... }`, formerly vrrp_track_file."""
    block = _named(scope, statement, "file_checks")
    if block is None:
        return
    apply(FILE, block, statement.body or ())
    if "path" in block.values:
        scope.children.setdefault("file_checks", []).append(block)
    else:
        scope.error(statement, f"track_file '{block.name}' has no 'file'")


# -- the lists that use them -------------------------------------------------------------------------------------------


def tracks(key: str, limit: int = _WEIGHT) -> Keyword:
    """`track_script { NAME [weight N [reverse|noreverse]] ... }` and its relatives."""
    def handler(scope: Scope, statement: Statement) -> None:
        parts: list[Part] = []
        for entry in statement.body or ():
            named = {part.data["name"] for part in [*scope.parts(key), *parts]}
            if entry.keyword in named:
                scope.ignore(entry, f"'{entry.keyword}' is in '{statement.keyword}' already", "remove one of them")
            else:
                parts.append(Part(_tracked(scope, entry, statement.keyword, limit), entry.origin))
        scope.extend(key, parts, statement.origin)
    return Keyword(handler, block="entries")


def _tracked(scope: Scope, entry: Statement, what: str, limit: int) -> dict[str, Any]:
    data: dict[str, Any] = {"name": entry.keyword}
    arguments = iter(entry.args)
    for word in arguments:
        if word == "weight":
            value = number(scope, entry, next(arguments, ""), -limit, limit, what=f"{what} ... weight")
            if value is not None:
                data["weight"] = value
        elif word in ("reverse", "noreverse", "no_reverse") and "weight" in data:
            data["reverse"] = word == "reverse"
        else:
            scope.ignore(entry, f"unknown word '{word}' in '{what}', without effect as in keepalived",
                         "it stands after 'weight N'" if word.endswith("reverse") else
                         did_you_mean(word, ("weight", "reverse", "noreverse")) or "each name needs a line of its own")
    return data


