"""Lines that stand for many: `~SEQ(...)`, `~SEQx(...)` and `~LST(...)` (keepalived.conf(5), "Sequence blocks")."""

import re
from collections.abc import Iterator, Sequence

_START = re.compile(r"~(SEQx?|LST)[ \t]*\(")
_NAME = re.compile(r"[A-Za-z_]\w*")
_INTEGER = re.compile(r"-?(0[xX][0-9a-fA-F]{1,12}|0[0-7]{1,12}|[0-9]{1,12})")
_MOST = 65_536


class SequenceError(Exception):
    """A block that cannot be understood; `str()` says what was expected."""


Assignment = Sequence[tuple[str, str]]


def sequence(text: str) -> tuple[Iterator[Assignment], str] | None:
    """The definitions to make one after the other, and the rest of the line to read after each; None: no such block.

    Raises SequenceError.
    """
    match = _START.match(text)
    if match is None:
        return None
    end = _closing(text, match.end())
    if end < 0:
        raise SequenceError(f"'~{match.group(1)}(' is not closed by ')'")
    arguments, rest = _split(text[match.end():end]), text[end + 1:].strip()
    if match.group(1) == "LST":
        return _list(arguments), rest
    return _numbers(arguments, hexadecimal=match.group(1) == "SEQx"), rest


def _closing(text: str, start: int) -> int:
    depth = 0
    for position in range(start, len(text)):
        if text[position] == "(":
            depth += 1
        elif text[position] == ")":
            if not depth:
                return position
            depth -= 1
    return -1


def _split(text: str) -> list[str]:
    """At the commas that are not within braces."""
    parts, depth, current = [], 0, ""
    for char in text:
        depth += (char == "{") - (char == "}")
        if char == "," and depth <= 0:
            parts.append(current.strip())
            current = ""
        else:
            current += char
    return [*parts, current.strip()]


def _numbers(arguments: list[str], *, hexadecimal: bool) -> Iterator[Assignment]:
    name, *texts = arguments
    if not _NAME.fullmatch(name) or not 1 <= len(texts) <= 3 or not all(_INTEGER.fullmatch(text) for text in texts):
        raise SequenceError("expected ~SEQ(NAME, [START, [STEP,]] END) with whole numbers")
    numbers = [_integer(text) for text in texts]
    end = numbers[-1]
    start = numbers[0] if len(numbers) > 1 else (1 if end > 0 else -1)
    step = numbers[1] if len(numbers) == 3 else (1 if end >= start else -1)
    if not step or (end - start) * step < 0:
        raise SequenceError(f"with step {step} one never comes from {start} to {end}")
    if abs(end - start) // abs(step) >= _MOST:
        raise SequenceError(f"this makes more than {_MOST} lines")
    form = "x" if hexadecimal else "d"
    return ([(name, format(value, form))] for value in range(start, end + (1 if step > 0 else -1), step))


def _integer(text: str) -> int:
    digits = text.lstrip("-")
    value = int(digits, 16 if digits[:2] in ("0x", "0X") else 8 if digits[0] == "0" and len(digits) > 1 else 10)
    return -value if text[0] == "-" else value


def _list(arguments: list[str]) -> Iterator[Assignment]:
    names = _group(arguments[0])
    values = [_group(argument) for argument in arguments[1:]]
    if not all(_NAME.fullmatch(name) for name in names) or not values:
        raise SequenceError("expected ~LST(NAME, VALUE, ...) or ~LST({NAME, NAME}, {VALUE, VALUE}, ...)")
    if wrong := next((value for value in values if len(value) != len(names)), None):
        raise SequenceError(f"{len(names)} names need as many values each, got '{', '.join(wrong)}'")
    return (list(zip(names, value, strict=True)) for value in values)


def _group(text: str) -> list[str]:
    if text.startswith("{") and text.endswith("}"):
        return [part.strip() for part in text[1:-1].split(",")]
    return [text]
