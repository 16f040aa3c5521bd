"""One accepted configuration with what it needs of the machine: its number, its plan and its listening sockets."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from pyha.config.model import Config
from pyha.control.messages import Configure, Listener, Role, ServerState
from pyha.control.plan import Plan, plan
from pyha.runtime import slots
from pyha.runtime.bpf import Maps
from pyha.runtime.kernelgate import open_maps
from pyha.runtime.slots import Slots


@dataclass(frozen=True)
class Generation:
    """Numbered from 1; each successful reload is the next. The maps of the kernel path, once made, go with all."""

    number: int
    config: Config
    plan: Plan
    slots: Slots
    maps: tuple[Maps, ...] = ()  # one a worker, or none

    def compose(self, role: Role, index: int, servers: Iterable[ServerState]) -> tuple[Configure, list[int]]:
        """What a child should be now, and the descriptors that go with it."""
        listeners: list[Listener] = []
        fds: list[int] = []
        if role == "worker":
            listeners, fds = self.slots.of_worker(index)
            fds.extend(self.maps[index].fds if self.maps else ())
        elif role == "monitor":
            listeners, fds = self.slots.of_monitor()
        message = Configure(
            generation=self.number, config=self.config, index=index, workers=self.plan.workers,
            listeners=tuple(listeners), servers=tuple(servers), kernel_path=self.config.settings.kernel_path,
            maps=role == "worker" and bool(self.maps),
        )
        return message, fds


def first(config: Config) -> Generation:
    """Bind everything. Raises FitnessError."""
    wanted = plan(config, _cpus())
    bound = slots.bind(config, wanted.workers)
    return Generation(1, config, wanted, bound, _maps(config, wanted))


def following(config: Config, old: Generation) -> Generation:
    """The generation after `old`: sockets that fit are kept, new ones bound. Raises FitnessError.

    The number of workers stays what it was: taking a worker away would reset the connections that wait in its slots.
    """
    wanted = plan(config, _cpus())
    if wanted.workers and old.plan.workers:
        wanted = Plan(workers=old.plan.workers, monitor=wanted.monitor, vrrp=wanted.vrrp)
    bound = slots.bind(config, wanted.workers, old.slots)
    return Generation(old.number + 1, config, wanted, bound, old.maps or _maps(config, wanted))


def _maps(config: Config, wanted: Plan) -> tuple[Maps, ...]:
    return open_maps(config.settings.kernel_path, wanted.workers)


def _cpus() -> int:
    return len(os.sched_getaffinity(0))
