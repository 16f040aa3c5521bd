r"""Text to words (HAProxy's manual, sections 2.2, quoting and escaping, and 2.3, environment variables).

Outside quotes a backslash escapes (`\ ` `\#` `\\` `\n` `\r` `\t` `\xHH` and quotes) and `#` starts a comment. In "weak"
quotes the same escapes work and variables are expanded. 'Strong' quotes keep every character. Variables outside of weak
quotes are left alone, as HAProxy does.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pyha.config.draft import Draft
from pyha.config.origin import Origin

_PLAIN_ESCAPES = {" ": " ", "#": "#", "\\": "\\", '"': '"', "'": "'", "n": "\n", "r": "\r", "t": "\t"}
_SPACES = " \t\v\f"
_HEX = "0123456789abcdefABCDEF"
_MOST_WORDS = 64  # HAProxy's limit
_LONGEST = 65536  # characters of a line; far more than anybody writes


@dataclass(frozen=True, slots=True)
class Line:
    """The words of one line that is not empty, and where it stands."""

    words: tuple[str, ...]
    origin: Origin


class LexError(Exception):
    """A line that cannot be split into words; `str()` says why, with the position that counts from 1."""


def lines(path: str, text: str, environment: Mapping[str, str], draft: Draft) -> Iterator[Line]:
    """Every line of one file that says something. What cannot be read becomes a problem, and the next line is tried."""
    if text and not text.endswith("\n"):
        last = text.count("\n") + 1
        draft.error(Origin(path, last), "missing LF on the last line, the file might have been truncated",
                    "end the file with a newline")
    for number, raw in enumerate(text.split("\n"), 1):
        origin = Origin(path, number)
        if "\0" in raw:
            draft.error(origin, "a NUL character is not allowed here", "is this really a configuration file?")
            continue
        if len(raw) > _LONGEST:
            draft.error(origin, f"the line is too long: at most {_LONGEST} characters")
            continue
        try:
            words = split(raw, environment)
        except LexError as error:
            draft.error(origin, str(error))
            continue
        if len(words) > _MOST_WORDS:
            draft.error(origin, f"too many words on the line: at most {_MOST_WORDS}", "split it into several lines")
            continue
        if words and words[0]:
            yield Line(tuple(words), origin)


def split(text: str, environment: Mapping[str, str]) -> list[str]:
    """The words of one line. Raises LexError for an open quote, a bad escape or a bad variable name."""
    return _Splitter(text.rstrip("\r"), environment).run()


@dataclass
class _Splitter:
    text: str
    environment: Mapping[str, str]
    at: int = 0
    words: list[str] = field(default_factory=list)
    word: str | None = None  # None: between two words
    quote: str = ""
    opened: int = 0

    def run(self) -> list[str]:
        while self.at < len(self.text):
            char = self.text[self.at]
            if self.quote == "'":
                self._strong(char)
            elif char == "\\":
                self._emit(self._escape())
            elif char == '"' or (char == "'" and not self.quote):
                self._toggle(char)
            elif self.quote:
                self._weak(char)
            elif char == "#":
                break
            elif char in _SPACES:
                self._end_word()
                self.at += 1
            else:
                self._emit(char)
                self.at += 1
        if self.quote:
            raise LexError(f"unmatched quote at position {self.opened + 1}")
        self._end_word()
        return self.words

    def _emit(self, text: str) -> None:
        self.word = (self.word or "") + text

    def _end_word(self) -> None:
        if self.word is not None:
            self.words.append(self.word)
            self.word = None

    def _toggle(self, char: str) -> None:
        self.quote, self.opened = ("", 0) if self.quote else (char, self.at)
        self._emit("")
        self.at += 1

    def _strong(self, char: str) -> None:
        if char == "'":
            self._toggle(char)
            return
        self._emit(char)
        self.at += 1

    def _weak(self, char: str) -> None:
        if char == "$":
            self._variable()
            return
        self._emit(char)
        self.at += 1

    def _escape(self) -> str:
        """The character that a backslash sequence stands for; an unknown one keeps its backslash."""
        code = self.text[self.at + 1:self.at + 2]
        if code == "x":
            digits = self.text[self.at + 2:self.at + 4]
            if len(digits) != 2 or any(digit not in _HEX for digit in digits):
                raise LexError(f"truncated or invalid hexadecimal sequence at position {self.at + 1}: "
                               "expected two hexadecimal digits after \\x")
            self.at += 4
            return chr(int(digits, 16))
        if code == "$" and self.quote:
            self.at += 2
            return "$"
        plain = _PLAIN_ESCAPES.get(code)
        self.at += 1 if plain is None else 2
        return "\\" if plain is None else plain

    def _variable(self) -> None:
        """Expand `$NAME`, `${NAME}`, `${NAME-default}` or `${NAME[*]}` (every word of the value becomes a word)."""
        start = self.at
        brace = self.text[self.at + 1:self.at + 2] == "{"
        self.at += 2 if brace else 1
        name = self._name()
        every_word = brace and self.text.startswith("[*]", self.at)
        if every_word:
            self.at += 3
        default = ""
        if brace:
            end = self.text.find("}", self.at)
            if end < 0 or (end > self.at and self.text[self.at] != "-"):
                raise LexError(f"unmatched brace in the name of an environment variable at position {start + 2}")
            default = self.text[self.at + 1:end]
            self.at = end + 1
        value = self.environment.get(name, default)
        if not every_word:
            self._emit(value)
            return
        for number, part in enumerate(value.split()):
            if number:
                self._end_word()
            self._emit(part)

    def _name(self) -> str:
        start = self.at
        while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] in "_."):
            self.at += 1
        name = self.text[start:self.at]
        if not name or name[0].isdigit():
            raise LexError(f"forbidden first character in the name of an environment variable at position {start + 1}: "
                           "expected a letter or an underscore")
        return name
