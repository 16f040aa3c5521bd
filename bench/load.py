"""What is asked of a balancer, and what comes out: one short run of wrk each.

wrk opens a connection for every request when the answer says `Connection: close`, in C, with one thread.
"""

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.processes import cpu_seconds
from bench.subjects import Subject, cpus, pinned

# wrk prints for people; this makes it print for programs.
_SCRIPT = """
done = function(summary, latency, requests)
  io.write(string.format("JSON{\\"requests\\":%d,\\"bytes\\":%d,\\"seconds\\":%f,\\"errors\\":%d,\\"p50\\":%f,\\"p99\\":%f}\\n",
    summary.requests, summary.bytes, summary.duration / 1e6,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Scenario:
    """One figure: how wrk is called, and which of its numbers counts."""

    name: str
    title: str
    unit: str
    connections: int
    path: str = "/"
    headers: tuple[str, ...] = ()
    count: Callable[[dict], float] = lambda result: result["requests"]
    cpu_unit: str = "us CPU each"
    cpu_scale: float = 1e6


SCENARIOS = (
    Scenario("connections", "new connections", "1/s", 64, headers=("Connection: close",)),
    Scenario("requests64", "requests on 64 kept connections", "1/s", 64),
    Scenario("requests1", "requests on one kept connection", "1/s", 1),
    Scenario("bytes", "large answers on 8 connections", "bytes/s", 8, path="/large",
             count=lambda result: result["bytes"], cpu_unit="ms CPU per GB", cpu_scale=1e12),
)  # fmt: skip


def run(scenario: Scenario, subject: Subject, seconds: float) -> dict:
    """One run: rate, CPU of the balancer per unit (user, system), latency, errors."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_SCRIPT)
        script.flush()
        command = ["wrk", "-t1", f"-c{scenario.connections}", f"-d{seconds:g}", "-s", script.name]
        for header in scenario.headers:
            command += ["-H", header]
        command = pinned(command, cpus()[1])
        command.append(f"http://127.0.0.1:{subject.port}{scenario.path}")
        before = cpu_seconds(subject.process.pid) if subject.process else (0.0, 0.0)
        output = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path("/")).stdout
        after = cpu_seconds(subject.process.pid) if subject.process else (0.0, 0.0)
    result = json.loads(output[output.index("JSON{") + 4 :].splitlines()[0])
    count = scenario.count(result) or 1
    used = after[0] - before[0] + after[1] - before[1]
    return {
        "scenario": scenario.name,
        "subject": subject.name,
        "rate": count / result["seconds"],
        "cpu_user": (after[0] - before[0]) / count * scenario.cpu_scale,
        "cpu_system": (after[1] - before[1]) / count * scenario.cpu_scale,
        "p50_us": result["p50"],
        "p99_us": result["p99"],
        "busy": used / result["seconds"],  # of one CPU
        "errors": result["errors"],
    }
