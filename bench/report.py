"""Tables and a picture from the measured rounds. Every figure is the median of interleaved rounds."""

import json
import statistics
import textwrap
from pathlib import Path

from bench.load import SCENARIOS, Scenario

_COLOURS = {"direct": "#b0b0b0", "haproxy": "#4c78a8", "pyha": "#f58518", "pyha, kernel path off": "#e45756",
            "pyha, kernel path on": "#54a24b"}  # fmt: skip

_LEGEND = (
    "Rates are medians; in brackets the CPU time of the balancer (all its processes) for each unit, how much of that "
    "in user mode, and how busy it kept its CPU: where that is well below 100 %, wrk, nginx or the machine was the "
    "limit. Ratios are medians over pairs of runs that followed each other."
)


def median(rounds: list[dict], scenario: str, subject: str, key: str) -> float | None:
    """The median of one figure, or None when it was not measured."""
    values = [row[key] for row in rounds if row["scenario"] == scenario and row["subject"] == subject]
    return statistics.median(values) if values else None


def ratio(rounds: list[dict], scenario: str, subject: str) -> float | None:
    """Against haproxy: the median over rounds of the ratio within each round, so that a noisy moment hits both."""
    rates: dict[int, dict[str, float]] = {}
    for row in rounds:
        if row["scenario"] == scenario:
            rates.setdefault(row["round"], {})[row["subject"]] = row["rate"]
    ratios = [rate[subject] / rate["haproxy"] for rate in rates.values() if subject in rate and rate.get("haproxy")]
    return statistics.median(ratios) if ratios else None


def subjects(rounds: list[dict]) -> list[str]:
    """Who took part, in a fixed order."""
    there = {row["subject"] for row in rounds}
    return [name for name in _COLOURS if name in there]


def markdown(data: dict) -> str:
    """The table for people."""
    rounds = data["rounds"]
    rivals = [name for name in subjects(rounds) if name.startswith("pyha")]
    heads = ["", *subjects(rounds), *(f"{name} / haproxy" for name in rivals)]
    lines = ["# pyha beside haproxy", "", data["machine"] + ".", "",
             "| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]  # fmt: skip
    for scenario in SCENARIOS:
        cells = [_cell(rounds, scenario, subject) for subject in subjects(rounds)]
        against = [ratio(rounds, scenario.name, name) for name in rivals]
        cells += [f"**{value:.2f}**" if value else "-" for value in against]
        lines.append(f"| {scenario.title} | " + " | ".join(cells) + " |")
    names = subjects(rounds)
    lines += ["", _LEGEND, "", "| p50 / p99 in us | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for scenario in SCENARIOS:
        cells = [_latency(rounds, scenario, subject) for subject in subjects(rounds)]
        lines.append(f"| {scenario.title} | " + " | ".join(cells) + " |")
    lines += ["", "| memory | " + " | ".join(data["memory"]) + " |", "|---|" + "---|" * len(data["memory"])]
    for key in ("pss", "rss"):
        for moment in ("idle", "loaded"):
            row = [f"{figures[moment][key] / 1e6:.1f} MB" for figures in data["memory"].values()]
            lines.append(f"| {key.upper()}, {moment} | " + " | ".join(row) + " |")
    count = " / ".join(f"{name} {figures['idle']['processes']}" for name, figures in data["memory"].items())
    lines += ["", f"Processes: {count}. Memory is the sum over all of them; 'loaded' is with {data['held']} connections held open.", ""]  # noqa: E501 - prose
    return "\n".join(lines)


def _cell(rounds: list[dict], scenario: Scenario, subject: str) -> str:
    rate = median(rounds, scenario.name, subject, "rate")
    if rate is None:
        return "-"
    figure = f"{rate / 1e9:.2f} GB/s" if scenario.unit == "bytes/s" else f"{rate:,.0f}/s"
    if subject == "direct":
        return figure
    user = median(rounds, scenario.name, subject, "cpu_user") or 0.0
    busy = median(rounds, scenario.name, subject, "busy") or 0.0
    cpu = _cpu(rounds, scenario, subject)
    return f"{figure} ({cpu:.1f} {scenario.cpu_unit}, {user:.1f} user; {busy:.0%} busy)"


def _latency(rounds: list[dict], scenario: Scenario, subject: str) -> str:
    values = [median(rounds, scenario.name, subject, key) for key in ("p50_us", "p99_us")]
    return " / ".join("-" if value is None else f"{value:,.0f}" for value in values)


def _cpu(rounds: list[dict], scenario: Scenario, subject: str) -> float:
    return sum(median(rounds, scenario.name, subject, key) or 0.0 for key in ("cpu_user", "cpu_system"))


def plot(data: dict, path: Path) -> None:
    """One picture: rates relative to haproxy, and CPU per unit beside them."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    rounds = data["rounds"]
    who = subjects(rounds)
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.5))
    width = 0.8 / len(who)
    for index, subject in enumerate(who):
        places = [place + index * width for place in range(len(SCENARIOS))]
        left.bar(places, [ratio(rounds, scenario.name, subject) or 0 for scenario in SCENARIOS], width,
                 label=subject, color=_COLOURS[subject])  # fmt: skip
        if subject != "direct":
            costs = [_cpu(rounds, scenario, subject) / (_cpu(rounds, scenario, "haproxy") or 1)
                     for scenario in SCENARIOS]
            right.bar(places, costs, width, color=_COLOURS[subject])
    left.set_title("rate, haproxy = 1")
    left.legend()
    right.set_title("CPU of the balancer per unit, haproxy = 1")
    middle = [place + 0.4 - width / 2 for place in range(len(SCENARIOS))]
    for axes in (left, right):
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set_xticks(middle, [textwrap.fill(scenario.title, 16) for scenario in SCENARIOS], fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def write(data: dict, directory: Path, name: str) -> list[Path]:
    """The three files of one run."""
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{name}{suffix}" for suffix in (".json", ".md", ".png")]
    paths[0].write_text(json.dumps(data, indent=1) + "\n")
    paths[1].write_text(markdown(data))
    plot(data, paths[2])
    return paths
