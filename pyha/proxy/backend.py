"""A group of servers: which of them are usable, who is next, and who waits for one.

Connections wait in the backend's queue for any server, or in a server's own when only that one will do (`source`).
"""

from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from pyha.balance import ALGORITHMS, Algorithm, usable
from pyha.config import model
from pyha.units import Milliseconds, seconds

from .effects import Effect, ShutdownSessions, Wake
from .server import Server

if TYPE_CHECKING:
    from .session import Session

# HAProxy does not pause before it tries another server where the next pick is likely to be another one.
_TURNS = ("roundrobin", "static-rr", "random")


class Backend:
    """One backend as one worker sees it. Times are monotonic seconds, infinity is none."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.servers: dict[str, Server] = {}
        self.nobody = Server(model.Server(name="", host=""), -1)  # counts what found no server
        self.queue: dict[Session, None] = {}
        self.served = 0  # how many left the queue
        self.sessions = 0  # that came here and have not ended, queued ones included
        self.active = 0  # usable servers that are not backups
        self.chosen: list[Server] = []
        self.algorithm: Algorithm[Server]
        self._ramping: list[Server] = []
        self._balance: model.Balance | None = None

    def configure(self, config: model.Backend, index: int, workers: int, draw: Callable[[], float]) -> None:
        """Become what the configuration says. Servers that stay keep their load, their state and their counters."""
        self.retries = config.retries
        self.redispatch = config.redispatch
        self.turns = config.balance.algorithm in _TURNS
        self.allbackups = config.allbackups
        self.connect_timeout = _or_never(config.timeout_connect)
        self.queue_timeout = _or_never(config.timeout_queue or config.timeout_connect)
        servers = {}
        for position, wanted in enumerate(config.servers if not config.disabled else ()):
            server = self.servers.get(wanted.name) or Server(wanted, position)
            if server.config.disabled != wanted.disabled:
                server.status = "MAINT" if wanted.disabled else "UP"
            server.configure(wanted, position, index, workers)
            servers[wanted.name] = server
        for name, server in self.servers.items():
            if name not in servers:
                server.status, server.chosen = "MAINT", False
        self.servers = servers
        anew = config.balance != self._balance
        if anew:
            self._balance = config.balance
            self.algorithm = ALGORITHMS[config.balance.algorithm](config.balance, draw)
        self._choose()
        if anew and not self.algorithm.by_client:
            # Workers that all begin with the first server would send it their first connections together.
            for _ in range(index % max(1, len(self.chosen))):
                self.algorithm.pick(0)

    def set_state(self, name: str, status: str, weight: int, now: float) -> list[Effect]:
        """The monitor's word about a server. Returns the sessions that can leave the queue, or have to end."""
        server = self.servers.get(name)
        if server is None or (server.status, server.weight) == (status, weight):
            return []
        before, server.status, server.weight = server.status, status, weight
        effects: list[Effect] = []
        if status == "UP" and before == "DOWN":
            server.start_slowly(now)
            if server.ramp_end and server not in self._ramping:
                self._ramping.append(server)
            if server.config.on_marked_up == "shutdown-backup-sessions" and not server.backup:
                effects += [ShutdownSessions(other, "U") for other in self.servers.values() if other.backup]
        elif status == "DOWN" and server.config.on_marked_down == "shutdown-sessions":
            effects.append(ShutdownSessions(server, "D"))
        self._choose()
        return effects + self.reassign(server, now) + self.serve(now)

    def advance(self, now: float) -> list[Effect]:
        """Slow starts go on; call it once a second."""
        if not self._ramping:
            return []
        self._ramping = [server for server in self._ramping if server.grow(now)]
        self._choose()
        return self.serve(now)

    def _choose(self) -> None:
        self.chosen = usable([server for server in self.servers.values() if server.in_service],
                             allbackups=self.allbackups)
        self.active = sum(not server.backup for server in self.chosen)
        for server in self.servers.values():
            server.chosen = False
        for server in self.chosen:
            server.chosen = True
        self.algorithm.update(self.chosen)

    # -- queues --------------------------------------------------------------------------------------------------------

    def serve(self, now: float) -> list[Effect]:
        """Give waiting sessions to servers that have room."""
        woken: list[Effect] = []
        for server in self.chosen:
            while (wake := self.next_for(server, now)) is not None:
                woken.append(wake)
        return woken

    def next_for(self, server: Server, now: float) -> Wake | None:
        """Who waits longest for this server, if it has room."""
        if server.sessions >= server.limit or not server.chosen:
            return None
        if server.queue:
            session = next(iter(server.queue))
            session.leave_queue()
            server.served += 1
        elif self.queue:
            session = next(iter(self.queue))
            session.leave_queue()
            self.served += 1
        else:
            return None
        session.take(server, now)
        return Wake(session)

    def reassign(self, server: Server, now: float) -> list[Effect]:
        """Those that wait for a server which is not chosen any more wait for another one."""
        woken: list[Effect] = []
        if server.chosen:
            return woken
        for session in list(server.queue):
            other = self.algorithm.pick(session.key)
            if other is None:
                break
            session.leave_queue()
            if other.sessions < other.limit:
                session.take(other, now)
                woken.append(Wake(session))
            else:
                session.join(other)
        return woken

    def release(self, server: Server, now: float) -> Wake | None:
        """A session left the server; returns whose turn it is."""
        server.sessions -= 1
        return self.next_for(server, now) if self.queue or server.queue else None


def _or_never(value: Milliseconds | None) -> float:
    return seconds(value) if value else inf
