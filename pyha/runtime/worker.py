"""The worker process: accepts clients, finds each a server, and relays.

uvloop runs what is slow (the channel to the supervisor, timers); bytes pass through the relay's own epoll, whose
descriptor is one reader among others for uvloop. What happens to a connection is in switchboard.py; this is what
happens to the process.
"""

import asyncio
import gc
import logging
import os
import random
import resource
import socket
import time
from collections.abc import Iterable
from functools import partial

import uvloop

from pyha.config import model
from pyha.control.messages import (
    Configure,
    Configured,
    Listener,
    Message,
    Rejected,
    ServerState,
    ServerStates,
    ServerSuspect,
    Stop,
    TableChanges,
    WorkerReport,
)
from pyha.proxy.backend import Backend
from pyha.proxy.effects import Suspect
from pyha.proxy.frontend import FrontendState
from pyha.proxy.rules import Ruleset
from pyha.proxy.server import Server
from pyha.proxy.shares import share
from pyha.proxy.world import World
from pyha.runtime import accounts, headers, log, sockopts
from pyha.runtime.channel import Channel
from pyha.runtime.entrance import Route
from pyha.runtime.gate import gated
from pyha.runtime.resolver import literal
from pyha.runtime.sessionlog import SessionLog
from pyha.runtime.switchboard import Switchboard
from pyha.runtime.syslog import Syslog
from pyha.runtime.tables import Tables, spread
from pyha.runtime.timeouts import Timeouts
from pyha.runtime.wheel import RESOLUTION

logger = logging.getLogger("pyha.worker")

_REPORTS = 1.0  # seconds between two
_ORPHAN = 1.0  # seconds of grace when the supervisor is gone
_OURS = 256  # descriptors that are not sessions
_FEWEST = 64  # sessions that are always tried


class Worker:
    """One worker as the supervisor's messages make it."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._board = Switchboard(self._idle, self._suspect)
        self._syslog = Syslog()
        self._frontends: dict[str, FrontendState] = {}
        self._backends: dict[str, Backend] = {}
        self._tables = Tables(channel)
        self._index = 0
        self._reported: WorkerReport | None = None
        self._stopping = False
        self._stopped = asyncio.Event()

    async def run(self) -> int:
        """Until Stop, or until the supervisor is gone."""
        self._loop = asyncio.get_running_loop()
        self._board.relay.attach(self._loop)
        self._channel.attach(self._loop, self._message, self._orphaned)
        self._loop.call_later(RESOLUTION, self._tick)
        self._loop.call_later(_REPORTS, self._report)
        await self._stopped.wait()
        self._tell()
        await self._channel.drain()
        self._syslog.close()
        return 0

    def _message(self, message: Message, fds: list[int]) -> None:
        if isinstance(message, Configure):
            self._configure(message, fds)
        elif isinstance(message, ServerStates):
            self._server_states(message.states)
        elif isinstance(message, TableChanges):
            self._tables.learn(message, self._now())
        elif isinstance(message, Stop):
            self._stop(message.grace)

    # -- becoming what a Configure says --------------------------------------------------------------------------------

    def _configure(self, message: Configure, fds: list[int]) -> None:
        self._board.relay.configure(message, fds)
        try:
            logs = {frontend.name: self._log(frontend) for frontend in message.config.frontends}
        except ValueError as error:
            for fd in fds:
                os.close(fd)
            self._channel.send(Rejected(generation=message.generation, reason=str(error)))
            return
        config, self._index = message.config, message.index
        self._syslog.configure(config.settings, [target for frontend in config.frontends
                                                 for target in frontend.log.targets])  # fmt: skip
        # Where there are very few, running out of them is dealt with when it happens.
        possible = max(_FEWEST, (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - _OURS) // 2)
        maxconn = config.settings.maxconn
        self._board.limit = min(possible, share(maxconn, message.index, message.workers)) if maxconn else possible
        self._configure_backends(config, message)
        self._server_states(message.servers)
        self._listen(message.listeners, fds, self._routes(config, message, logs))
        gc.collect()
        gc.freeze()  # what lives as long as the process need not be looked at again
        self._channel.send(Configured(generation=message.generation))

    def _log(self, frontend: model.Frontend) -> SessionLog:
        try:
            return SessionLog(frontend.name, frontend.log, self._syslog, lambda: self._board.sessions)
        except ValueError as error:
            raise ValueError(f"frontend '{frontend.name}': {error}") from error

    def _configure_backends(self, config: model.Config, message: Configure) -> None:
        known = {(state.backend, state.server): state.address for state in message.servers}
        old, self._backends = self._backends, {}
        for wanted in config.backends:
            backend = self._backends[wanted.name] = old.get(wanted.name) or Backend(wanted.name)
            backend.configure(spread(wanted, message.workers), message.index, message.workers, random.random)
            for server in backend.servers.values():
                server.options = sockopts.of_server(wanted, server.config)
                self._locate(backend, server, known.get((wanted.name, server.name)))
            self._board.perform(backend.serve(self._now()))

    def _locate(self, backend: Backend, server: Server, resolved: str | None) -> None:
        """Where a server is; one whose name the monitor has not resolved yet cannot be used before it has."""
        host = server.config.host
        if not literal(host):
            host = resolved or ""
            if not literal(host):
                host = host.rpartition(":")[0].strip("[]")
            if not literal(host):
                if server.endpoint is None:
                    self._board.perform(backend.set_state(server.name, "MAINT", server.weight, self._now()))
                return
        server.endpoint = _endpoint(host, server.config)

    def _routes(self, config: model.Config, message: Configure, logs: dict[str, SessionLog],
                ) -> dict[tuple[str, int], Route]:
        """By frontend and number of the bind: most binds of a frontend share one."""
        routes: dict[tuple[str, int], Route] = {}
        old, self._frontends = self._frontends, {}
        for frontend in config.frontends:
            state = self._frontends[frontend.name] = old.get(frontend.name) or FrontendState(frontend.name)
            state.configure(frontend, message.index, message.workers)
        tables = self._tables.configure(config, message)
        world = World(self._frontends, self._backends, tables, message.workers, random.random)
        for frontend in config.frontends:
            rules = Ruleset.of(frontend, config, world)
            make = partial(self._route, config, frontend, logs[frontend.name])
            names = [name for name in frontend.backends() if name in self._backends]
            plain = make(frontend.default_backend or "") if rules is None else gated(self._board, rules, make, names)
            expected = any(rule.action == "expect-proxy" for rule in frontend.rules.connection)
            for index, bind in enumerate(frontend.binds):
                if bind.accept_proxy or expected:
                    failed = partial(logs[frontend.name].failed, bind.name or str(index + 1))
                    waiting = headers.Headers(self._board, failed, always=bind.accept_proxy)
                    decided = rules or Ruleset(default=frontend.default_backend or "")
                    routes[frontend.name, index] = gated(self._board, decided, make, names, waiting)
                else:
                    routes[frontend.name, index] = plain
        return routes

    def _route(self, config: model.Config, frontend: model.Frontend, log: SessionLog, name: str) -> Route:
        settings = config.backend(name)
        if settings is None:  # nobody to relay to: every client is refused
            settings = model.Backend(name=frontend.name)
            backend = Backend(frontend.name)
            backend.configure(settings, 0, 1, random.random)
        else:
            backend = self._backends[settings.name]
        route = Route(self._frontends[frontend.name], backend, Timeouts.of(frontend, settings))
        log.equip(route)
        headers.equip(route, self._board.relay)
        return route

    def _listen(self, listeners: Iterable[Listener], fds: list[int],
                routes: dict[tuple[str, int], Route]) -> None:
        gone = set(self._board.entrances)
        for listener, fd in zip(listeners, fds, strict=True):
            key = (listener.host, listener.port, listener.frontend)
            route = routes[listener.frontend, listener.bind]
            sock = socket.socket(fileno=fd)
            for option in sockopts.of_clients(route.frontend.config):
                sock.setsockopt(*option)
            if key in gone:
                gone.discard(key)
                sock.close()
                self._board.entrances[key].route = route
            elif self._stopping:
                sock.close()
            else:
                self._board.open(key, sock, route)
        for key in gone:
            self._board.close(key)
        self._board.let_in()

    # -- what others say about servers ---------------------------------------------------------------------------------

    def _server_states(self, states: Iterable[ServerState]) -> None:
        now = self._now()
        for state in states:
            backend = self._backends.get(state.backend)
            if backend is None:
                continue
            server = backend.servers.get(state.server)
            if server is not None:
                self._locate(backend, server, state.address)
                if server.endpoint is not None:
                    self._board.perform(backend.set_state(state.server, state.status, state.weight, now))

    # -- time ----------------------------------------------------------------------------------------------------------

    def _now(self) -> float:
        now = self._board.relay.now = time.monotonic()
        return now

    def _tick(self) -> None:
        self._loop.call_later(RESOLUTION, self._tick)
        self._board.tick(time.monotonic())
        self._tables.tell()

    def _report(self) -> None:
        self._loop.call_later(_REPORTS, self._report)
        now = self._now()
        for backend in self._backends.values():
            self._board.perform(backend.advance(now))
        self._tables.tidy(now)
        self._tell()

    def _tell(self) -> None:
        report = accounts.report(self._index, self._frontends.values(), self._backends.values(), self._syslog.dropped)
        if report != self._reported:
            self._reported = report
            self._channel.send(report)

    # -- the end -------------------------------------------------------------------------------------------------------

    def _stop(self, grace: float) -> None:
        """Accept nobody any more, and give those that are here so many seconds."""
        self._stopping = True
        for key in list(self._board.entrances):
            self._board.close(key)
        if not self._board.sessions:
            self._stopped.set()
        elif grace > 0:
            self._loop.call_later(grace, self._cut)
        else:
            self._cut()

    def _cut(self) -> None:
        self._now()
        links = self._board.links()
        if links:
            logger.info("%d sessions did not end in time", len(links))
        for link in links:
            self._board.relay.close(link, "K")
        self._stopped.set()

    def _idle(self) -> None:
        if self._stopping:
            self._stopped.set()

    def _suspect(self, effect: Suspect) -> None:
        self._channel.send(ServerSuspect(backend=effect.backend, server=effect.server, errors=effect.errors))

    def _orphaned(self) -> None:
        self._stop(_ORPHAN)


def _endpoint(host: str, server: model.Server) -> tuple[int, tuple[object, ...] | None, str]:
    """Family, address and host; no address where the port depends on the client."""
    bare, _, scope = host.partition("%")
    if server.port is None:
        return (socket.AF_INET6 if ":" in host else socket.AF_INET), None, host
    port = server.port
    if ":" in host:
        index = (int(scope) if scope.isdigit() else socket.if_nametoindex(scope)) if scope else 0
        return socket.AF_INET6, (bare, port, 0, index), host
    return socket.AF_INET, (host, port), host


def main(channel: Channel) -> int:
    """Run a worker until the supervisor says stop or goes away. Returns the exit code."""
    log.setup("worker")
    gc.set_threshold(50_000, 20, 100)  # sessions are freed without it; it need not look for them so often
    return uvloop.run(_main(channel))


async def _main(channel: Channel) -> int:
    return await Worker(channel).run()
