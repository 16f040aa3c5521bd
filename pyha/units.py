"""Durations that carry their unit in the type, and the parsers for how operators write them."""

from typing import NewType

from pyha.errors import UnitError

Milliseconds = NewType("Milliseconds", int)
"""HAProxy's unit: every `timeout` and `inter` of its manual, section 2.5."""

Centiseconds = NewType("Centiseconds", int)
"""VRRP's unit: RFC 9568 section 5.2.7 counts advertisement intervals in hundredths of a second."""

_SUFFIXES = {"us": 1, "ms": 1_000, "s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}
"""Microseconds."""

_DIGITS = 18  # more cannot mean anything, and int() refuses thousands of them
_LONGEST = 2**31 - 1  # milliseconds, HAProxy's limit: a little under 25 days
_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


def milliseconds(text: str) -> Milliseconds:
    """Read a time as HAProxy's manual section 2.5 defines it: `500`, `500ms`, `3s`, `2m`, `1h`, `1d`, `100us`.

    Without a suffix the number is in milliseconds. A time under one millisecond rounds up to one, so that a small
    timeout never turns into "none". Raises UnitError with a sentence for the operator.
    """
    digits = len(text) - len(text.lstrip("0123456789"))
    if not digits:
        raise UnitError(f"'{text}' is not a time: expected a number with us, ms, s, m, h or d, such as 500ms or 3s")
    suffix = text[digits:] or "ms"
    factor = _SUFFIXES.get(suffix)
    if factor is None:
        raise UnitError(f"'{text}' is not a time: unexpected '{suffix}', expected us, ms, s, m, h or d")
    number = text[:digits].lstrip("0")
    result = -(-int(number[:_DIGITS] or 0) * factor // 1000)
    if result > _LONGEST or len(number) > _DIGITS:
        raise UnitError(f"'{text}' is too long: at most {_LONGEST // 86_400_000} days fit")
    return Milliseconds(result)


def spelled(value: Milliseconds) -> str:
    """A duration as people write it, which `milliseconds` reads back: `0ms`, `1500ms`, `3s`, `1m`, `24h`."""
    for suffix in ("h", "m", "s"):
        factor = _SUFFIXES[suffix] // 1000
        if value and value % factor == 0:
            return f"{value // factor}{suffix}"
    return f"{value}ms"


def size(text: str) -> int:
    """Read a size in bytes as HAProxy's manual section 2.5 defines it: `1024`, `16k`, `1m`, `2g`. Raises UnitError."""
    number, suffix = (text, "") if text.isdigit() else (text[:-1], text[-1:].lower())
    if not (number.isascii() and number.isdigit() and len(number) <= _DIGITS) or suffix not in _SIZES:
        raise UnitError(f"'{text}' is not a size: expected a number with an optional k, m or g")
    return int(number) * _SIZES[suffix]


def seconds(value: Milliseconds) -> float:
    """Milliseconds as the seconds that clocks count in."""
    return value / 1000


def interval_seconds(value: Centiseconds) -> float:
    """Centiseconds as the seconds that clocks count in."""
    return value / 100
