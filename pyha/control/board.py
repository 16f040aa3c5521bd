"""What the supervisor knows: the last word of every child, and what follows from them.

Knowledge outlives its source. While the monitor is being replaced the last server states stand; a dead worker's
sessions are gone and so are its counters; a dead vrrp process leaves its will, which is performed and then forgotten.
"""

from collections.abc import Sequence

from pyha.config.model import Config

from . import balancer, status
from .messages import BalancerHealth, RouterReport, ServerState, ServerStates, VrrpReport, Will, WorkerReport

_PERIOD = 1.0  # seconds between two ticks of a worker
_RATE_COUNTS_FOR = 2.5  # seconds; workers report once a second and only when something changed


class Board:
    """The last states and reports. `now` is monotonic and in seconds."""

    def __init__(self) -> None:
        self.servers: dict[tuple[str, str], ServerState] = {}
        self.routers: tuple[RouterReport, ...] = ()
        self.will = Will()
        self._workers: dict[int, WorkerReport] = {}
        self._totals: dict[tuple[int, str], tuple[int, float]] = {}
        self._rates: dict[tuple[int, str], tuple[float, float]] = {}

    def server_states(self, message: ServerStates) -> None:
        """The monitor reported."""
        for state in message.states:
            self.servers[state.backend, state.server] = state

    def worker_report(self, index: int, report: WorkerReport, now: float) -> None:
        """A worker reported."""
        self._workers[index] = report
        for row in report.frontends:
            key = index, row.name
            total, then = self._totals.get(key, (row.total, now))
            if now > then:
                # After a silence the new ones came since the tick before, not since the last report.
                self._rates[key] = (max(0, row.total - total) / min(now - then, _PERIOD), now)
            self._totals[key] = (row.total, now)

    def worker_died(self, index: int) -> None:
        """Its sessions died with it, and its successor counts from zero."""
        self._workers.pop(index, None)
        for table in (self._totals, self._rates):
            for key in [key for key in table if key[0] == index]:
                del table[key]

    def vrrp_report(self, message: VrrpReport) -> None:
        """The vrrp process reported."""
        self.routers = message.routers

    def vrrp_died(self, clock: float) -> Will:
        """Return what must be done at once; nobody holds anything afterwards."""
        will, self.will = self.will, Will()
        self.routers = tuple(
            router.model_copy(update={"state": "INIT", "since": clock, "master": None,
                                      "reason": "the vrrp process is being replaced"})
            for router in self.routers
        )
        return will

    def configured(self, config: Config) -> None:
        """A new generation: forget servers that are no longer there."""
        known = {(backend.name, server.name) for backend in config.backends for server in backend.servers}
        self.servers = {key: state for key, state in self.servers.items() if key in known}

    def balancer(self, config: Config, *, accepting: bool) -> BalancerHealth:
        """Whether our own balancer works."""
        return balancer.health(config, accepting=accepting, servers=self.servers.values())

    def reports(self) -> Sequence[WorkerReport]:
        """The last report of every living worker."""
        return tuple(self._workers.values())

    def rates(self, now: float) -> dict[str, float]:
        """New sessions per second of every frontend, lately."""
        rates: dict[str, float] = {}
        for (_, name), (rate, then) in self._rates.items():
            if now - then < _RATE_COUNTS_FOR:
                rates[name] = rates.get(name, 0.0) + rate
        return rates

    def status(
        self, config: Config, processes: Sequence[status.ProcessStatus], *,
        version: str, generation: int, started: float, now: float, clock: float,
    ) -> status.Status:
        """Everything, for `pyha status`. `started` and `clock` are Unix times, `now` is monotonic."""
        return status.Status(
            schema=status.SCHEMA,
            version=version,
            generation=generation,
            uptime_s=round(clock - started, 1),
            processes=tuple(processes),
            vrrp=self.routers,
            frontends=status.frontends(config, self.reports(), self.rates(now)),
            backends=status.backends(config, self.reports(), self.servers, started),
        )
