"""What the workers counted, kept so that it can be shown: sums over the workers, rates, and rows for the columns.

Pure: `now` is monotonic and in seconds, `clock` is Unix time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from pyha.config.model import Backend, Config, Server
from pyha.health.backend import nbsrv, usable
from pyha.health.verdict import DESCRIPTIONS, WITH_CODE, Verdict
from pyha.stats.row import CheckRow, Row

from .messages import FrontendCounters, ServerCounters, ServerState, WorkerReport

Responses = tuple[int, int, int, int, int, int]
Key = tuple[Literal["f", "s", "b"], str, str]
"""(kind, proxy, server)."""

_RATE_COUNTS_FOR = 2.5  # seconds; workers report once a second and only when something changed
_PERIOD = 1.0  # seconds: what a report tells happened since the tick before, however long ago the last report was


@dataclass(frozen=True)
class ServerView:
    """A server as the monitor sees it. `downtime` in seconds, up to the last time that it came up."""

    state: ServerState
    checked: bool
    failures: int = 0
    downs: int = 0
    downtime: float = 0.0
    unresolved: bool = False
    agent_down: bool = False
    agent: Verdict | None = None  # what the agent said last, or that it could not be asked
    agent_ms: int = 0  # how long that took
    via: str = ""  # the server that it tracks


@dataclass(frozen=True)
class WebCounters:
    """What a listener in HTTP mode counted itself."""

    counters: FrontendCounters
    responses: Responses = (0, 0, 0, 0, 0, 0)


@dataclass
class _Rate:
    """How fast a total of one worker rises."""

    total: int
    then: float
    rate: float = 0.0
    last: float | None = None  # when the total last rose

    def rose(self, total: int, now: float) -> None:
        """The total is now this; less than before when another worker has taken the place of a dead one."""
        if total > self.total:
            self.last = now
        if now > self.then:
            self.rate = max(0, total - self.total) / min(now - self.then, _PERIOD)
            self.total, self.then = total, now


@dataclass
class _Standing:
    """Whether a backend can serve at all, since when (Unix time), and how it has been before."""

    up: bool
    since: float
    downs: int = 0
    downtime: float = 0.0


@dataclass
class Statistics:
    """The last report of every worker, and how fast the totals rise."""

    reports: dict[int, WorkerReport] = field(default_factory=dict)
    _rates: dict[Key, dict[int, _Rate]] = field(default_factory=dict)  # by worker
    _highest: dict[Key, float] = field(default_factory=dict)
    _standings: dict[str, _Standing] = field(default_factory=dict)

    def report(self, report: WorkerReport, now: float) -> None:
        """A worker reported."""
        self.reports[report.worker] = report
        totals: dict[Key, int] = {("f", row.name, ""): row.total for row in report.frontends}
        for row in report.servers:
            totals["s", row.backend, row.server] = row.total
            totals["b", row.backend, ""] = totals.get(("b", row.backend, ""), 0) + row.total
        for key, total in totals.items():
            rates = self._rates.setdefault(key, {})
            if report.worker in rates:
                rates[report.worker].rose(total, now)
            else:
                rates[report.worker] = _Rate(total, now, last=now if total else None)
            self._highest[key] = max(self._highest.get(key, 0.0), self._now(key, now))

    def workers(self, count: int) -> None:
        """There are only so many workers now."""
        self.reports = {index: report for index, report in self.reports.items() if index < count}

    def stands(self, backend: Backend, servers: Mapping[str, str], clock: float) -> None:
        """The servers of a backend have these states now; without servers it counts as up, as in HAProxy."""
        up = not backend.servers or nbsrv(backend, servers) > 0
        standing = self._standings.setdefault(backend.name, _Standing(up, clock))
        if up == standing.up:
            return
        if up:
            standing.downtime += clock - standing.since
        else:
            standing.downs += 1
        standing.up, standing.since = up, clock

    def load(self, backend: str, server: str) -> tuple[int, int]:
        """Sessions and queued connections of a server now."""
        counters = self._server(backend, server)
        return counters.sessions, counters.queued

    def rows(self, config: Config, servers: Mapping[tuple[str, str], ServerView], web: Mapping[str, WebCounters],
             now: float, clock: float) -> list[Row]:
        """One row for every frontend, server and backend, in the order of the configuration."""
        result: list[Row] = []
        names = list(dict.fromkeys([*(frontend.name for frontend in config.frontends),
                                    *(backend.name for backend in config.backends)]))
        # HAProxy's number 1 is its own stats socket.
        for iid, name in enumerate(names, start=2):
            result += [self._frontend_row(config, name, iid, web.get(name), now)
                       for frontend in config.frontends if frontend.name == name]
            backend = config.backend(name)
            if backend is not None:
                result += self._backend_rows(backend, iid, servers, now, clock)
        return result

    # -- sums --------------------------------------------------------------------------------------------------------

    def _frontend(self, name: str) -> FrontendCounters:
        rows = [row for report in self.reports.values() for row in report.frontends if row.name == name]
        return FrontendCounters(name=name, **_sum(rows, FrontendCounters))

    def _server(self, backend: str, server: str) -> ServerCounters:
        rows = [row for report in self.reports.values() for row in report.servers
                if (row.backend, row.server) == (backend, server)]
        return ServerCounters(backend=backend, server=server, **_sum(rows, ServerCounters))

    def _backend(self, name: str) -> ServerCounters:
        rows = [row for report in self.reports.values() for row in report.servers if row.backend == name]
        return ServerCounters(backend=name, server="", **_sum(rows, ServerCounters))

    # -- rows --------------------------------------------------------------------------------------------------------

    def _frontend_row(self, config: Config, name: str, iid: int, web: WebCounters | None, now: float) -> Row:
        counters = web.counters if web else self._frontend(name)
        frontend = next(frontend for frontend in config.frontends if frontend.name == name)
        rate, highest, _last = self._rate(("f", name, ""), now)
        return Row(
            kind="frontend", proxy=name, name="FRONTEND", status="STOP" if frontend.disabled else "OPEN", iid=iid,
            mode="http" if frontend.http else "tcp", sessions=counters.sessions, sessions_max=counters.max_sessions,
            sessions_limit=frontend.maxconn or config.settings.maxconn, total=counters.total,
            bytes_in=counters.bytes_in, bytes_out=counters.bytes_out, denied=counters.denied, failed=counters.failed,
            rate=rate, rate_max=highest, responses=web.responses if web else (0, 0, 0, 0, 0, 0),
        )

    def _backend_rows(self, backend: Backend, iid: int, servers: Mapping[tuple[str, str], ServerView],
                      now: float, clock: float) -> list[Row]:
        views = [(server, servers[backend.name, server.name]) for server in backend.servers
                 if (backend.name, server.name) in servers]
        rows = [self._server_row(backend, server, view, iid, sid, now, clock)
                for sid, (server, view) in enumerate(views, start=1)]
        serving = [server for server, view in views if usable(server, view.state.status)]
        active = [server for server in serving if not server.backup]
        backup = [server for server in serving if server.backup]
        in_charge = active or (backup if backend.allbackups else backup[:1])
        standing = self._standings.get(backend.name, _Standing(bool(serving) or not views, clock))
        down_now = 0.0 if standing.up else clock - standing.since
        counters = self._backend(backend.name)
        rate, highest, last = self._rate(("b", backend.name, ""), now)
        rows.append(Row(
            kind="backend", proxy=backend.name, name="BACKEND", status="UP" if standing.up else "DOWN", iid=iid,
            queued=counters.queued, sessions=counters.sessions, sessions_max=counters.max_sessions,
            sessions_limit=backend.fullconn, total=counters.total, bytes_in=counters.bytes_in,
            bytes_out=counters.bytes_out, connect_failures=counters.connect_failures, retries=counters.retries,
            redispatches=counters.redispatches, weight=sum(server.weight for server in in_charge),
            active=len(active), backup=len(backup), downs=standing.downs, since=_seconds(clock - standing.since),
            downtime=_seconds(standing.downtime + down_now), algorithm=backend.balance.algorithm, rate=rate,
            rate_max=highest, last_session=last,
        ))
        return rows

    def _server_row(self, backend: Backend, server: Server, view: ServerView, iid: int, sid: int,
                    now: float, clock: float) -> Row:
        counters = self._server(backend.name, server.name)
        state = view.state
        rate, highest, last = self._rate(("s", backend.name, server.name), now)
        down_now = clock - state.since if state.status == "DOWN" else 0.0
        return Row(
            kind="server", proxy=backend.name, name=server.name, status=status_words(view), iid=iid, sid=sid,
            queued=counters.queued, sessions=counters.sessions, sessions_max=counters.max_sessions,
            sessions_limit=server.maxconn or None, total=counters.total, bytes_in=counters.bytes_in,
            bytes_out=counters.bytes_out, connect_failures=counters.connect_failures, retries=counters.retries,
            redispatches=counters.redispatches, weight=state.weight, active=int(not server.backup),
            backup=int(server.backup), since=_seconds(clock - state.since),
            downtime=_seconds(view.downtime + down_now) if view.checked else None,
            check=_check(view) if view.checked else None, address=state.address, agent=_agent(view), tracked=view.via,
            queue_limit=server.maxqueue or None, rate=rate, rate_max=highest, last_session=last,
        )

    def _rate(self, key: Key, now: float) -> tuple[int, int, int]:
        """Sessions per second now and at most, and how many seconds ago the last one came (-1: never)."""
        lasts = [rate.last for rate in self._rates.get(key, {}).values() if rate.last is not None]
        return (round(self._now(key, now)), round(self._highest.get(key, 0.0)),
                int(now - max(lasts)) if lasts else -1)

    def _now(self, key: Key, now: float) -> float:
        return sum(rate.rate for rate in self._rates.get(key, {}).values() if now - rate.then < _RATE_COUNTS_FOR)


def _seconds(duration: float) -> int:
    """Whole seconds, none when somebody set the clock back."""
    return max(0, int(duration))


def _sum(rows: Iterable[FrontendCounters | ServerCounters],
         kind: type[FrontendCounters] | type[ServerCounters]) -> dict[str, int]:
    numbers = [name for name in kind.model_fields if name not in ("name", "backend", "server")]
    rows = list(rows)
    return {name: sum(getattr(row, name) for row in rows) for name in numbers}


def _check(view: ServerView) -> CheckRow:
    state, result = view.state, view.state.check
    said = CheckRow() if result is None else CheckRow(
        status=result.status, code=result.code or (0 if result.status in WITH_CODE else None),
        info=result.info, duration_ms=result.duration_ms,
        description=DESCRIPTIONS.get(result.status, result.status))
    return CheckRow(said.status, said.code, said.info, said.description, said.duration_ms,
                    state.rise, state.fall, state.health, view.failures, view.downs)


def _agent(view: ServerView) -> CheckRow | None:
    verdict = view.agent
    if verdict is None:
        return None
    code = (verdict.code or 0) if verdict.status in WITH_CODE else None
    return CheckRow(verdict.status, code, verdict.info, verdict.description, view.agent_ms, rise=1, fall=1,
                    health=int(not view.agent_down))


def status_words(view: ServerView) -> str:
    """HAProxy's words for the state of a server: with a count while it is on the way up or down."""
    state = view.state
    if state.status == "MAINT":
        if view.via:
            return f"MAINT (via {view.via})"
        return "MAINT (resolution)" if view.unresolved else "MAINT"
    if view.agent_down and state.status == "DOWN":
        return "DOWN (agent)"
    if state.status == "DRAIN":
        return "DRAIN (agent)" if view.agent else "DRAIN"
    if view.via:
        return state.status
    if not view.checked:
        return "no check" if state.status == "UP" else state.status
    if state.status == "DOWN":
        return f"DOWN {state.health}/{state.rise}" if state.health else "DOWN"
    top = state.rise + state.fall - 1
    return state.status if state.health == top else f"{state.status} {state.health - state.rise + 1}/{state.fall}"
