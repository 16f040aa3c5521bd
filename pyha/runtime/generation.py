"""One accepted configuration with what it needs of the machine: its number, its plan and its listening sockets."""

import os
from collections.abc import Iterable
from dataclasses import dataclass

from pyha.config.model import Config
from pyha.control.messages import Configure, Listener, Role, ServerState
from pyha.control.plan import Plan, plan
from pyha.runtime import slots
from pyha.runtime.slots import Slots


@dataclass(frozen=True)
class Generation:
    """Numbered from 1; each successful reload is the next."""

    number: int
    config: Config
    plan: Plan
    slots: Slots

    def compose(self, role: Role, index: int, servers: Iterable[ServerState]) -> tuple[Configure, list[int]]:
        """What a child should be now, and the descriptors that go with it."""
        listeners: list[Listener] = []
        fds: list[int] = []
        if role == "worker":
            listeners, fds = self.slots.of_worker(index)
        elif role == "monitor":
            listeners, fds = self.slots.of_monitor()
        message = Configure(
            generation=self.number, config=self.config, index=index, workers=self.plan.workers,
            listeners=tuple(listeners), servers=tuple(servers), kernel_path=self.config.settings.kernel_path,
        )
        return message, fds


def first(config: Config) -> Generation:
    """Bind everything. Raises FitnessError."""
    wanted = plan(config, _cpus())
    return Generation(1, config, wanted, slots.bind(config, wanted.workers))


def following(config: Config, old: Generation) -> Generation:
    """The generation after `old`: sockets that fit are kept, new ones bound. Raises FitnessError.

    The number of workers stays what it was: taking a worker away would reset the connections that wait in its slots.
    """
    wanted = plan(config, _cpus())
    if wanted.workers and old.plan.workers:
        wanted = Plan(workers=old.plan.workers, monitor=wanted.monitor, vrrp=wanted.vrrp)
    return Generation(old.number + 1, config, wanted, slots.bind(config, wanted.workers, old.slots))


def _cpus() -> int:
    return len(os.sched_getaffinity(0))
