"""One server under watch: runs its health machine against the clock, and its checks against the network."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyha.config.model import Backend, Server
from pyha.config.review_health import tracked
from pyha.control.messages import CheckResult, ServerState
from pyha.control.status import address
from pyha.health.agent import Report
from pyha.health.backend import Load
from pyha.health.dialogue import Script
from pyha.health.probes.external import briefing
from pyha.health.schedule import Timeouts, timeouts
from pyha.health.server import Effect, ServerHealth, StartCheck, Status, StatusChanged
from pyha.health.verdict import Verdict
from pyha.runtime.agents import AgentLoop
from pyha.runtime.external import NO_BRIEFING, Briefing
from pyha.runtime.prober import Outcome, Prober, Target
from pyha.runtime.resolver import fallback, literal, resolve
from pyha.runtime.streams import Kept

log = logging.getLogger("pyha.monitor")

_RESOLVE_AGAIN = 30.0  # seconds between two looks at a name that resolves
_RESOLVE_SOON = 5.0  # and at one that does not


@dataclass(frozen=True)
class Assignment:
    """What to watch. Two assignments of equal `essence` ask the same questions at the same address."""

    backend: Backend
    server: Server
    script: Script | None
    port: int | None  # where to check; None where nobody can tell
    spread: float = 0.0  # `spread-checks` as a part of 1
    proxy: tuple[str, int] | None = None  # where the clients of a `listen` section connect

    @property
    def essence(self) -> tuple[object, ...]:
        """Everything that makes an earlier verdict worthless when it changes."""
        server = self.server
        health = self.backend.health.model_copy(update={"log_health_checks": False})
        return (server.host, server.port, server.port_offset, server.check, server.disabled, server.init_addr, health,
                self.port, server.agent, server.track, server.observe)


Changed = Callable[["Watch", Sequence[Effect], int], None]


class Watch:
    """Call `start` once and `stop` at the end. `changed` is told everything that the machine says."""

    def __init__(self, assignment: Assignment, prober: Prober, changed: Changed, load: Load) -> None:
        self.assignment = assignment
        server = assignment.server
        self.health = ServerHealth(server.check if assignment.port else None, disabled=server.disabled,
                                   observe=server.observe)
        self.since = time.time()
        self.downtime = 0.0  # seconds, up to the last time that it came up
        self.result: CheckResult | None = None
        self.agent_ms = 0  # how long the agent took to answer
        self._host: str | None = server.host if literal(server.host) else None
        self._alternative = server.check.host if server.check else None  # `addr`: check there instead
        self._check_host = self._alternative if literal(self._alternative or "") else None
        self._prober = prober
        self._kept = Kept()
        self._changed = changed
        self._load = load
        self._agent = AgentLoop(server.agent, prober, self._agent_host, self._heard) if server.agent else None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._resolving: asyncio.Task[None] | None = None
        self._timeouts = timeouts(server.check, assignment.backend) if server.check else Timeouts(0, None)

    def adopt(self, known: ServerState) -> None:
        """Go on from what was known about this server."""
        server = self.assignment.server
        if self.tracks:
            return
        # A name that does not resolve is maintenance, too, and is found out anew.
        if known.status != "MAINT" or (server.agent is not None and literal(server.host)):
            percent = known.weight * 100 // server.weight if server.weight else 100
            self.health.adopt(known.status, known.health, percent=percent if server.agent is not None else None)
            self.since, self.result = known.since, known.check

    def reassign(self, assignment: Assignment, prober: Prober) -> None:
        """The same server with other properties that do not concern its checks; files may have changed on disk."""
        self.assignment, self._prober = assignment, prober
        self._kept.close()
        if assignment.server.check:
            self._timeouts = timeouts(assignment.server.check, assignment.backend)

    def start(self, offset: float) -> None:
        """Begin; the first check is due in `offset` seconds."""
        if self._agent is not None:
            self._agent.start(offset)
        if self._host is None or (self._alternative and self._check_host is None):
            self._resolving = asyncio.get_running_loop().create_task(self._resolve_for_ever(offset))
        else:
            self.health.startup(self._now, offset)
            self._arm()

    def stop(self) -> None:
        """No more checks."""
        if self._timer:
            self._timer.cancel()
        for task in (self._task, self._resolving):
            if task:
                task.cancel()
        self._kept.close()
        if self._agent is not None:
            self._agent.stop()

    def follow(self, status: Status, via: str) -> None:
        """The server that this one tracks is that now."""
        effects = self.health.follow(status, via)
        if effects:
            self._told(effects, 0)

    def suspect(self, errors: int) -> None:
        """So many connections of clients failed in a row."""
        effects = self.health.suspect(errors, self._now)
        if self.health.verdict is not None and self.health.verdict.status == "HANA":
            self._remember(self.health.verdict, 0)
        self._told(effects, 0)

    def _heard(self, report: Report, duration_ms: int) -> None:
        self.agent_ms = duration_ms
        self._told(self.health.heard(report, self._now), duration_ms)

    @property
    def tracks(self) -> tuple[str, str] | None:
        """(backend, server) of the server that this one tracks."""
        server = self.assignment.server
        return tracked(self.assignment.backend.name, server) if server.track else None

    @property
    def address(self) -> str:
        """host:port of the server, as far as its name has been resolved."""
        return address(self._host or self.assignment.server.host, self.assignment.server.port)

    def state(self) -> ServerState:
        """Everything that other processes know about this server."""
        server, health = self.assignment.server, self.health
        rise, fall = (health.check.rise, health.check.fall) if health.check else (1, 1)
        return ServerState(
            backend=self.assignment.backend.name, server=server.name,
            address=self.address, status=health.status, weight=health.weight(server.weight),
            since=self.since, check=self.result, rise=rise, fall=fall, health=health.health,
        )

    def _agent_host(self) -> str | None:
        agent = self.assignment.server.agent
        return agent.host if agent and agent.host else self._host

    # -- checks ------------------------------------------------------------------------------------------------------

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _arm(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self.health.deadline is not None:
            self._timer = asyncio.get_running_loop().call_at(self.health.deadline, self._expire)

    def _expire(self) -> None:
        # The clock of the loop may be a hair before the moment that it fires for.
        now = max(self._now, self.health.deadline or 0.0)
        if any(isinstance(effect, StartCheck) for effect in self.health.expire(now)):
            self._task = asyncio.get_running_loop().create_task(self._check())

    async def _check(self) -> None:
        script, host, port = self.assignment.script, self._host, self.assignment.port
        assert script is not None
        assert host is not None
        assert port is not None
        try:
            target = Target(self._check_host or host, port, self._briefing(host))
            outcome = await self._prober.probe(script, target, self._timeouts, self._kept)
        except Exception:  # a bug in a check must not leave a server unwatched
            log.exception("the check of %s failed by itself", self)
            outcome = Outcome(Verdict("SOCKERR", info="internal error"), 0)
        self._conclude(outcome)

    def _briefing(self, host: str) -> Briefing:
        """What an external check is told."""
        assignment = self.assignment
        if assignment.backend.health.kind != "external":
            return NO_BRIEFING
        sessions, _queued = self._load(assignment.backend.name, assignment.server.name)
        return Briefing(*briefing(assignment.backend, assignment.server, host, assignment.proxy, sessions))

    def _conclude(self, outcome: Outcome) -> None:
        spread = self.assignment.spread
        effects = self.health.result(outcome.verdict, self._now, random.uniform(-spread, spread))
        verdict = self.health.verdict or outcome.verdict
        self._remember(verdict, outcome.duration_ms)
        self._told(effects, outcome.duration_ms)

    def _remember(self, verdict: Verdict, duration_ms: int) -> None:
        self.result = CheckResult(status=verdict.status, code=verdict.code, info=verdict.info,
                                  duration_ms=duration_ms, last=time.time())

    def _told(self, effects: Sequence[Effect], duration_ms: int) -> None:
        now = time.time()
        for effect in effects:
            if isinstance(effect, StatusChanged):
                if effect.old == "DOWN":
                    self.downtime += now - self.since
                self.since = now
        self._changed(self, effects, duration_ms)
        self._arm()

    # -- names -------------------------------------------------------------------------------------------------------

    async def _resolve_for_ever(self, offset: float) -> None:
        server = self.assignment.server
        host = await self._look() or fallback(server.init_addr)
        if host is None:
            log.warning("server %s: the name %s does not resolve; in maintenance until it does", self, server.host)
            self._told(self.health.maintain("resolution"), 0)
        else:
            self._host = host
            self.health.startup(self._now, offset)
            self._told([], 0)
        while True:
            await asyncio.sleep(_RESOLVE_AGAIN if host else _RESOLVE_SOON)
            host = await self._look()
            # An address that was good once stays until there is another.
            if host is not None and host != self._host:
                self._moved(host)

    async def _look(self) -> str | None:
        if self._alternative:
            self._check_host = await resolve(self._alternative, self._check_host) or self._check_host
        return await resolve(self.assignment.server.host, self._host)

    def _moved(self, host: str) -> None:
        before, self._host = self._host, host
        if before is None:
            self._told(self.health.ready("resolution", self._now), 0)
        else:
            log.warning("server %s: %s is now %s, it was %s", self, self.assignment.server.host, host, before)
            self.health.hasten(self._now)
            self._told([], 0)

    def __str__(self) -> str:
        return f"{self.assignment.backend.name}/{self.assignment.server.name}"
