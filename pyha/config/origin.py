"""Where a piece of configuration came from, and what is wrong with it."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

Loc = tuple[str | int, ...]
"""A path into the model as pydantic writes it: `("backends", 0, "servers", 2, "port")`."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A line of a file; `line` counts from 1, 0 means the file as a whole."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, or that does not mean what the operator may think.

    `fatal`: the configuration is refused. `ignored`: a word of the file has no effect (`pyha check --strict` makes that
    an error of its own). Neither: advice.
    """

    origin: Origin
    message: str
    hint: str = ""
    fatal: bool = True
    ignored: bool = False

    def __str__(self) -> str:
        level = "error" if self.fatal else "warning"
        return f"{self.origin}: {level}: {self.message}" + (f"; {self.hint}" if self.hint else "")


def locate(origins: Mapping[Loc, Origin], loc: Loc) -> Origin:
    """Where a part of the model came from: its own line, else that of the nearest thing it belongs to."""
    for length in range(len(loc), -1, -1):
        if (origin := origins.get(loc[:length])) is not None:
            return origin
    return Origin("configuration")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` was probably meant to be, or None when nothing is close."""
    matches = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint for a Problem: "did you mean 'check'?", or the empty string when nothing is close."""
    match = nearest(word, known)
    return f"did you mean '{match}'?" if match else ""
