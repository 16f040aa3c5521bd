"""`log-format`: the variables that mean something in TCP mode (HAProxy's manual, section 8.2.4).

What belongs to HTTP is "-", as HAProxy prints it when there is nothing to say. Flags: `%{+Q}s` quotes, `%{+X}ci` is
hexadecimal, `%{+E}s` escapes; `%{+Q}o` sets them for all that follows.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address

from .record import Dates, Record

_DATES = Dates()
_Value = Callable[[Record], str | int | None]
_Part = Callable[[Record], str]

_TOKEN = re.compile(r"%%|%(?:\{([^}]*)\})?(?:\[([^\]]*)\]|([A-Za-z]+))|\s+|[^%\s]+|%")


def _nothing(_: Record) -> None:
    return None


def _total(record: Record) -> str:
    return f"{'+' if record.asap else ''}{record.total}"


def _retries(record: Record) -> str:
    return f"{'+' if record.redispatched else ''}{record.retries}"


def _local(record: Record) -> str:
    return _DATES.at(int(record.accepted + record.utc_offset))


def _zone(record: Record) -> str:
    hours, minutes = divmod(abs(record.utc_offset) // 60, 60)
    return f"{'-' if record.utc_offset < 0 else '+'}{hours:02}{minutes:02}"


def _milliseconds(record: Record) -> int:
    return int(record.accepted * 1000) % 1000


def _data_time(record: Record) -> int:
    return -1 if record.connect < 0 else max(0, record.total - record.queued - record.connect)


TEXT: dict[str, _Value] = {
    "b": lambda r: r.backend,
    "bi": lambda r: r.source[0],
    "ci": lambda r: r.client[0],
    "f": lambda r: r.frontend,
    "fi": lambda r: r.bound[0],
    "ft": lambda r: r.frontend,
    "H": lambda r: r.hostname,
    "s": lambda r: r.server,
    "si": lambda r: r.target[0],
    "t": lambda r: f"{_local(r)}.{_milliseconds(r):03}",
    "T": lambda r: f"{_DATES.at(int(r.accepted))} +0000",
    "Tl": lambda r: f"{_local(r)} {_zone(r)}",
    "tr": lambda r: f"{_local(r)}.{_milliseconds(r):03}",
    "trg": lambda r: f"{_DATES.at(int(r.accepted))} +0000",
    "trl": lambda r: f"{_local(r)} {_zone(r)}",
    "ts": lambda r: r.code,
    "tsc": lambda r: r.code + "--",
}
"""Variables that `+Q` puts into quotes."""

NUMBERS: dict[str, _Value] = {
    "ac": lambda r: r.process_sessions,
    "B": lambda r: f"{'+' if r.asap else ''}{r.bytes_out}",
    "bc": lambda r: r.backend_sessions,
    "bp": lambda r: r.source[1] or None,
    "bq": lambda r: r.backend_queue,
    "cp": lambda r: r.client[1],
    "fc": lambda r: r.frontend_sessions,
    "fp": lambda r: r.bound[1] or None,
    "lc": lambda r: r.logged,
    "ms": lambda r: f"{_milliseconds(r):03}",
    "pid": lambda r: r.pid,
    "rc": _retries,
    "rt": lambda r: r.number,
    "sc": lambda r: r.server_sessions,
    "sp": lambda r: r.target[1] or None,
    "sq": lambda r: r.server_queue,
    "ST": lambda _: 0,
    "Ta": _total,
    "Tc": lambda r: r.connect,
    "Td": _data_time,
    "Th": lambda _: 0,
    "Ti": lambda _: 0,
    "Tq": lambda _: -1,
    "TR": lambda _: -1,
    "Tr": lambda _: -1,
    "Ts": lambda r: int(r.accepted),
    "Tt": _total,
    "Tu": _total,
    "Tw": lambda r: r.queued,
    "U": lambda r: r.bytes_in,
}

HTTP_ONLY = frozenset("CC CS hr hrl hs hsl HM HP HPO HQ HU HV ID r sslc sslv".split())  # noqa: SIM905 - a table

FETCHES: dict[str, _Value] = {
    "src": lambda r: r.client[0],
    "src_port": lambda r: r.client[1],
    "dst": lambda r: r.bound[0],
    "dst_port": lambda r: r.bound[1],
    "fe_name": lambda r: r.frontend,
    "be_name": lambda r: r.backend,
    "srv_name": lambda r: r.server,
    "pid": lambda r: r.pid,
    "hostname": lambda r: r.hostname,
}
"""`%[...]`; any other expression is "-"."""


def compile_format(text: str) -> Callable[[Record], str]:
    """Read a `log-format` once. Raises ValueError, with a sentence, for a variable that does not exist."""
    parts: list[_Part | str] = []
    standing: dict[str, bool] = {}
    for match in _TOKEN.finditer(text):
        word, (flags, expression, name) = match[0], match.groups()
        if name is None and expression is None:
            # A run of spaces is one separator, and where nothing was said there is nothing to separate.
            if not word.isspace():
                parts.append("%" if word == "%%" else word)
            elif parts and parts[-1] != " ":
                parts.append(" ")
            continue
        options = standing | _flags(flags or "")
        if name == "o":
            standing = options
        else:
            parts.append(_variable(name, expression, options))
    ready = tuple(parts)
    return lambda record: "".join([part if isinstance(part, str) else part(record) for part in ready])


def needs(text: str, *names: str) -> bool:
    """Whether a format uses any of these variables."""
    return any(match[3] in names for match in _TOKEN.finditer(text)) or ("%[" in text and "fi" in names)


def _flags(text: str) -> dict[str, bool]:
    return {flag: sign == "+" for sign, flag in re.findall(r"([+-])([A-Z])", text)}


def _variable(name: str | None, expression: str | None, options: dict[str, bool]) -> _Part:
    if expression is not None:
        value = FETCHES.get(expression.partition(",")[0].strip(), _nothing)
    elif name in HTTP_ONLY:
        value = _nothing
    elif name in TEXT or name in NUMBERS:
        value = TEXT.get(name) or NUMBERS[name]
    else:
        raise ValueError(f"there is no variable '%{name}' in log-format")
    quoted = bool(options.get("Q")) and name not in NUMBERS
    if options.get("X") and name in ("bi", "ci", "fi", "si", "bp", "cp", "fp", "sp", "pid", "rt", "Ts", "ms"):
        value = _hexadecimal(value)
    escaped = bool(options.get("E"))

    def part(record: Record) -> str:
        found = value(record)
        shown = "" if found is None else str(found)
        if escaped:
            shown = re.sub(r'([\\"\]])', r"\\\1", shown)
        if quoted:
            return f'"{shown}"'
        return shown or "-"

    return part


def _hexadecimal(value: _Value) -> _Value:
    def shown(record: Record) -> str | None:
        found = value(record)
        if found is None or found == "":
            return None
        if isinstance(found, str) and not found.isdigit():
            return ip_address(found.partition("%")[0]).packed.hex().upper()
        return f"{int(found):04X}"

    return shown
