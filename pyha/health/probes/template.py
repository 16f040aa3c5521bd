"""The little of HAProxy's log-format strings that checks need: text with parts of the answer in it.

`%[res.payload(4,0),cut_crlf]` is what comes after the fourth byte, up to the end of the line (HAProxy's manual,
sections 7.3.5 and 7.3.1, `tcp-check expect ... on-error`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

_PART = re.compile(r"%\[(?P<expression>[^\]]*)\]|%(?P<other>.?)", re.DOTALL)
_PAYLOAD = re.compile(r"(?:res\.)?payload\((?P<offset>\d{1,5}),(?P<length>\d{1,5})\)")
_TEXT = re.compile(r"str\((?P<text>[^)]*)\)")
_SPLIT = re.compile(r",(?![^(]*\))")

_CONVERTERS: dict[str, Callable[[bytes], bytes]] = {
    "cut_crlf": lambda data: re.split(rb"[\r\n]", data, maxsplit=1)[0],
    "ltrim(' ')": lambda data: data.lstrip(b" "),
    "rtrim(' ')": lambda data: data.rstrip(b" "),
    "lower": bytes.lower,
    "upper": bytes.upper,
}
"""By the name that stands after a comma, arguments included."""

Source = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Template:
    """Text with places to fill. `parts` are asked in order."""

    parts: tuple[str | Source, ...]

    def fill(self, data: bytes) -> str:
        """The text for this answer. A zero byte ends a part, as it does in HAProxy."""
        return "".join(part if isinstance(part, str) else part(data).split(b"\0", 1)[0].decode("latin-1")
                       for part in self.parts)


def template(text: str) -> Template:
    """Read a log-format string. Raises ValueError with a sentence for what checks cannot know."""
    parts: list[str | Source] = []
    position = 0
    for match in _PART.finditer(text):
        parts.append(text[position:match.start()])
        position = match.end()
        if match["expression"] is not None:
            parts.append(expression(match["expression"]))
        elif match["other"] == "%":
            parts.append("%")
        else:
            raise ValueError(f"'%{match['other']}' has no meaning in a check")
    parts.append(text[position:])
    return Template(tuple(part for part in parts if part != ""))


def expression(text: str) -> str | Source:
    """One sample expression: a text, or a part of the answer, and converters. Raises ValueError."""
    first, *names = (part.strip() for part in _SPLIT.split(text))
    payload, fixed = _PAYLOAD.fullmatch(first), _TEXT.fullmatch(first)
    if not (payload or fixed):
        raise ValueError(f"'{first}' is not available in a check, expected res.payload(OFFSET,LENGTH) or str(TEXT)")
    unknown = next((name for name in names if name not in _CONVERTERS), None)
    if unknown is not None:
        raise ValueError(f"'{unknown}' is not available in a check, expected one of {', '.join(_CONVERTERS)}")
    converters = [_CONVERTERS[name] for name in names]
    if fixed:
        return _convert(fixed["text"].encode(), converters).decode()
    assert payload is not None
    offset, length = int(payload["offset"]), int(payload["length"])

    def part(data: bytes) -> bytes:
        return _convert(data[offset:offset + length if length else None], converters)
    return part


def _convert(data: bytes, converters: list[Callable[[bytes], bytes]]) -> bytes:
    for converter in converters:
        data = converter(data)
    return data
