"""One statement, the block that it stands in, and the readers for its arguments.

Where keepalived logs a bad value and goes on with the default, so does pyha, with a warning that says so: the same
file must mean the same. What would give two masters, or not the addresses that clients expect, is an error.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface
from typing import Any

from pyha.config.base import IPAddress
from pyha.config.draft import Draft
from pyha.config.origin import Origin, did_you_mean
from pyha.units import Milliseconds

_DECIMAL = re.compile(r"(\d{1,12}(\.\d{0,12})?|\.\d{1,12})")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_KEPT = "keepalived goes on with the default, and so does pyha"
BOOLEANS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Statement:
    """A line: its first word, the others, and its block."""

    keyword: str
    args: tuple[str, ...]
    origin: Origin
    text: str = ""  # the line as it is written
    body: "tuple[Statement, ...] | None" = None

    def arg(self, index: int) -> str:
        """One argument, empty when it is not there."""
        return self.args[index] if index < len(self.args) else ""

    @property
    def words(self) -> tuple[str, ...]:
        """The whole line, for blocks in which a line is an entry."""
        return (self.keyword, *self.args)


@dataclass(frozen=True, slots=True)
class Part:
    """An item of a list of the model, and the line that it came from."""

    data: Any
    origin: Origin


@dataclass
class Scope:
    """A block while it is read: values by the name of the model's field, `garp.delay` for a field within a field."""

    kind: str  # "vrrp_instance" ...; "" for the file as a whole
    name: str
    origin: Origin
    draft: Draft
    values: dict[str, Any] = field(default_factory=dict)
    where: dict[str, Origin] = field(default_factory=dict)
    children: dict[str, list["Scope"]] = field(default_factory=dict)
    mentioned: set[str] = field(default_factory=set)  # keywords that were there, whatever became of them

    def put(self, key: str, value: Any, origin: Origin) -> None:  # noqa: ANN401 - each key has its own type
        """Set a value; the last statement wins."""
        self.values[key] = value
        self.where[key] = origin

    def extend(self, key: str, parts: list[Part], origin: Origin) -> None:
        """Add to a list: several blocks of the same kind are one."""
        self.values[key] = [*self.values.get(key, ()), *parts]
        self.where.setdefault(key, origin)

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - each key has its own type
        """The value of a field, or the default."""
        return self.values.get(key, default)

    def parts(self, key: str) -> list[Part]:
        """The items of a list."""
        return list(self.values.get(key, ()))

    def child(self, kind: str, name: str, origin: Origin) -> "Scope":
        """A block within this one; it counts once it is in `children`."""
        return Scope(kind, name, origin, self.draft)

    def error(self, statement: Statement, message: str, hint: str = "") -> None:
        """Refuse the file because of this statement."""
        self.draft.error(statement.origin, message, hint)

    def warn(self, statement: Statement, message: str, hint: str = "") -> None:
        """Take the statement with a remark."""
        self.draft.warn(statement.origin, message, hint)

    def ignore(self, statement: Statement, message: str, hint: str = "") -> None:
        """Go on without the statement, or a part of it, as keepalived does."""
        self.draft.warn(statement.origin, message, hint, ignored=True)

    def describe(self) -> str:
        """The block in the manual's words: `vrrp_instance 'VI_1'`."""
        return f"{self.kind} '{self.name}'" if self.name else f"'{self.kind}'" if self.kind else "the file"


# -- reading arguments: each returns None after it has reported the problem --------------------------------------------


def number(scope: Scope, statement: Statement, text: str, low: int, high: int = 2**31 - 1, *, what: str = "",
           fatal: bool = False) -> int | None:
    """A decimal number within a range."""
    if _INTEGER.fullmatch(text) and text.isascii() and low <= int(text) <= high:
        return int(text)
    expected = f"an integer between {low} and {high}" if high < 2**31 - 1 else f"an integer of at least {low}"
    _bad(scope, statement, what or statement.keyword, expected, text, fatal=fatal)
    return None


def decimal(scope: Scope, statement: Statement, text: str, low: float, high: float, *, what: str = "") -> float | None:
    """A number of seconds, with decimals, within a range."""
    if _DECIMAL.fullmatch(text) and text.isascii() and low <= float(text) <= high:
        return float(text)
    _bad(scope, statement, what or statement.keyword, f"seconds between {low:.10g} and {high:.10g}", text)
    return None


def duration(scope: Scope, statement: Statement, text: str, low: float, high: float, *,
             what: str = "") -> Milliseconds | None:
    """A time in seconds, with decimals, within a range. What is not 0 becomes at least one millisecond."""
    value = decimal(scope, statement, text, low, high, what=what)
    return None if value is None else Milliseconds(max(round(value * 1000), 1) if value else 0)


def boolean(scope: Scope, statement: Statement) -> bool | None:
    """What `KEYWORD [on|off|true|false|yes|no]` says; no argument means yes."""
    if not statement.args:
        return True
    value = BOOLEANS.get(statement.args[0])
    if value is None:
        _bad(scope, statement, statement.keyword, f"one of {', '.join(BOOLEANS)}", statement.args[0])
    return value


def choice(scope: Scope, statement: Statement, text: str, choices: Collection[str]) -> str | None:
    """One of a few words."""
    if text in choices:
        return text
    expected = ", ".join(f"'{word}'" for word in choices)
    _bad(scope, statement, statement.keyword, f"one of {expected}", text, did_you_mean(text, choices))
    return None


def address(text: str) -> IPAddress | None:
    """An IP address, or None. A zone (`%eth0`) is no part of one."""
    try:
        return ip_address(text) if "%" not in text else None
    except ValueError:
        return None


def prefixed(text: str) -> IPv4Interface | IPv6Interface | None:
    """An IP address with or without a prefix length, or None."""
    ip, slash, length = text.partition("/")
    if "%" in ip or (slash and not (length.isascii() and length.isdigit())):
        return None
    try:
        return ip_interface(text)
    except ValueError:
        return None


def no_more(scope: Scope, statement: Statement, count: int, known: Collection[str] = ()) -> None:
    """Say that further arguments are not looked at."""
    if len(statement.args) > count:
        extra = statement.args[count]
        hint = "each keyword needs a line of its own" if extra in known else "start a comment with '#' or '!'"
        scope.ignore(statement, f"'{extra}' is one argument too many for '{statement.keyword}' and is not looked at",
                     hint)


def _bad(scope: Scope, statement: Statement, what: str, expected: str, text: str, hint: str = "", *,
         fatal: bool = False) -> None:
    message = f"'{what}' expects {expected}" + (f", got '{text}'" if text else "")
    if fatal:
        scope.error(statement, message, hint)
    else:
        scope.ignore(statement, message, "; ".join(part for part in (hint, _KEPT) if part))
