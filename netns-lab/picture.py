"""The run as one picture: who held the address, what the client got, how many watches were open, and the scenes.

Everything can be told apart without colour: bars by their hatching, failures by pointing down, scenes by number.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from timeline import Change, Fact, Scene, Timeline

_BIN = 0.1  # seconds
_LONG_GAP = 0.25  # seconds; shorter ones are not worth an arrow
_SERVING, _ANSWERED, _FAILED, _INK, _GREY = "#1f5f99", "#9cc3e4", "#b3261e", "#222222", "#777777"
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": 10, "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": _GREY, "axes.titlelocation": "left", "axes.titlesize": 11, "axes.titleweight": "bold",
    "hatch.linewidth": 0.9, "svg.hashsalt": "pyha", "text.color": _INK,
}
_WORDS = {Fact.PROGRAM: "balancer down", Fact.CABLE: "cut off", Fact.APISERVER: "apiserver down"}


def draw(timeline: Timeline, title: str, files: Iterable[Path], watches: int) -> None:
    """Write the picture into each file; the format follows from its name."""
    holders = any(change.fact is Fact.ADDRESS for change in timeline.changes)
    ratios = ([2.6] if holders else []) + [3.0, 1.3]
    caption = 0.215 * len(timeline.scenes) + 0.75  # inches
    height = 1.2 * sum(ratios) + caption + 1.6
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(15, height))
        axes = figure.subplots(len(ratios), 1, sharex=True, height_ratios=ratios, squeeze=False)[:, 0]
        figure.subplots_adjust(left=0.055, right=0.985, hspace=0.22,
                               top=1 - 1.25 / height, bottom=(caption + 0.3) / height)
        figure.text(0.012, 1 - 0.38 / height, title, fontsize=16, fontweight="bold")
        if holders:
            _holders(axes[0], timeline)
        _requests(axes[-2], timeline)
        _watches(axes[-1], timeline, watches)
        _scene_marks(list(axes), timeline)
        _caption(figure, timeline, height, caption)
        for file in files:
            file.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(file, dpi=110, metadata={"Date": None} if file.suffix == ".svg" else None)


def _legend(axes: Axes, handles: list[Patch]) -> None:
    axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.0, 0.99), ncols=4, frameon=False,
                borderaxespad=0.1)


def _holders(axes: Axes, timeline: Timeline) -> None:
    rows = {node: -number for number, node in enumerate(timeline.nodes)}
    for holding in timeline.holdings(timeline.end):
        start = max(holding.start, timeline.zero)
        if holding.end > start:
            axes.broken_barh(
                [(start - timeline.zero, holding.end - start)], (rows[holding.node] - 0.12, 0.5),
                facecolor=_SERVING if holding.serving else "white", edgecolor=_SERVING, linewidth=1,
                hatch=None if holding.serving else "/////",
            )
    for node, row in rows.items():
        for fact, word in _WORDS.items():
            for start, end in absent(timeline, node, fact):
                axes.plot([start, end], [row - 0.24] * 2, color=_FAILED, linewidth=2, solid_capstyle="butt")
                axes.text(start + 0.15, row - 0.28, word, color=_FAILED, fontsize=8.5, ha="left", va="top")
    axes.set_yticks([row + 0.13 for row in rows.values()], list(rows), fontsize=12, fontweight="bold")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(min(rows.values()) - 0.62, 0.5)
    axes.set_title("Who has the virtual address")
    _legend(axes, [
        Patch(facecolor=_SERVING, edgecolor=_SERVING, label="has it and serves clients"),
        Patch(facecolor="white", edgecolor=_SERVING, hatch="/////", label="still has it, but is dead or cut off"),
    ])


def absent(timeline: Timeline, node: str, fact: Fact) -> list[tuple[float, float]]:
    """When something that was true of a master was not, in seconds from the first scene."""
    spans: list[tuple[float, float]] = []
    since: float | None = None
    changes = [change for change in timeline.changes if change.node == node and change.fact is fact]
    for change in [*changes, Change(timeline.end, node, fact, true=True)]:
        if not change.true:
            since = change.time if since is None else since
        elif since is not None:
            spans.append((since - timeline.zero, change.time - timeline.zero))
            since = None
    return spans


def _requests(axes: Axes, timeline: Timeline) -> None:
    bins = max(1, round((timeline.end - timeline.zero) / _BIN))
    edges = [number * _BIN for number in range(bins + 1)]
    # By the moment they began: a request that waits a second for nothing belongs to where the trouble was.
    answered, failed = (
        Counter(int((request.started - timeline.zero) / _BIN) for request in timeline.requests
                if request.answered is wanted and request.started >= timeline.zero)
        for wanted in (True, False)
    )
    axes.stairs([answered[number] for number in range(bins)], edges, fill=True, color=_ANSWERED)
    axes.stairs([-failed[number] for number in range(bins)], edges, fill=True, facecolor="white", edgecolor=_FAILED,
                hatch="xxxx", linewidth=0.8)
    axes.axhline(0, color=_GREY, linewidth=0.8)
    top = max([*answered.values(), *failed.values(), 1])
    axes.set_ylim(-top * 1.25, top * 1.25)
    axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
    axes.set_ylabel("per 100 ms")
    axes.set_title("The client's requests, by the moment they began")
    for scene in timeline.scenes:
        _gap(axes, timeline, scene, top)
    _legend(axes, [Patch(facecolor=_ANSWERED, label="answered (up)"),
                   Patch(facecolor="white", edgecolor=_FAILED, hatch="xxxx", label="failed (down)")])


def _gap(axes: Axes, timeline: Timeline, scene: Scene, top: float) -> None:
    start, end = (moment - timeline.zero for moment in timeline.gap(scene.start, scene.end))
    if end - start >= _LONG_GAP:
        axes.annotate("", (start, top * 0.5), (end, top * 0.5),
                      arrowprops={"arrowstyle": "<->", "color": _INK, "shrinkA": 0, "shrinkB": 0, "linewidth": 1.2})
        axes.text((start + end) / 2, top * 0.58, f"{end - start:.2f} s", ha="center", va="bottom", fontweight="bold",
                  bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85})


def _watches(axes: Axes, timeline: Timeline, watches: int) -> None:
    steps = [(moment, count) for moment, count in timeline.watches_open() if moment <= timeline.end]
    before = [count for moment, count in steps if moment <= timeline.zero]
    inside = [(moment, count) for moment, count in steps if moment > timeline.zero]
    counts = [before[-1] if before else 0, *(count for _, count in inside)]
    moments = [0.0, *(moment - timeline.zero for moment, _ in inside)]
    axes.step([*moments, timeline.end - timeline.zero], [*counts, counts[-1]], where="post", color=_INK, linewidth=1.4)
    axes.set_ylim(0, max(watches, *counts) * 1.15)
    axes.set_ylabel("open")
    axes.set_title(f"Watches (of {watches}; one that is silent for 3 s counts as lost and is opened again)")
    axes.set_xlabel("seconds since the first scene began")


def _scene_marks(axes: list[Axes], timeline: Timeline) -> None:
    axes[0].set_xlim(0, timeline.end - timeline.zero)
    for scene in timeline.scenes:
        start = scene.start - timeline.zero
        for each in axes:
            each.axvline(start, color=_GREY, linewidth=0.9, linestyle=(0, (4, 3)), zorder=0)
        axes[0].annotate(
            f" {scene.number} ", (start, 1.0), xycoords=axes[0].get_xaxis_transform(), xytext=(0, 30),
            textcoords="offset points", ha="left", va="bottom", color="white", fontweight="bold",
            bbox={"facecolor": _INK, "edgecolor": _INK, "boxstyle": "round,pad=0.15"},
        )


def _caption(figure: Figure, timeline: Timeline, height: float, caption: float) -> None:
    columns = (0.055, 0.085, 0.40, 0.53, 0.62, 0.73)
    heads = ("scene", "", "longest gap", "failed", "watches lost", "as promised")
    rows = [heads]
    for scene in timeline.scenes:
        figures = timeline.figures(scene.start, scene.end)
        rows.append((str(scene.number), scene.title, f"{figures.longest_gap:.2f} s", str(figures.failed),
                     str(figures.watches_lost.total()), "yes" if scene.kept else "NO"))
    for number, row in enumerate(rows):
        y = (caption - 0.42 - 0.215 * number) / height
        for x, text in zip(columns, row, strict=True):
            figure.text(x, y, text, va="top", color=_GREY if not number else _INK,
                        fontweight="bold" if text == "NO" or (x == columns[0] and number) else "normal")
