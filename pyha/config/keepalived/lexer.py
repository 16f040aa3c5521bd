r"""Text to lines and lines to words, as keepalived reads them (keepalived.conf(5), "Quoted strings").

`#` and `!` start a comment anywhere outside of "double quotes", also in the middle of a word; `\#` and `\!` do not.
`{` and `}` outside of double quotes end a line, wherever they stand. Words are separated by blanks, and "..." is one.
Commands know more: 'single quotes', words glued together from quoted parts, and escapes.
"""

import re
from dataclasses import dataclass

from pyha.config.origin import Origin

BLANKS = " \t\v\f"
_PLAIN_ESCAPES = {"a": "\a", "b": "\b", "E": "\x1b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_VARIABLE = re.compile(r"\$\{\w+(?:[ \t]+[\w.-]+)*[ \t]*\}")
_OCTAL = re.compile(r"[0-7]{1,3}")
_HEXADECIMAL = re.compile(r"x([0-9a-fA-F]{1,2})")


@dataclass(frozen=True, slots=True)
class Line:
    """A line that says something, without its comment; a brace is a line of its own."""

    text: str
    origin: Origin


class QuoteError(Exception):
    """A quote that is not closed; `str()` says so."""


def physical_lines(text: str) -> list[str]:
    """The lines of a file, whoever wrote it: a byte order mark and carriage returns are not part of them."""
    return [line.rstrip("\r") for line in text.removeprefix("\ufeff").replace("\0", " ").split("\n")]


def without_comment(text: str) -> str:
    """What is left of a line when its comment, blanks around it and escapes of comment signs are taken away."""
    kept: list[str] = []
    quoted = False
    position = 0
    while position < len(text):
        char, following = text[position], text[position + 1:position + 2]
        if char == "\\" and following:
            kept.append(following if not quoted and following in "#!" else char + following)
            position += 2
            continue
        if char == '"':
            quoted = not quoted
        elif char in "#!" and not quoted:
            break
        kept.append(char)
        position += 1
    return "".join(kept).strip(BLANKS + "\r")


def at_braces(text: str) -> list[str]:
    """The parts of a line, each brace outside of double quotes a part of its own. `${NAME}` is no block."""
    parts: list[str] = []
    current: list[str] = []
    quoted = False
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            current.append(text[position:position + 2])
            position += 2
            continue
        if char == "$" and not quoted and (end := _end_of_variable(text, position)):
            current.append(text[position:end])
            position = end
            continue
        if char == '"':
            quoted = not quoted
        if char in "{}" and not quoted:
            parts += ["".join(current), char]
            current = []
        else:
            current.append(char)
        position += 1
    parts.append("".join(current))
    return [stripped for part in parts if (stripped := part.strip(BLANKS))]


def _end_of_variable(text: str, start: int) -> int:
    match = _VARIABLE.match(text, start)
    return match.end() if match else 0


def words(text: str) -> list[str]:
    """The words of a line. Raises QuoteError."""
    found: list[str] = []
    position = 0
    while True:
        while position < len(text) and text[position] in BLANKS:
            position += 1
        if position == len(text):
            return found
        start = position
        if text[start] == '"':
            position = text.find('"', start + 1)
            if position < 0:
                raise QuoteError(f"the quote before '{_short(text[start + 1:])}' is not closed")
            found.append(text[start + 1:position])
            position += 1
            continue
        while position < len(text) and text[position] not in BLANKS and text[position] != '"':
            position += 1
        found.append(text[start:position])


def quoted_words(text: str) -> list[str]:
    """The words of a line that names a command: both kinds of quotes, glued parts, escapes. Raises QuoteError."""
    found: list[str] = []
    word: list[str] | None = None
    quote = ""
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and position + 1 < len(text):
            value, position = _escape(text, position + 1)
            word = [*(word or ()), value]
            continue
        position += 1
        if quote and char == quote:
            quote = ""
        elif not quote and char in "\"'":
            quote, word = char, word or []
        elif not quote and char in BLANKS:
            if word is not None:
                found.append("".join(word))
            word = None
        else:
            word = word if word is not None else []
            word.append(char)
    if quote:
        raise QuoteError(f"a quote ({quote}) in '{_short(text)}' is not closed")
    return [*found, "".join(word)] if word is not None else found


def arguments(command: str) -> list[str]:
    """The argument list of a command that was one quoted word: blanks separate, 'single quotes' keep together."""
    found: list[str] = []
    word: str | None = None
    quoted = False
    for char in command:
        if char == "'":
            quoted, word = not quoted, word or ""
        elif char in BLANKS and not quoted:
            if word is not None:
                found.append(word)
            word = None
        else:
            word = (word or "") + char
    return [*found, word] if word is not None else found


def _escape(text: str, position: int) -> tuple[str, int]:
    """The character that the sequence at `position`, after the backslash, stands for, and where it ends."""
    if match := _OCTAL.match(text, position):
        return chr(int(match.group(), 8) & 0xFF), match.end()
    if match := _HEXADECIMAL.match(text, position):
        return chr(int(match.group(1), 16)), match.end()
    char = text[position]
    if char == "c" and position + 1 < len(text):
        return chr(ord(text[position + 1]) & 0x1F), position + 2
    return _PLAIN_ESCAPES.get(char, char), position + 1


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:30] + "..."
