"""A file and what it includes as one stream of lines, with `@id` lines chosen and everything replaced.

The order is keepalived's: comments go, `include` is obeyed, `@id` decides, `~SEQ` and `~LST` repeat, `$NAME=` defines,
what is defined is replaced, and what came out of that is looked at again; at last braces end lines.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from pyha.config.draft import Draft
from pyha.config.origin import Origin
from pyha.config.source import Reader, Source

from .definitions import Definitions, ExpansionError
from .lexer import Line, QuoteError, at_braces, physical_lines, without_comment, words
from .sequences import SequenceError, sequence

_INCLUDE = re.compile(r"(include[rmwba]?)(?:[ \t]+(.*))?")
_CONDITION = re.compile(r"@(\^?)(\S+)(?:\s+(.*))?", re.DOTALL)
_MULTILINE = re.compile(r"(?:@\S+\s+)?\$([A-Za-z_]\w*)=\s*")
_PLACEHOLDER = re.compile(r"\{\{.*?\}\}|\{%.*?%\}")
_DEEPEST = 100  # replacements within replacements
_MOST_LINES = 200_000
_CHECKS = {"include": (), "includer": ("readable",), "includem": ("match",), "includew": ("wildcard_match",),
           "includeb": ("brace_match",), "includea": ("readable", "match", "wildcard_match", "brace_match")}


class TooMuchError(Exception):
    """The files say more than any configuration does."""


def read(source: Source, reader: Reader, environment: Mapping[str, str], config_id: str,
         draft: Draft) -> tuple[list[Line], set[Origin]]:
    """Every line of a file and of those that it includes. What cannot be read becomes a problem.

    Also the lines of which nothing more needs to be said, because a placeholder stands where a value should be.
    """
    reading = _Reading(reader, Definitions(config_id, environment), draft)
    try:
        reading.file(source.path, source.text, ())
    except TooMuchError:
        draft.error(Origin(source.path), f"this becomes more than {_MOST_LINES} lines", "is there a ~SEQ too many?")
    return reading.lines, reading.unreadable


class _Reading:
    def __init__(self, reader: Reader, definitions: Definitions, draft: Draft) -> None:
        self.lines: list[Line] = []
        self.unreadable: set[Origin] = set()
        self._reader = reader
        self._definitions = definitions
        self._draft = draft
        self._checks: frozenset[str] = frozenset()  # `include_check`
        self._steps = 0

    # -- files ---------------------------------------------------------------------------------------------------------

    def file(self, path: str, text: str, parents: tuple[str, ...]) -> None:
        outer, checks = self._definitions.directory, self._checks
        self._definitions.directory = str(PurePosixPath(path).parent)
        stack = (*parents, _normal(path))
        numbered = iter(enumerate(physical_lines(text), 1))
        for number, raw in numbered:
            origin = Origin(path, number)
            line = without_comment(raw)
            if _goes_on(raw) and _MULTILINE.fullmatch(without_comment(_first_part(raw))):
                line = self._multiline(raw, numbered)
            if match := _INCLUDE.fullmatch(line):
                self._include(match.group(1), match.group(2) or "", origin, stack)
            else:
                self._line(line, origin)
        self._definitions.directory, self._checks = outer, checks

    def _multiline(self, first: str, numbered: Iterator[tuple[int, str]]) -> str:
        """A definition that goes on as long as its lines end with a backslash, as one text with newlines.

        The backslash counts even after a comment.
        """
        parts = [without_comment(_first_part(first))]
        for _number, raw in numbered:
            parts.append(without_comment(_first_part(raw)))
            if not _goes_on(raw):
                break
        return parts[0] + "\n".join(parts[1:])

    def _include(self, word: str, text: str, origin: Origin, stack: tuple[str, ...]) -> None:
        try:
            patterns = words(text)
        except QuoteError as error:
            self._draft.error(origin, f"'{word}': {error}")
            return
        if not patterns:
            self._draft.error(origin, f"'{word}' expects the name of a file")
            return
        strict = self._checks | set(_CHECKS[word])
        directory = PurePosixPath(origin.file).parent
        for pattern in _without_braces(patterns[0]):
            found = self._reader.glob(str(directory / pattern))
            if not found and _must_match(pattern, patterns[0], strict):
                self._draft.error(origin, f"'{word}': there is no file '{pattern}'", "a relative name is looked up "
                                  f"in {directory}, where the including file is")
            elif not found:
                self._draft.warn(origin, f"'{word}': there is no file '{pattern}', so it adds nothing",
                                 "use 'includea' to make that an error", ignored=True)
            for path in found:
                self._included(path, origin, stack)

    def _included(self, path: str, origin: Origin, stack: tuple[str, ...]) -> None:
        if _normal(path) in stack:
            self._draft.error(origin, f"'{path}' is included by itself: {' -> '.join((*stack, _normal(path)))}",
                              "remove one of these includes")
            return
        try:
            text = self._reader.read(path)
        except OSError as error:
            self._draft.error(origin, f"'{path}' cannot be read: {error.strerror or error}")
            return
        self.file(path, text, stack)

    # -- lines ---------------------------------------------------------------------------------------------------------

    def _line(self, text: str, origin: Origin) -> None:
        try:
            self._replaced(text, origin, 0)
        except (SequenceError, ExpansionError) as error:
            self._draft.error(origin, str(error))

    def _replaced(self, text: str, origin: Origin, depth: int) -> None:
        self._steps += 1
        if self._steps > _MOST_LINES:
            raise TooMuchError
        text = text.strip()
        if not text:
            return
        if depth > _DEEPEST:
            raise ExpansionError("this replaces itself and would never end")
        if text.startswith("@") and (condition := _CONDITION.fullmatch(text)):
            if (condition.group(2) == self._definitions.config_id) != bool(condition.group(1)):
                self._replaced(condition.group(3) or "", origin, depth + 1)
            return
        if (repeated := sequence(text)) is not None:
            assignments, rest = repeated
            for assignment in assignments:
                self._definitions.values.update(assignment)
                self._replaced(rest, origin, depth + 1)
            return
        if self._definitions.define(text):
            return
        changed = self._definitions.replace_once(text, str(origin))
        if changed != text or "\n" in changed:
            for line in changed.split("\n"):
                self._replaced(line, origin, depth + 1)
            return
        self._finished(text, origin)

    def _finished(self, text: str, origin: Origin) -> None:
        text = text.removesuffix("\\").rstrip()
        if placeholder := _PLACEHOLDER.search(text):
            self._draft.error(origin, f"'{placeholder.group()}' is a placeholder of a template that was not filled in")
            self.unreadable.add(origin)
            text = _PLACEHOLDER.sub("_", text)
        self._note(text, origin)
        for number, part in enumerate(at_braces(text)):
            if number and part.startswith("~SEQ"):
                self._line(part, origin)
            else:
                self.lines.append(Line(part, origin))

    def _note(self, text: str, origin: Origin) -> None:
        """Words that concern the reading itself; that they stand in global_defs is not checked, as in keepalived."""
        word, _blank, rest = text.partition(" ")
        if word == "random_seed" and rest.strip().isdecimal():
            self._definitions.seed = int(rest.strip()[:18])
        elif word == "include_check":
            self._checks = _checks(self._checks, rest.split(), origin, self._draft)


def _checks(old: frozenset[str], options: list[str], origin: Origin, draft: Draft) -> frozenset[str]:
    every = frozenset(_CHECKS["includea"])
    if not options:
        return every
    new = set(old) if options[0][0] in "+-" else set()
    for option in options:
        name = option.lstrip("+-")
        if name not in every:
            draft.warn(origin, f"'include_check': unknown check '{option}'", f"expected {', '.join(sorted(every))}",
                       ignored=True)
        elif option.startswith("-"):
            new.discard(name)
        else:
            new.add(name)
    return frozenset(new)


def _must_match(pattern: str, whole: str, strict: frozenset[str]) -> bool:
    """Whether it is an error that there is no such file."""
    wild = any(char in pattern for char in "*?[")
    if "wildcard_match" in strict or ("match" in strict and not wild):
        return True
    return ("brace_match" in strict and "{" in whole) or ("readable" in strict and not wild and "{" not in whole)


def _without_braces(pattern: str) -> list[str]:
    """What a pattern with `{a,b}` stands for, at most a thousand patterns."""
    results = [pattern]
    while (position := next((i for i, text in enumerate(results) if _braces(text)), None)) is not None:
        text = results[position]
        found = _braces(text)
        if found is None or len(results) > 1000:
            break
        start, end = found
        results[position:position + 1] = [text[:start] + part + text[end + 1:]
                                          for part in text[start + 1:end].split(",")]
    return results


def _braces(text: str) -> tuple[int, int] | None:
    """An innermost pair of braces with a comma in it."""
    match = re.search(r"\{[^{}]*,[^{}]*\}", text)
    return (match.start(), match.end() - 1) if match else None


def _goes_on(raw: str) -> bool:
    return raw.rstrip().endswith("\\")


def _first_part(raw: str) -> str:
    return raw.rstrip().removesuffix("\\")


def _normal(path: str) -> str:
    """A path without `.` and `..`, as far as that can be said without the disk."""
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == ".." and parts and parts[-1] not in ("..", "/"):
            parts.pop()
        elif part != ".":
            parts.append(part)
    return str(PurePosixPath(*parts))
