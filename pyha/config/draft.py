"""What a translator hands on: nested plain data for the model, where each part came from, and what is wrong with it."""

from dataclasses import dataclass, field
from typing import Any

from .origin import Loc, Origin, Problem


@dataclass
class Draft:
    """One language's share of a configuration before the model has validated it.

    `data` is what `Config.model_validate` takes; `origins` maps a path into it to a line, and a path that is missing
    belongs to its longest prefix. Problems are collected, never raised, so that all of them are reported at once.
    """

    data: dict[str, Any] = field(default_factory=dict)
    origins: dict[Loc, Origin] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def error(self, origin: Origin, message: str, hint: str = "") -> None:
        """The configuration must be refused because of this."""
        self.problems.append(Problem(origin, message, hint))

    def warn(self, origin: Origin, message: str, hint: str = "", *, ignored: bool = False) -> None:
        """The configuration is taken, but the operator should know; `ignored`: a word of the file has no effect."""
        self.problems.append(Problem(origin, message, hint, fatal=False, ignored=ignored))
