"""`pyha status`: who holds the address and how every server is; a table for people, JSON for programs."""

import argparse
import json
import time
from typing import Any

from pyha.cli import table
from pyha.control.status import BackendStatus, CheckStatus, Status
from pyha.health.verdict import Verdict
from pyha.runtime.control_socket import ask


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--json", action="store_true", help="JSON (pyha/status/v1)")


def run(options: argparse.Namespace) -> int:
    """Print what the running pyha says and return 0. Raises ControlError when there is none."""
    answer: dict[str, Any] = ask("status")
    if options.json:
        print(json.dumps(answer, indent=2))
    else:
        print(render(Status.model_validate(answer), time.time()), end="")
    return 0


def render(status: Status, now: float) -> str:
    """The text for people. `now` is Unix time."""
    parts = [f"pyha {status.version}, generation {status.generation}, up {age(status.uptime_s)}\n"]
    if status.vrrp:
        parts.append(table.render(
            ("VRRP", "STATE", "FOR", "PRIORITY", "ADDRESSES", "MASTER", "REASON"),
            [(f"{router.name} ({router.interface}, vrid {router.vrid})", router.state, age(now - router.since),
              _priority(router.priority, router.effective_priority), ", ".join(router.addresses),
              f"{router.master.address} ({router.master.priority})" if router.master else "-", router.reason)
             for router in status.vrrp],
        ))
    if heard := [f"{router.name}: {sentence}" for router in status.vrrp for sentence in router.rejected]:
        parts.append("ADVERTISEMENTS THAT ARE NOT HEARD\n" + "".join(f"{line}\n" for line in heard))
    if status.frontends:
        parts.append(table.render(
            ("FRONTEND", "LISTENS ON", "SESSIONS", "NEW/S"),
            [(frontend.name, ", ".join(frontend.binds), str(frontend.sessions), f"{frontend.rate:g}")
             for frontend in status.frontends],
            right={2, 3},
        ))
    parts += [_backend(backend, now) for backend in status.backends]
    parts.append(table.render(
        ("PROCESS", "PID", "RESTARTS", "MEMORY"),
        [(process.role, str(process.pid), str(process.restarts), f"{process.rss_bytes / 2**20:.0f} MiB")
         for process in status.processes],
        right={1, 2, 3},
    ))
    return "\n".join(parts)


def age(seconds: float) -> str:
    """A duration as people say it: `4s`, `3m 20s`, `2h 05m`, `12d 3h`."""
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days}d {hours % 24}h"
    if hours:
        return f"{hours}h {minutes % 60:02}m"
    if minutes:
        return f"{minutes}m {whole % 60:02}s"
    return f"{whole}s"


def _priority(own: int, effective: int) -> str:
    return str(own) if own == effective else f"{effective} (of {own})"


def _backend(backend: BackendStatus, now: float) -> str:
    up = sum(server.state == "UP" for server in backend.servers)
    count = f" ({up} of {len(backend.servers)} up)" if backend.servers else ""
    return table.render(
        (f"BACKEND {backend.name}{count}", "ADDRESS", "STATE", "FOR", "LAST CHECK", "WEIGHT", "SESSIONS"),
        [(server.name, server.address, server.state, age(now - server.since), _check(server.check, now),
          str(server.weight), str(server.sessions)) for server in backend.servers] or [("no servers",)],
        right={5, 6},
    )


def _check(check: CheckStatus | None, now: float) -> str:
    if check is None:
        return "not checked"
    code = f"/{check.code}" if check.code is not None else ""
    verdict = Verdict(check.status)
    # A good answer needs no explanation; at 3 a.m. `L4CON` does.
    meaning = "" if verdict.passed else f" {verdict.description}"
    return f"{check.status}{code}{meaning} in {check.duration_ms} ms, {age(now - check.last)} ago"
