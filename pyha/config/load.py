"""Text in, one model out, with every problem of every file at once.

Pure: files are read through a `Reader`, so that `include` works and nothing here touches the disk.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from .model import Config
from .origin import Loc, Origin, Problem

Language = Literal["haproxy", "keepalived", "native"]


class Reader(Protocol):
    """How the translators get at files."""

    def read(self, path: str) -> str:
        """The text of a file. Raises OSError, or UnicodeDecodeError never: undecodable bytes are replaced."""

    def glob(self, pattern: str) -> Sequence[str]:
        """The files that match, sorted; empty when none does."""


@dataclass(frozen=True)
class Source:
    """One file given by the operator."""

    path: str
    text: str
    language: Language


@dataclass(frozen=True)
class Loaded:
    """The outcome: `config` is None when a problem is fatal. `origins` tells where a part of the model came from."""

    config: Config | None
    problems: tuple[Problem, ...]
    origins: Mapping[Loc, Origin]
