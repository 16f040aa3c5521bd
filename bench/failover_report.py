"""Tables and a picture of failover and cost. Figures are medians of interleaved rounds, with the extremes."""

import json
import statistics
from pathlib import Path

_KINDS = ("keepalived", "pyha")
_COLOURS = {"keepalived": "#4c78a8", "pyha": "#f58518"}
_EVENTS = {
    "crash": "crash (kill -9 of everything)", "cut": "cable cut", "stop": "planned stop", "script": "script failure",
}
ALLOWED_MS = 10.0
"""How much slower than keepalived pyha may be."""


def figures(rows: list[dict], profile: str, event: str, kind: str, key: str) -> list[float]:
    """The figures of one cell, in ms."""
    return [row[key] for row in rows if (row["profile"], row["event"], row["kind"]) == (profile, event, kind)]


def markdown(data: dict) -> str:
    """The tables for people."""
    rows = data["gaps"]
    about = (
        f"A client asks the service behind the virtual address every {data['between_ms']:g} ms. *Gap*: the longest "
        "time without an answer. *Takeover*: from the last advertisement of the old router to the first answer by "
        "way of the new one, which leaves out how old that advertisement was when the accident came. In ms: median "
        "(least to most)."
    )
    lines = ["# pyha beside keepalived", "", data["machine"], "", about, "",
             "| | event | gap, keepalived | gap, pyha | takeover, keepalived | takeover, pyha | difference |",
             "|---|---|---|---|---|---|---|"]  # fmt: skip
    for profile in dict.fromkeys(row["profile"] for row in rows):
        for event, title in _EVENTS.items():
            if figures(rows, profile, event, "pyha", "gap_ms"):
                lines.append(_row(rows, profile, event, title))
    lines += ["", "CPU of one core, and memory, of all processes of a router when nothing happens.", "",
              "| virtual routers | advert_int | | Active | Backup | PSS, Active | state changes |",
              "|---|---|---|---|---|---|---|"]  # fmt: skip
    for row in data["costs"]:
        lines.append(
            f"| {row['count']} | {row['interval']:g} s | {row['kind']} | {row['active']['cpu_percent']:.2f} % | "
            f"{row['backup']['cpu_percent']:.2f} % | {row['active']['pss'] / 1e6:.1f} MB | {row['changes']} |")
    if note := data.get("note"):
        lines += ["", note]
    return "\n".join([*lines, ""])


def _row(rows: list[dict], profile: str, event: str, title: str) -> str:
    cells = [_cell(figures(rows, profile, event, kind, key)) for key in ("gap_ms", "takeover_ms") for kind in _KINDS]
    theirs, ours = (statistics.median(figures(rows, profile, event, kind, "takeover_ms")) for kind in _KINDS)
    mark = "" if ours - theirs <= ALLOWED_MS else f", more than {ALLOWED_MS:g}"
    return f"| {profile} | {title} | {' | '.join(cells)} | **{ours - theirs:+.0f}**{mark} |"


def _cell(values: list[float]) -> str:
    return f"{statistics.median(values):.0f} ({min(values):.0f} to {max(values):.0f})"


def plot(data: dict, path: Path) -> None:
    """One picture: every gap as a point, and CPU by the number of virtual routers."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    profiles = list(dict.fromkeys(row["profile"] for row in data["gaps"]))
    figure, axes = pyplot.subplots(1, max(1, len(profiles)) + 1, figsize=(4 * len(profiles) + 4, 4.2))
    for axis, profile in zip(axes, profiles, strict=False):
        for offset, kind in zip((-0.15, 0.15), _KINDS, strict=True):
            for place, event in enumerate(_EVENTS):
                found = figures(data["gaps"], profile, event, kind, "takeover_ms")
                axis.plot([place + offset] * len(found), found, "o", color=_COLOURS[kind], alpha=0.6,
                          label=kind if place == 0 else None)  # fmt: skip
        axis.set_xticks(range(len(_EVENTS)), list(_EVENTS))
        axis.set_title(f"takeover, {profile}")
        axis.set_ylabel("ms")
        axis.set_ylim(bottom=0)
        axis.legend()
    _plot_costs(axes[-1], data["costs"])
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _plot_costs(axis, costs: list[dict]) -> None:
    for interval, style in zip(dict.fromkeys(row["interval"] for row in costs), ("-", "--", ":"), strict=False):
        for kind in _KINDS:
            points = [(row["count"], row["active"]["cpu_percent"]) for row in costs
                      if (row["kind"], row["interval"]) == (kind, interval)]
            if points:
                axis.plot(*zip(*points, strict=True), style, marker="o", color=_COLOURS[kind],
                          label=f"{kind}, {interval:g} s")
    axis.set_xlabel("virtual routers")
    axis.set_ylabel("% of a core, Active")
    axis.set_yscale("log")
    axis.set_title("CPU when nothing happens")
    if costs:
        axis.legend()


def write(data: dict, directory: Path, name: str) -> list[Path]:
    """The three files of one run."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}{suffix}" for suffix in (".json", ".md", ".png")]
    paths[0].write_text(json.dumps(data, indent=1) + "\n")
    paths[1].write_text(markdown(data))
    plot(data, paths[2])
    return paths
