"""What the translators are given: texts, and a way to ask for more of them.

Pure: files are read through a `Reader`, so that `include` works and nothing here touches the disk.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

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
