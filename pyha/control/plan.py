"""Which processes a configuration needs."""

from dataclasses import dataclass

from pyha.config.model import Config

from .messages import Role

_MOST_WORKERS_BY_DEFAULT = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How many of each child there should be."""

    workers: int
    monitor: bool
    vrrp: bool

    def children(self) -> list[tuple[Role, int]]:
        """(role, index) of every child, in the order to start them.

        The vrrp process comes last: a node that takes the address before its workers accept would refuse clients.
        """
        wanted: list[tuple[Role, int]] = [("worker", index) for index in range(self.workers)]
        if self.monitor:
            wanted.append(("monitor", 0))
        if self.vrrp:
            wanted.append(("vrrp", 0))
        return wanted


def plan(config: Config, cpus: int) -> Plan:
    """The children for `config` on a machine with so many CPUs."""
    relaying = any(frontend.http is None and not frontend.disabled for frontend in config.frontends)
    answering = any(frontend.http is not None and not frontend.disabled for frontend in config.frontends)
    workers = config.settings.nbthread or max(1, min(cpus, _MOST_WORKERS_BY_DEFAULT))
    return Plan(
        workers=workers if relaying else 0,
        monitor=bool(config.backends) or answering,
        vrrp=bool(config.vrrp.routers),
    )
