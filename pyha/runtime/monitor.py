"""The monitor process: checks every server, tells everybody, and answers for the listeners that relay nothing.

It runs on asyncio itself: a few checks a second need no uvloop, and its sockets live for milliseconds.
"""

import asyncio
import logging
import os
import time

from pyha import __version__
from pyha.config.model import Backend, Config
from pyha.control.messages import (
    Configure,
    Configured,
    Message,
    Rejected,
    ServerStates,
    ServerSuspect,
    Stop,
    WorkerReport,
)
from pyha.control.statistics import ServerView, Statistics
from pyha.errors import FitnessError
from pyha.health.backend import nbsrv, standing
from pyha.health.server import Status
from pyha.health.wording import Line
from pyha.runtime import log
from pyha.runtime.alerts import Alerts
from pyha.runtime.channel import Channel
from pyha.runtime.checks import Checks, Key
from pyha.runtime.syslog import LEVELS, Syslog
from pyha.runtime.watch import Watch
from pyha.runtime.web import WebService
from pyha.stats.page import Identity
from pyha.stats.row import Row
from pyha.stats.service import View

logger = logging.getLogger("pyha.monitor")

_TOGETHER = 2.0  # seconds; news that change no decision (when the last check was) are told this often
_LEVELS = {"emerg": logging.CRITICAL, "alert": logging.ERROR, "notice": log.NOTICE}


class Monitor:
    """What the messages of the supervisor make of this process."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.statistics = Statistics()
        self.checks = Checks(self._publish, self._say, self.statistics.load)
        self.web = WebService(self._view)
        self._syslog = Syslog()
        self._alerts = Alerts()
        self.stopped = asyncio.Event()
        self.config = Config()
        self._generation = 0
        self._started = time.monotonic()
        self._news: set[Key] = set()
        self._told: dict[Key, tuple[object, ...]] = {}
        self._flush: asyncio.TimerHandle | None = None

    async def run(self) -> int:
        """Until Stop, or until the supervisor is gone."""
        self.channel.attach(asyncio.get_running_loop(), self._message, self.stopped.set)
        await self.stopped.wait()
        self.checks.close()
        self.web.close()
        self._alerts.close()
        self._syslog.close()
        await self.channel.drain()
        return 0

    def _message(self, message: Message, fds: list[int]) -> None:
        if isinstance(message, Configure):
            self._configure(message, fds)
        elif isinstance(message, WorkerReport):
            self.statistics.report(message, time.monotonic())
        elif isinstance(message, ServerSuspect):
            self.checks.suspect(message.backend, message.server, message.errors)
        elif isinstance(message, Stop):
            self.stopped.set()

    def _configure(self, message: Configure, fds: list[int]) -> None:
        try:
            self.checks.configure(message.config, message.servers, strict=self._generation > 0)
        except FitnessError as error:
            for fd in fds:
                os.close(fd)
            self.channel.send(Rejected(generation=message.generation, reason=str(error)))
            return
        self.web.configure(message.config, message.listeners, fds)
        self._syslog.configure(message.config.settings, [target for backend in message.config.backends
                                                         for target in backend.log.targets])
        self.statistics.workers(message.workers)
        self.config, self._generation = message.config, message.generation
        for backend in message.config.backends:
            self.statistics.stands(backend, self._statuses(backend.name), time.time())
        self.channel.send(Configured(generation=message.generation))
        self._tell(set(self.checks.watches))

    # -- news --------------------------------------------------------------------------------------------------------

    def _publish(self, watch: Watch) -> None:
        key = watch.assignment.backend.name, watch.assignment.server.name
        self._news.add(key)
        urgent = self._told.get(key) != _gist(watch)
        if urgent:
            self.statistics.stands(watch.assignment.backend, self._statuses(key[0]), time.time())
        self._tell_within(0.0 if urgent else _TOGETHER)

    def _tell_within(self, delay: float) -> None:
        loop = asyncio.get_running_loop()
        if self._flush and self._flush.when() > loop.time() + delay:
            self._flush.cancel()
            self._flush = None
        if self._flush is None:
            self._flush = loop.call_later(delay, self._tell_news)

    def _tell_news(self) -> None:
        self._flush = None
        self._tell(self._news)

    def _tell(self, keys: set[Key]) -> None:
        told = {key: watch for key, watch in self.checks.watches.items() if key in keys}
        self._told.update((key, _gist(watch)) for key, watch in told.items())
        self._news = set()
        states = [watch.state() for watch in told.values()]
        if states:
            self.channel.send(ServerStates(states=tuple(states)))

    def _say(self, backend: Backend, line: Line) -> None:
        logger.log(_LEVELS[line.level], "%s", line.text)
        self._syslog.send(backend.log.targets, LEVELS[line.level], line.text)
        self._alerts.send(backend, line)

    # -- what the pages show -----------------------------------------------------------------------------------------

    def _view(self) -> View:
        uptime = int(time.monotonic() - self._started)
        return View(Identity(__version__, self._generation, os.getpid(), uptime), self._rows, self._usable)

    def _rows(self) -> list[Row]:
        servers = {key: _seen(watch) for key, watch in self.checks.watches.items()}
        return self.statistics.rows(self.config, servers, self.web.counters(), time.monotonic(), time.time())

    def _usable(self, name: str) -> int:
        backend = self.config.backend(name)
        if backend is None:
            return 0
        return nbsrv(backend, self._statuses(name))

    def _statuses(self, name: str) -> dict[str, Status]:
        return {server: standing(watch.assignment.server, watch.health)
                for (owner, server), watch in self.checks.watches.items() if owner == name}


def _gist(watch: Watch) -> tuple[object, ...]:
    """What others must hear of at once when it changes."""
    health = watch.health
    return health.status, health.health, health.percent, watch.address, watch.result and watch.result.status


def _seen(watch: Watch) -> ServerView:
    health = watch.health
    return ServerView(watch.state(), health.check is not None, health.failures, health.downs, watch.downtime,
                      "resolution" in health.maintenance, health.agent_down,
                      health.agent_verdict, watch.agent_ms, "/".join(watch.tracks) if watch.tracks else "")


def main(channel: Channel) -> int:
    """Run the monitor until the supervisor says stop or goes away. Returns the exit code."""
    log.setup("monitor")
    return asyncio.run(_main(channel))


async def _main(channel: Channel) -> int:
    return await Monitor(channel).run()
