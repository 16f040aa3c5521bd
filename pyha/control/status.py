"""What `pyha status` says: one model, built from the last reports of the children.

The shape of the JSON is fixed: programs rely on `pyha/status/v1`.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from pyha.config.base import Frozen
from pyha.config.model import Config, Server

from .messages import CheckResult, FrontendCounters, RouterReport, ServerState, ServerStatus, WorkerReport

SCHEMA: Literal["pyha/status/v1"] = "pyha/status/v1"


class ProcessStatus(Frozen):
    """One process of pyha."""

    role: str
    pid: int
    restarts: int
    rss_bytes: int


class FrontendStatus(Frozen):
    """One frontend; `rate` is new sessions per second, lately."""

    name: str
    binds: tuple[str, ...]
    sessions: int
    rate: float


class CheckStatus(Frozen):
    """The last health check of a server; `last` is Unix time."""

    status: str
    code: int | None
    duration_ms: int
    last: float


class ServerStatusReport(Frozen):
    """One server; `since` is Unix time."""

    name: str
    address: str
    state: ServerStatus
    check: CheckStatus | None
    weight: int
    sessions: int
    since: float


class BackendStatus(Frozen):
    """One backend."""

    name: str
    servers: tuple[ServerStatusReport, ...]


class Status(Frozen):
    """Everything, at one moment."""

    schema_: Literal["pyha/status/v1"] = Field(default=SCHEMA, alias="schema")
    version: str
    generation: int
    uptime_s: float
    processes: tuple[ProcessStatus, ...]
    vrrp: tuple[RouterReport, ...]
    frontends: tuple[FrontendStatus, ...]
    backends: tuple[BackendStatus, ...]


def frontends(config: Config, reports: Sequence[WorkerReport], rates: Mapping[str, float]) -> tuple[FrontendStatus,
...]:
    """The frontends with their counters summed over the workers."""
    counters: dict[str, list[FrontendCounters]] = {}
    for report in reports:
        for row in report.frontends:
            counters.setdefault(row.name, []).append(row)
    return tuple(
        FrontendStatus(
            name=frontend.name,
            binds=tuple(address(bind.host, bind.port) for bind in frontend.binds),
            sessions=sum(row.sessions for row in counters.get(frontend.name, ())),
            rate=round(rates.get(frontend.name, 0.0), 1),
        )
        for frontend in config.frontends
    )


def backends(
    config: Config, reports: Sequence[WorkerReport], states: Mapping[tuple[str, str], ServerState], started: float
) -> tuple[BackendStatus, ...]:
    """The backends with what is known about each server. `started`: Unix time, for servers that nobody checks."""
    sessions: dict[tuple[str, str], int] = {}
    for report in reports:
        for row in report.servers:
            key = (row.backend, row.server)
            sessions[key] = sessions.get(key, 0) + row.sessions
    return tuple(
        BackendStatus(
            name=backend.name,
            servers=tuple(
                _server(server, states.get((backend.name, server.name)),
                        sessions.get((backend.name, server.name), 0), started)
                for server in backend.servers
            ),
        )
        for backend in config.backends
    )


def address(host: str, port: int | None) -> str:
    """host:port as people write it."""
    if port is None:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _server(
    server: Server, state: ServerState | None, sessions: int, started: float
) -> ServerStatusReport:
    if state is None:
        return ServerStatusReport(
            name=server.name, address=address(server.host, server.port), state="MAINT" if server.disabled else "UP",
            check=None, weight=server.weight, sessions=sessions, since=started,
        )
    return ServerStatusReport(
        name=server.name, address=state.address, state=state.status, check=_check(state.check), weight=state.weight,
        sessions=sessions, since=state.since,
    )


def _check(result: CheckResult | None) -> CheckStatus | None:
    if result is None:
        return None
    return CheckStatus(status=result.status, code=result.code, duration_ms=result.duration_ms, last=result.last)
