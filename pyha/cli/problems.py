"""How problems of a configuration are shown to people."""

import os
import sys
from collections.abc import Sequence

from pyha.config.origin import Problem

_RED, _YELLOW, _BOLD, _OFF = "\033[31;1m", "\033[33;1m", "\033[1m", "\033[0m"


def show(problems: Sequence[Problem]) -> None:
    """Print every problem to standard error, in the order of the files, and one line that counts them."""
    colour = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    for problem in problems:
        print(_coloured(problem) if colour else str(problem), file=sys.stderr)
    errors = sum(problem.fatal for problem in problems)
    warnings = len(problems) - errors
    counts = [f"{n} {word}{'s' if n > 1 else ''}" for n, word in ((errors, "error"), (warnings, "warning")) if n]
    if counts:
        print("pyha: " + " and ".join(counts), file=sys.stderr)


def _coloured(problem: Problem) -> str:
    level = f"{_RED}error:{_OFF}" if problem.fatal else f"{_YELLOW}warning:{_OFF}"
    return f"{_BOLD}{problem.origin}:{_OFF} {level} {problem.message}" + (f"; {problem.hint}" if problem.hint else "")
