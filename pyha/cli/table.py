"""Plain text tables: aligned, readable in a log and without colour; colour on a terminal for the words that matter."""

import os
import sys
from collections.abc import Collection, Sequence

_COLOURS = {"MASTER": "32;1", "UP": "32", "BACKUP": "36", "DOWN": "31;1", "FAULT": "31;1", "MAINT": "33", "NOLB": "33",
            "DRAIN": "33"}


def render(header: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> str:
    """A table with two spaces between columns; columns in `right` are aligned to the right."""
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    widths = [max(len(row[at]) for row in (header, *rows) if at < len(row)) for at in range(len(header))]
    lines = [_line(header, widths, right, "1" if colour else "")]
    lines += [_line(row, widths, right, "", colour=colour) for row in rows]
    return "".join(lines)


def _line(
    row: Sequence[str], widths: Sequence[int], right: Collection[int], style: str, *, colour: bool = False
) -> str:
    cells = [
        cell.rjust(width) if at in right else cell.ljust(width)
        for at, (cell, width) in enumerate(zip(row, widths, strict=False))
    ]
    if colour:
        cells = [f"\033[{_COLOURS[cell.strip()]}m{cell}\033[0m" if cell.strip() in _COLOURS else cell for cell in cells]
    text = "  ".join(cells).rstrip()
    return (f"\033[{style}m{text}\033[0m" if style else text) + "\n"
