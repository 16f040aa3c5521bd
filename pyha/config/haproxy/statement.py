"""One statement of a section, the section it stands in, and the readers for its arguments."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pyha.config.draft import Draft
from pyha.config.origin import Origin, did_you_mean
from pyha.errors import UnitError
from pyha.units import Milliseconds, milliseconds

Prefix = Literal["", "no", "default"]


@dataclass(frozen=True, slots=True)
class Statement:
    """A keyword of the manual ("timeout client") with its arguments."""

    keyword: str
    args: tuple[str, ...]
    origin: Origin
    prefix: Prefix = ""

    def arg(self, index: int) -> str:
        """One argument, empty when it is not there."""
        return self.args[index] if index < len(self.args) else ""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A word without effect, kept until it is known how to say so in few lines."""

    word: str
    origin: Origin
    reason: str


@dataclass
class Section:
    """A section while it is read: values by the name of the model's field, each with the line that gave it."""

    kind: str  # global, defaults, frontend, listen, backend
    name: str
    origin: Origin
    draft: Draft
    settings: "Section | None" = None  # the global section; None for itself
    read_file: Callable[[str], str] | None = None  # how to get at files; raises OSError
    values: dict[str, Any] = field(default_factory=dict)
    where: dict[str, Origin] = field(default_factory=dict)
    inherited: frozenset[str] = frozenset()  # keys that still hold what `defaults` said
    servers: list["ServerDraft"] = field(default_factory=list)
    binds: list["BindDraft"] = field(default_factory=list)
    acls: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)  # every line of a name, any of them may match
    http_rules: list[Statement] = field(default_factory=list)  # statements that look into HTTP
    inherited_rules: int = 0  # how many of them `defaults` gave
    ignored: list[Ignored] = field(default_factory=list)

    def put(self, key: str, value: Any, origin: Origin) -> None:  # noqa: ANN401 - each key has its own type
        """Set a value; the last statement wins, as in HAProxy."""
        self.values[key] = value
        self.where[key] = origin
        self.inherited -= {key}

    def drop(self, *keys: str) -> None:
        """Forget values, so that the built-in ones apply."""
        for key in keys:
            self.values.pop(key, None)
            self.where.pop(key, None)

    def extend(self, key: str, value: Any, origin: Origin, *,  # noqa: ANN401 - each key has its own type
               replacing_inherited: bool = False) -> None:
        """Append to a list of (value, origin)."""
        items = [] if replacing_inherited and key in self.inherited else list(self.values.get(key, ()))
        self.put(key, [*items, (value, origin)], origin)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - each key has its own type
        """The value of a field, or the default."""
        return self.values.get(key, default)

    def is_http(self) -> bool:
        """Whether `mode http` applies."""
        return bool(self.get("mode", "tcp") == "http")

    def error(self, statement: Statement, message: str, hint: str = "") -> None:
        """Refuse the file because of this statement."""
        self.draft.error(statement.origin, message, hint)

    def warn(self, statement: Statement, message: str, hint: str = "") -> None:
        """Take the statement with a remark."""
        self.draft.warn(statement.origin, message, hint)

    def ignore(self, word: str, origin: Origin, reason: str) -> None:
        """Take a word that has no effect; said at the end of the section, once for one reason."""
        self.ignored.append(Ignored(word, origin, reason))

    def say_ignored(self) -> None:
        """The end of the section: tell about the words without effect, those with one reason in one sentence."""
        reasons: dict[str, dict[str, Origin]] = {}
        for item in self.ignored:
            reasons.setdefault(item.reason, {}).setdefault(item.word, item.origin)
        for reason, words in reasons.items():
            first = next(iter(words.values()))
            listed = [f"'{word}'" + (f" (line {origin.line})" if origin != first else "")
                      for word, origin in words.items()]
            text = ", ".join(listed[:-1]) + (" and " if len(listed) > 1 else "") + listed[-1]
            self.draft.warn(first, f"{text} {'have' if len(listed) > 1 else 'has'} no effect: {reason}", ignored=True)
        self.ignored.clear()

    def child(self, kind: str, name: str, origin: Origin) -> "Section":
        """A section that starts with the values of this `defaults` section, and with its rules if it has a name."""
        values = {key: list(value) if isinstance(value, list) else value for key, value in self.values.items()}
        return replace(self, kind=kind, name=name, origin=origin, values=values, where=dict(self.where),
                       inherited=frozenset(values), servers=[], binds=[],
                       acls={key: list(lines) for key, lines in self.acls.items()},
                       http_rules=list(self.http_rules), inherited_rules=len(self.http_rules), ignored=[])

    def describe(self) -> str:
        """The section in the manual's words: `frontend 'api'`."""
        return f"{self.kind} '{self.name}'" if self.name else f"'{self.kind}' section"


@dataclass
class ServerDraft:
    """A server line, translated, with the line for every option that differs from the line of the server."""

    name: str
    data: dict[str, Any]
    origin: Origin


@dataclass
class BindDraft:
    """One listening address of a bind line."""

    data: dict[str, Any]
    origin: Origin
    text: str


Handler = Callable[[Section, Statement], None]


# -- reading arguments: each returns None after it has reported the problem --------------------------------------------


def number(section: Section, statement: Statement, text: str, low: int, high: int = 2**31 - 1, *,
           what: str = "") -> int | None:
    """A decimal number within a range."""
    what = what or statement.keyword
    expected = f"an integer between {low} and {high}" if high < 2**31 - 1 else f"an integer of at least {low}"
    if not text:
        section.error(statement, f"'{what}' expects {expected}")
        return None
    digits = text[1:] if text[:1] in "+-" else text
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18 or not low <= int(text) <= high:
        section.error(statement, f"'{what}' expects {expected}, got '{text}'")
        return None
    return int(text)


def duration(section: Section, statement: Statement, text: str, *, low: int = 0, what: str = "") -> Milliseconds | None:
    """A time as section 2.5 of the manual writes it."""
    what = what or statement.keyword
    if not text:
        section.error(statement, f"'{what}' expects a time such as 500ms, 10s or 1h")
        return None
    if not text.isascii() or len(text) > 20:
        section.error(statement, f"'{what}': '{text[:40]}' is not a time")
        return None
    try:
        value = milliseconds(text)
    except UnitError as error:
        section.error(statement, f"'{what}': {error}")
        return None
    if value < low:
        section.error(statement, f"'{what}' must be at least {low} ms, got '{text}'")
        return None
    return value


def choice(section: Section, statement: Statement, text: str, choices: Collection[str], *,
           what: str = "") -> str | None:
    """One of a few words."""
    what = what or statement.keyword
    if text in choices:
        return text
    expected = ", ".join(f"'{word}'" for word in choices)
    got = f", got '{text}'" if text else ""
    section.error(statement, f"'{what}' expects one of {expected}{got}", did_you_mean(text, choices) if text else "")
    return None


def no_more(section: Section, statement: Statement, count: int) -> bool:
    """Check that there are at most `count` arguments."""
    if len(statement.args) <= count:
        return True
    section.error(statement, f"'{statement.keyword}' cannot handle unexpected argument '{statement.args[count]}'",
                  "remove it, or start a comment with '#'")
    return False


def word_argument(section: Section, statement: Statement, expected: str) -> str | None:
    """The one argument of a keyword that takes one."""
    if not statement.arg(0):
        section.error(statement, f"'{statement.keyword}' expects {expected} as argument")
        return None
    return statement.args[0] if no_more(section, statement, 1) else None


# -- makers of handlers for the many keywords that set one field -------------------------------------------------------


def sets_number(key: str, low: int, high: int = 2**31 - 1) -> Handler:
    """A keyword with one number."""
    def handler(section: Section, statement: Statement) -> None:
        value = number(section, statement, statement.arg(0), low, high)
        if value is not None and no_more(section, statement, 1):
            section.put(key, value, statement.origin)
    return handler


def sets_duration(key: str, *, low: int = 0) -> Handler:
    """A keyword with one time."""
    def handler(section: Section, statement: Statement) -> None:
        value = duration(section, statement, statement.arg(0), low=low)
        if value is not None and no_more(section, statement, 1):
            section.put(key, value, statement.origin)
    return handler


def sets_word(key: str, expected: str) -> Handler:
    """A keyword with one word."""
    def handler(section: Section, statement: Statement) -> None:
        value = word_argument(section, statement, expected)
        if value is not None:
            section.put(key, value, statement.origin)
    return handler


def sets_flag(key: str, *, value: bool = True) -> Handler:
    """A keyword without argument; `no` before it sets the opposite, `default` forgets it."""
    def handler(section: Section, statement: Statement) -> None:
        if not no_more(section, statement, 0):
            return
        if statement.prefix == "default":
            section.drop(key)
        else:
            section.put(key, value if statement.prefix == "" else not value, statement.origin)
    return handler


def accepted(section: Section, statement: Statement) -> None:
    """A keyword that pyha fulfils without being told: nothing to do and nothing to say."""
