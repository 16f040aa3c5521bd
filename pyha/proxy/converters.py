"""Converters of samples (HAProxy's manual, section 7.3.1), and values as text and as numbers."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from .hello import MORE
from .visit import Look, Value, Visit


def converted(taken: Look, name: str, args: Sequence[str]) -> Look:
    """What a converter makes of a sample."""
    convert = _converter(name, args)

    def look(visit: Visit) -> Value:
        value = taken(visit)
        return value if value is None or value is MORE else convert(value)
    return look


def _converter(name: str, args: Sequence[str]) -> Callable[[Any], Value]:
    if name == "ipmask":
        four, six = int(args[0]), int(args[1]) if len(args) > 1 else 128
        masks = ((1 << 128) - (1 << max(0, 32 - four)), (1 << 128) - (1 << max(0, 128 - six)))
        return lambda value: value & masks[value >> 32 != 0xFFFF]
    if name == "field":
        return lambda value: _part(text(value), int(args[0]), args[1])
    if name in _TEXT:
        of_text = _TEXT[name]
        return lambda value: of_text(text(value))
    operand = int(args[0]) if args else 0
    arithmetic = _ARITHMETIC[name]
    return lambda value: None if number(value) is None else arithmetic(number(value), operand)


_TEXT: Final[dict[str, Callable[[str], Value]]] = {"length": len, "lower": str.lower, "upper": str.upper}
_ARITHMETIC: Final[dict[str, Callable[[Any, int], int]]] = {
    "add": lambda a, b: a + b, "bool": lambda a, _b: int(a != 0), "div": lambda a, b: a // b if b else 0,
    "mod": lambda a, b: a % b if b else 0, "mul": lambda a, b: a * b, "not": lambda a, _b: int(a == 0),
    "sub": lambda a, b: a - b}


def _part(value: str, index: int, delimiters: str) -> Value:
    parts = [value]
    for delimiter in delimiters:
        parts = [piece for part in parts for piece in part.split(delimiter)]
    return parts[index - 1] if index <= len(parts) else None


def text(value: Value) -> str:
    """A value as HAProxy writes it where text is wanted. Addresses stay what they are here: numbers."""
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def number(value: Value) -> int | None:
    """A value as a number, if it can be read as one."""
    if isinstance(value, int):
        return value
    digits = text(value).strip()[:18]
    bare = digits.removeprefix("-")
    return int(digits) if bare.isascii() and bare.isdigit() else None
