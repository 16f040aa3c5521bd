"""What a proxy decides by rules: conditions, what follows from them, and tables that remember clients.

The words are those of HAProxy's manual: ACLs in section 7, rules in section 4.2, tables there under `stick-table`.
"""

import re
from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import Duration, Frozen, Interval, Positive
from .samples import CONVERTERS, FETCHES

Match = Literal["bool", "found", "int", "ip", "len", "str", "beg", "end", "sub", "dom", "dir", "reg", "bin"]

_RANGE = re.compile(r"(-?\d{1,18})?(:)?(-?\d{1,18})?")


class Sample(Frozen):
    """Something to look at: `fetch` is HAProxy's name, `args` what follows it in parentheses."""

    fetch: str
    args: tuple[str, ...] = ()
    converters: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = ()  # each a name and its arguments

    @model_validator(mode="after")
    def _known(self) -> "Sample":
        if self.fetch not in FETCHES:
            raise ValueError(f"unknown sample '{self.fetch}'")
        for name, *args in self.converters:
            low, high = CONVERTERS.get(name, (0, -1))
            if not low <= len(args) <= high:
                raise ValueError(f"unknown converter '{name}', or not with {len(args)} arguments")
        return self


class Criterion(Frozen):
    """One `acl` line. Without values nothing matches, except by `bool` and `found`, which take none.

    Values: `int` and `len` take numbers and ranges (`5`, `5:10`, `5:`, `:10`), `ip` addresses and networks, `reg`
    regular expressions, `bin` hexadecimal digits, the others text.
    """

    sample: Sample
    match: Match
    ignore_case: bool = False
    values: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _readable(self) -> "Criterion":
        for value in self.values:
            check_value(self.match, value)
        return self


def check_value(match: str, value: str) -> None:
    """ValueError with a sentence when a criterion of that kind cannot have the value."""
    if match in ("int", "len"):
        number_range(value)
    elif match == "ip":
        try:
            ip_network(value, strict=False)
        except ValueError:
            raise ValueError(f"'{value}' is not an IP address or network") from None
    elif match == "reg":
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"'{value}' is not a regular expression: {error}") from None
    elif match == "bin" and not re.fullmatch(r"([0-9A-Fa-f]{2})+", value):
        raise ValueError(f"'{value}' is not an even number of hexadecimal digits")


def number_range(text: str) -> tuple[int | None, int | None]:
    """The lowest and the highest number of `5`, `5:10`, `5:` or `:10`; None is no limit. ValueError for others."""
    found = _RANGE.fullmatch(text)
    if not found or (found[1] is None and found[3] is None):
        raise ValueError(f"'{text}' is not a number, and not a range such as 1:10")
    low = None if found[1] is None else int(found[1])
    if found[2] is None:
        return low, low
    return low, None if found[3] is None else int(found[3])


class Term(Frozen):
    """One ACL of a condition: any of its criteria may match."""

    any_of: tuple[Criterion, ...]
    negated: bool = False


class Condition(Frozen):
    """True when all terms of one alternative are; with `unless`, when that is not so."""

    alternatives: tuple[tuple[Term, ...], ...]
    unless: bool = False


class TcpRule(Frozen):
    """`tcp-request ... ACTION`. What `track` follows and into which table; `slot` is the 0 of track-sc0."""

    action: Literal["accept", "reject", "silent-drop", "track", "inc-gpc0", "inc-gpc1", "expect-proxy"]
    when: Condition | None = None
    slot: Annotated[int, Field(ge=0, le=2)] = 0
    sample: Sample | None = None  # track: the key
    table: str = ""  # track: the table's name

    @model_validator(mode="after")
    def _whole(self) -> "TcpRule":
        if self.action == "track" and (self.sample is None or not self.table):
            raise ValueError("track needs a sample and a table")
        return self


class BackendRule(Frozen):
    """`use_backend NAME if ...`."""

    backend: str
    when: Condition | None = None


class ServerRule(Frozen):
    """`use-server NAME if ...`: that server, where it is not down."""

    server: str
    when: Condition | None = None


class StickRule(Frozen):
    """`stick on` (match and store), `stick match`, `stick store-request`."""

    sample: Sample
    table: str
    match: bool = True
    store: bool = True
    when: Condition | None = None


class FrontendRules(Frozen):
    """In the order in which they are looked at: connection, session, content, then the backend."""

    connection: tuple[TcpRule, ...] = ()  # before anything is known but addresses; rejects with RST, and logs nothing
    session: tuple[TcpRule, ...] = ()  # rejects with FIN, and logs nothing
    content: tuple[TcpRule, ...] = ()  # when enough bytes have come to decide, or inspect_delay is over
    inspect_delay: Duration | None = None
    backends: tuple[BackendRule, ...] = ()  # the first that applies, else default_backend


class BackendRules(Frozen):
    """What a backend decides itself, whichever frontend a connection comes from."""

    content: tuple[TcpRule, ...] = ()
    inspect_delay: Duration | None = None
    servers: tuple[ServerRule, ...] = ()
    stick: tuple[StickRule, ...] = ()


Counter = Literal["conn_cnt", "conn_cur", "conn_rate", "sess_cnt", "sess_rate", "gpc0", "gpc0_rate", "gpc1",
                  "gpc1_rate", "bytes_in_cnt", "bytes_out_cnt"]


class Table(Frozen):
    """`stick-table`. `rates`: over how long each rate is measured."""

    name: str
    kind: Literal["ip", "ipv6", "integer", "string"] = "ip"
    length: Positive = 32  # of strings: what is longer is cut
    size: Positive = 100_000  # entries; the oldest makes room, unless `nopurge`
    expire: Duration | None = None  # since the entry was last used
    nopurge: bool = False
    store: tuple[Counter, ...] = ()
    rates: tuple[tuple[Counter, Interval], ...] = ()


__all__ = [
    "BackendRule", "BackendRules", "Condition", "Counter", "Criterion", "FrontendRules", "Match", "Sample",
    "ServerRule", "StickRule", "Table", "TcpRule", "Term",
]
