"""A page that lists words: what every language's page has in common."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Treatment = Literal["translated", "fulfilled", "without effect", "refused", "gone"]

LEGEND = """\
| treatment | what it means |
|---|---|
| translated | it does what the manual of the old program says; a remark tells of limits |
| fulfilled | pyha does so without being told |
| without effect | accepted with a warning, which gives the reason; `pyha check --strict` exits with 4 |
| refused | not supported, and ignoring it would change what clients get; the message says what to do |
| gone | the old program does not know it any more either; the message says what took its place |
"""
WRITTEN = "<!-- Written by `make docs` from the program's own registries. Change those, not this. -->"


@dataclass(frozen=True, slots=True)
class Row:
    """One word."""

    word: str
    where: str
    treatment: Treatment
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Words of one kind."""

    title: str
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """Sorted by word; the column of sections is there only if it says something."""
        sections = any(row.where for row in self.rows)
        head = ("word", "sections", "treatment", "remark") if sections else ("word", "treatment", "remark")
        lines = [f"## {self.title}", "", _line(head), "|" + "---|" * len(head)]
        for row in sorted(self.rows, key=lambda row: row.word):
            cells = [f"`{row.word}`", row.where, row.treatment, row.remark]
            if not sections:
                del cells[1]
            lines.append(_line(cells))
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Page:
    """A file of the manual."""

    file: str
    title: str
    introduction: str
    tables: tuple[Table, ...] = field(default=())

    def markdown(self) -> str:
        """The whole page."""
        counts = ", ".join(f"{sum(row.treatment == name for row in self._rows())} {name}"
                           for name in ("translated", "fulfilled", "without effect", "refused", "gone"))
        parts = [f"# {self.title}\n\n{WRITTEN}\n", self.introduction.strip() + "\n", LEGEND, f"Words: {counts}.\n"]
        return "\n".join([*parts, *(table.markdown() for table in self.tables)])

    def _rows(self) -> Iterable[Row]:
        return [row for table in self.tables for row in table.rows]


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
