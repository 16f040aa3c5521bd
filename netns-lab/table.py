"""Text tables for a terminal, and the report of a run made of them."""

from collections import Counter
from collections.abc import Sequence

from timeline import Fact, Holding, Scene, Timeline


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> str:
    """Columns as wide as they need to be; `right` has an `r` for each column to be set flush right, else an `l`."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    aligned = right.ljust(len(head), "l")

    def line(cells: Sequence[str]) -> str:
        set_ = [cell.rjust(width) if side == "r" else cell.ljust(width)
                for cell, width, side in zip(cells, widths, aligned, strict=True)]
        return ("│ " + " │ ".join(set_) + " │").rstrip()

    def rule(left: str, cross: str, end: str) -> str:
        return left + cross.join("─" * (width + 2) for width in widths) + end

    return "\n".join([rule("┌", "┬", "┐"), line(head), rule("├", "┼", "┤"), *map(line, rows), rule("└", "┴", "┘")])


def seconds(value: float) -> str:
    """A duration as a person wants to read it."""
    return f"{value * 1000:.0f} ms" if value < 0.9995 else f"{value:.2f} s"


def report(timeline: Timeline, title: str) -> str:
    """Scenes with their figures, and who held the address."""
    parts = [title, "", _scenes(timeline)]
    if any(change.fact is Fact.ADDRESS for change in timeline.changes):
        parts += ["", "Who held the virtual address (seconds since the first scene began)", _holdings(timeline)]
    return "\n".join(parts)


def _scenes(timeline: Timeline) -> str:
    rows = []
    for scene in timeline.scenes:
        figures = timeline.figures(scene.start, scene.end)
        rows.append([
            str(scene.number), scene.title, f"{scene.start - timeline.zero:.1f}–{scene.end - timeline.zero:.1f}",
            str(figures.answered), str(figures.failed), seconds(figures.longest_gap),
            str(figures.watches_lost.total()), "yes" if scene.kept else "NO",
        ])
    head = ["", "scene", "seconds", "answered", "failed", "longest gap", "watches lost", "as promised"]
    return table(head, rows, "rlrrrrrl") + "\n" + _errors(timeline)


def _errors(timeline: Timeline) -> str:
    """How requests failed and watches were lost, over the whole run, and whether the client kept its pace."""
    whole = timeline.figures(timeline.zero, timeline.end)
    return (
        f"Failed requests: {_counted(whole.errors)}. Watches lost: {_counted(whole.watches_lost)}.\n"
        f"The client began {timeline.pace(timeline.zero, timeline.end):.1f} requests a second, "
        "each on a new TLS connection"
        + (f"; it left {timeline.skipped} out because the machine was busy." if timeline.skipped else ".")
    )


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items())) or "none"


def _holdings(timeline: Timeline) -> str:
    return table(
        ["holder", "from", "to", "for", ""],
        [[holding.node, f"{holding.start - timeline.zero:+.2f}", _end(holding, timeline),
          seconds(holding.end - max(holding.start, timeline.zero)), _manner(holding)]
         for holding in timeline.holdings(timeline.end) if holding.end > timeline.zero],
        "lrrrl",
    )


def _end(holding: Holding, timeline: Timeline) -> str:
    return "still" if holding.end >= timeline.end else f"{holding.end - timeline.zero:+.2f}"


def _manner(holding: Holding) -> str:
    return "serves clients" if holding.serving else "address on the interface, but dead or cut off"


def promises(scenes: Sequence[Scene]) -> str:
    """Every promise of these scenes, and whether it was kept."""
    lines = []
    for scene in scenes:
        lines.append(f"  {scene.number}  {scene.title}")
        lines += [f"       {'kept  ' if promise.kept else 'BROKEN'}  {promise.text}" for promise in scene.promises]
    return "\n".join(lines)
