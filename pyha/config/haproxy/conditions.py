"""The lines that start with a dot: conditional blocks and messages (HAProxy's manual, section 2.4)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyha.config.draft import Draft
from pyha.config.origin import Origin, did_you_mean

from .lexer import Line

HAPROXY_VERSION = "2.6.12"
"""The version whose language this is; `version_atleast` and `version_before` compare with it."""

FEATURES = frozenset({"EPOLL", "GETADDRINFO", "LINUX_SPLICE", "LINUX_TPROXY", "OPENSSL", "POLL", "SYSTEMD", "THREAD",
                      "TFO"})
"""What `feature(name)` answers yes to: the build options of HAProxy that pyha has a counterpart for."""

_CALL = re.compile(r"(!*)\s*([a-z_]+)\s*\(([^()]*)\)\s*")
_NUMBER = re.compile(r"(!*)\s*(\d+)\s*")
_PREDICATES = ("defined", "feature", "streq", "strneq", "version_atleast", "version_before")
DIRECTIVES = (".if", ".elif", ".else", ".endif", ".notice", ".warning", ".alert", ".diag")


class ConditionError(Exception):
    """An expression that cannot be read; `str()` says why."""


@dataclass
class _Block:
    origin: Origin
    active: bool  # this branch is read
    taken: bool  # one branch was read already, or the block as a whole is skipped
    closed: bool = False  # .else was seen


@dataclass
class Conditions:
    """Follows `.if` blocks over all files and tells which lines count."""

    draft: Draft
    environment: Mapping[str, str]
    _blocks: list[_Block] = field(default_factory=list)

    @property
    def active(self) -> bool:
        """Whether the line after this one is to be read."""
        return all(block.active for block in self._blocks)

    def directive(self, line: Line) -> None:
        """Obey one line whose first word starts with a dot."""
        word, args = line.words[0], line.words[1:]
        if word == ".if":
            self._open(line)
        elif word in (".elif", ".else", ".endif"):
            if not self._blocks:
                self.draft.error(line.origin, f"lone '{word}' with no matching '.if'")
            else:
                self._turn(word, line)
        elif word in DIRECTIVES:
            if self.active:
                self._say(word, " ".join(args), line.origin)
        else:
            self.draft.error(line.origin, f"unknown directive '{word}'", did_you_mean(word, DIRECTIVES))

    def finish(self) -> None:
        """The end of the last file: every block must be closed."""
        for block in self._blocks:
            self.draft.error(block.origin, "non-terminated '.if' block", "add '.endif'")

    def _open(self, line: Line) -> None:
        outer = self.active
        value = self._value(line) if outer else False
        self._blocks.append(_Block(line.origin, active=value, taken=value or not outer))

    def _turn(self, word: str, line: Line) -> None:
        block = self._blocks[-1]
        if word == ".endif":
            self._blocks.pop()
            return
        if block.closed:
            self.draft.error(line.origin, f"'{word}' after '.else'", f"the block starts at line {block.origin.line}")
        block.closed = block.closed or word == ".else"
        block.active = False
        if not block.taken:
            block.active = word == ".else" or self._value(line)
            block.taken = block.active

    def _say(self, word: str, text: str, origin: Origin) -> None:
        if word == ".alert":
            self.draft.error(origin, f"'.alert': {text}")
        elif word == ".warning":
            self.draft.warn(origin, f"'.warning': {text}")

    def _value(self, line: Line) -> bool:
        try:
            return evaluate(" ".join(line.words[1:]), self.environment)
        except ConditionError as error:
            self.draft.error(line.origin, f"'{line.words[0]}': {error}")
            return False


def evaluate(text: str, environment: Mapping[str, str]) -> bool:
    """The truth of an expression: predicates and numbers joined by `&&` and `||`, each negated by `!`.

    Raises ConditionError with a sentence for the operator.
    """
    if not text.strip():
        return False
    # Lists, so that every term is read: a mistake is told wherever it stands.
    values = [[_term(term, environment) for term in part.split("&&")] for part in text.split("||")]
    return any(all(terms) for terms in values)


def _term(text: str, environment: Mapping[str, str]) -> bool:
    text = text.strip()
    number = _NUMBER.fullmatch(text)
    if number:
        return (int(number[2][:20]) != 0) ^ (len(number[1]) % 2 == 1)
    call = _CALL.fullmatch(text)
    if not call:
        raise ConditionError(f"cannot read '{text}'; expected one of {', '.join(_PREDICATES)} with its arguments in "
                             "parentheses, joined by && or ||")
    arguments = [argument.strip().strip("\"'") for argument in call[3].split(",")]
    return _predicate(call[2], arguments, environment) ^ (len(call[1]) % 2 == 1)


def _predicate(name: str, arguments: list[str], environment: Mapping[str, str]) -> bool:
    wanted = 2 if name in ("streq", "strneq") else 1
    if name not in _PREDICATES:
        raise ConditionError(f"unknown predicate '{name}'; expected one of {', '.join(_PREDICATES)}")
    if len(arguments) != wanted:
        raise ConditionError(f"'{name}' takes {wanted} argument{'s' if wanted > 1 else ''}, got {len(arguments)}")
    match name:
        case "defined":
            return arguments[0] in environment
        case "feature":
            return arguments[0] in FEATURES
        case "streq":
            return arguments[0] == arguments[1]
        case "strneq":
            return arguments[0] != arguments[1]
        case "version_atleast":
            return _version(HAPROXY_VERSION) >= _version(arguments[0])
        case _:
            return _version(HAPROXY_VERSION) < _version(arguments[0])


def _version(text: str) -> tuple[int, ...]:
    numbers = [int(number[:9]) for number in re.findall(r"\d+", text)[:4]]
    if not numbers:
        raise ConditionError(f"'{text}' is not a version; expected something like 2.6.0")
    return tuple(numbers)
