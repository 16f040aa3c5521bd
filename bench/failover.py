"""Measure failover and cost of pyha beside keepalived: `python -m bench.failover [--quick]`.

Two routers of each kind, with the same keepalived.conf, in turns. What counts is what a client sees that asks the
service behind the virtual address every 2 ms: the longest time without an answer, and how long after the last word of
the old router the new one answers, which leaves out the luck of the moment.
"""

import argparse
import os
import platform
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from bench import failover_report, pair, processes
from tests.interop.flavours import Flavour
from tests.interop.routers import Router
from tests.netns.lab import wait_until

RESULTS = Path(__file__).resolve().parent / "results"
KINDS = ("keepalived", "pyha")
COUNTS = (1, 20, 100)
_ATTEMPTS = 5
COST_OF = {"v2, 1 s": pair.PROFILES["v2, 1 s"], "v3, 0.1 s": pair.PROFILES["v3, 0.1 s"]}


def main() -> int:
    """Run everything and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, to see that everything works")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=20, help="of each measurement of CPU time")
    parser.add_argument("--profile", action="append", choices=list(pair.PROFILES))
    parser.add_argument("--event", action="append", choices=list(pair.EVENTS))
    parser.add_argument("--count", action="append", type=int, help="virtual routers in the measurement of CPU time")
    parser.add_argument("--name", default="failover", help="of the files in bench/results")
    arguments = parser.parse_args()
    rounds, seconds = (1, 3) if arguments.quick else (arguments.rounds, arguments.seconds)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the laboratories are taken down
    data = {"schema": "pyha/bench-failover/v1", "between_ms": pair.BETWEEN * 1000, "gaps": [], "costs": []}
    with tempfile.TemporaryDirectory(prefix="pyha-bench-") as name:
        for profile in arguments.profile or pair.PROFILES:
            data["gaps"] += gaps(profile, arguments.event or pair.EVENTS, rounds, Path(name))
        for count in arguments.count or COUNTS:
            for flavour in COST_OF.values():
                for kind in KINDS:
                    data["costs"].append(cost(kind, count, flavour, seconds, Path(name)))
    data["machine"] = _machine()
    for path in failover_report.write(data, RESULTS, arguments.name):
        print(path)
    print()
    print(failover_report.markdown(data))
    return 0


def gaps(profile: str, events: tuple[str, ...] | list[str], rounds: int, directory: Path) -> list[dict]:
    """The longest gap of every event, round by round, the two kinds in turns."""
    rows = []
    with ExitStack() as stack:
        pairs = [stack.enter_context(pair.pair(kind, profile, directory)) for kind in KINDS]
        for number in range(rounds):
            for event in events:
                # Whoever is second finds warm caches.
                for one in pairs if number % 2 else reversed(pairs):
                    rows.append({"round": number, "profile": profile, "event": event, "kind": one.kind,
                                 **_measured(one, event)})
                    _progress(rows[-1])
    return rows


def _measured(one: pair.Pair, event: str) -> dict:
    for attempt in range(_ATTEMPTS):
        try:
            gap, takeover = one.measure(event)
        except pair.DisturbedError:
            continue
        return {"gap_ms": round(gap * 1000, 1), "takeover_ms": round(takeover * 1000, 1), "disturbed": attempt}
    raise SystemExit(f"{one.kind}: {_ATTEMPTS} times something else happened than a {event}: is this machine too busy?")


def cost(kind: str, count: int, flavour: Flavour, seconds: int, directory: Path) -> dict:
    """CPU time and memory of a router with so many virtual routers, when nothing happens."""
    with pair.crowd(kind, count, flavour, directory) as (a, b):
        wait_until(lambda: a.text().count("Entering MASTER STATE") >= count, "all are Active on a", within=60)
        wait_until(lambda: all(b.state(f"VI_{number}") == "BACKUP" for number in range(1, count + 1)),
                   "all are Backup on b", within=60)
        # The second burst of announcements is five seconds after the first.
        time.sleep(3 if seconds < 10 else 8)
        routers = {"active": a, "backup": b}
        before = {name: processes.running_seconds(router.pid) for name, router in routers.items()}
        changes, began = _changes(a, b), time.monotonic()
        time.sleep(seconds)
        spent = time.monotonic() - began
        row = {"kind": kind, "count": count, "interval": flavour.interval, "seconds": seconds,
               "changes": _changes(a, b) - changes}
        for name, router in routers.items():
            used = processes.running_seconds(router.pid) - before[name]
            row[name] = {"cpu_percent": round(100 * used / spent, 3), **processes.memory(router.pid)}
        _progress(row)
        return row


def _changes(*routers: Router) -> int:
    return sum(router.text().count(" STATE") for router in routers)


def _machine() -> str:
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} CPUs, Linux {platform.release()}, Python "
        f"{platform.python_version()}, load average {os.getloadavg()[0]:.1f} at the end"
    )


def _progress(row: dict) -> None:
    print(" ".join(f"{key}={value}" for key, value in row.items()), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
