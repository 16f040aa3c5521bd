"""Measure pyha beside haproxy: `python -m bench.run [--quick]`.

Both balance the same nginx with the same haproxy.cfg, one thread each, in turns: what else the machine does hits all of
them alike. The result is a table of medians and ratios, not a record to be proud of.
"""

import argparse
import os
import platform
import socket
import sys
import tempfile
import time
from pathlib import Path

from bench import load, processes, report, subjects
from bench.subjects import Subject

RESULTS = Path(__file__).resolve().parent / "results"
_HELD = 1000


def main() -> int:
    """Run everything and write the files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two short rounds, to see that everything works")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3, help="of each run")
    parser.add_argument("--only", action="append", choices=[scenario.name for scenario in load.SCENARIOS])
    parser.add_argument("--kernel-path", action="append", default=[], choices=["on", "off"],
                        help="measure pyha with this as well (the default is auto)")  # fmt: skip
    parser.add_argument("--name", default="proxy", help="of the files in bench/results")
    arguments = parser.parse_args()
    rounds, seconds = (2, 1) if arguments.quick else (arguments.rounds, arguments.seconds)
    with tempfile.TemporaryDirectory(prefix="pyha-bench-") as directory:
        data = measure(Path(directory), rounds, seconds, arguments.only, arguments.kernel_path)
    for path in report.write(data, RESULTS, arguments.name):
        print(path)
    print()
    print(report.markdown(data))
    return 0


def measure(directory: Path, rounds: int, seconds: int, only: list[str] | None, kernel_paths: list[str]) -> dict:
    """Start everything, measure in turns, stop everything."""
    running: list[Subject] = []
    try:
        running.append(subjects.origin(directory))
        port = running[0].port
        running.append(subjects.haproxy(directory, port))
        running.append(subjects.pyha(directory, port))
        running.extend(subjects.pyha(directory, port, kernel_path) for kernel_path in kernel_paths)
        memory = {subject.name: _memory(subject) for subject in running[1:]}
        rows = []
        for number in range(rounds):
            for scenario in load.SCENARIOS:
                if only is not None and scenario.name not in only:
                    continue
                # Each in its turn first: what the machine does next hits none of them more often than the others.
                for subject in (*running[number % len(running) :], *running[: number % len(running)]):
                    rows.append({"round": number, **load.run(scenario, subject, seconds)})
                    _progress(rows[-1])
        return {"schema": "pyha/bench/v1", "machine": _machine(), "held": _HELD, "memory": memory, "rounds": rows}
    finally:
        for subject in reversed(running):
            subject.stop()


def _memory(subject: Subject) -> dict[str, dict[str, int]]:
    """Memory of the balancer, idle and with connections held open."""
    assert subject.process is not None
    idle = processes.memory(subject.process.pid)
    held = []
    try:
        for _ in range(_HELD):
            held.append(socket.create_connection(("127.0.0.1", subject.port)))
            held[-1].sendall(b"GET / HTTP/1.1\r\nHost: bench\r\n\r\n")
        for sock in held:
            sock.recv(4096)
        return {"idle": idle, "loaded": processes.memory(subject.process.pid)}
    finally:
        for sock in held:
            sock.close()


def _machine() -> str:
    return (
        f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} CPUs, Linux {platform.release()}, Python "
        f"{platform.python_version()}, load average {os.getloadavg()[0]:.1f} at the end. The balancer "
        "and wrk have a CPU each, nginx takes what is left of them or the other CPUs; one thread each"
    )


def _progress(row: dict) -> None:
    print(f"{row['round']} {row['scenario']:<12} {row['subject']:<18} {row['rate']:>14,.0f} "
          f"errors {row['errors']}", file=sys.stderr, flush=True)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
