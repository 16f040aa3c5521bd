r"""One client connection's way to a server: which one, how often, how long, and what the log says of its end.

    inspect -> INSPECTED -> start
    start --> QUEUED --(its turn)--> CONNECTING --(answered)--> OPEN
          \-> CONNECTING                |  ^                     every phase --> finish
                        (it failed)--> PAUSED

The rules are HAProxy's (manual, section 4.2: `retries`, `option redispatch`, `timeout queue`, and section 8.5):
- `retries` is how often a connection is tried again after the first time.
- Before the same server is tried again there is a pause of a second, or of `timeout connect` when that is less, but
  none after an attempt that took too long, or that did not even leave this machine.
- With `option redispatch` the last retry goes to another server; with algorithms that take turns every retry does.
- The termination code is who ended it (C client, S server, c and s their timeouts, R resources, D server went down, K
  an operator, P a rule) and where it was then: R looked at by rules, Q queue, C connecting, D data. Nobody's fault is
  `--`.
"""

from math import inf

from .backend import Backend
from .effects import Connect, Effect, Judge, Refuse, Wait
from .server import Server

_PAUSE = 1.0  # seconds
QUEUED, PAUSED, CONNECTING, OPEN, TURNED_AWAY, ENDED, INSPECTED = range(7)
_LETTERS = "QCCDQ-R"


class Session:
    """`deadline` is the one moment at which it wants `expire` to be called. `key`: see balance.source_key."""

    __slots__ = (
        "assigned", "backend", "backend_queue", "code", "deadline", "failed", "key", "link", "phase", "redispatched",
        "retries", "server", "server_queue", "waits_for",
    )  # fmt: skip

    def __init__(self, backend: Backend, key: int) -> None:
        self.backend = backend
        self.key = key
        self.server: Server | None = None
        self.phase = CONNECTING
        self.deadline = inf
        self.retries = 0
        self.redispatched = False
        self.assigned = 0.0  # when it got a server; 0: not yet
        self.server_queue = self.backend_queue = 0  # how many were before it, itself included; 0: it did not wait
        self.waits_for: Server | None = None  # queued for this server alone
        self.failed: Server | None = None  # the one to avoid when choosing again, or whose queue was full
        self.code = "--"
        self.link: object = None  # the runtime's, while the session waits

    # -- events --------------------------------------------------------------------------------------------------------

    def start(self, now: float) -> Connect | Wait | Refuse:
        """A client came."""
        self.backend.sessions += 1
        return self._assign(now, None)

    def inspect(self, until: float) -> None:
        """A client came, and rules wait for what it says."""
        if self.phase != INSPECTED:
            self.backend.sessions += 1
        self.phase = INSPECTED
        self.deadline = until

    def enter(self, backend: Backend, key: int) -> None:
        """The rules have chosen a backend for the client that they look at."""
        self.backend.sessions -= 1
        self.backend, self.key = backend, key
        backend.sessions += 1

    def begin(self, now: float, wanted: Server | None) -> Connect | Wait | Refuse:
        """The rules are done with it. `wanted`: this server if it has room, or a place in its queue."""
        self.phase = CONNECTING
        if wanted is None:
            return self._assign(now, None)
        if wanted.sessions < wanted.limit:
            return self.take(wanted, now)
        return self._queue(wanted, now) if len(wanted.queue) < wanted.maxqueue else self._assign(now, None)

    def connected(self) -> None:
        """The server answered."""
        self.phase = OPEN
        self.deadline = inf
        if self.server is not None:
            self.server.streak = 0

    def connect_failed(self, now: float, cause: str = "S", *, at_once: bool = False) -> list[Effect]:
        """The attempt failed. `at_once`: it did not even leave this machine, so a pause would not help."""
        server, backend = self.server, self.backend
        assert server is not None
        effects: list[Effect] = [] if cause == "R" else server.blame(backend.name)
        if self.retries >= backend.retries:
            server.connect_failures += 1
            return [*effects, Refuse(cause)]
        self.retries += 1
        pause = 0.0 if at_once or cause == "s" else min(_PAUSE, backend.connect_timeout)
        if not (backend.redispatch and self._may_move(server)):
            server.retries += 1
            return [*effects, self._pause(now + pause) if pause else self._connect(server, now)]
        woken = backend.release(server, now)
        self.server, self.failed = None, server
        if woken is not None:
            effects.append(woken)
        if pause and backend.active <= 1:
            effects.append(self._pause(now + pause))
        else:
            effects.append(self._move(now))
        return effects

    def expire(self, now: float) -> list[Effect]:
        """The deadline has come (or not: then nothing happens)."""
        if now < self.deadline:
            return []
        if self.phase == QUEUED:
            return [Refuse("s")]
        if self.phase == INSPECTED:
            return [Judge()]
        if self.phase == PAUSED:
            return [self._connect(self.server, now) if self.server is not None else self._move(now)]
        return self.connect_failed(now, "s")

    def finish(self, cause: str, now: float, bytes_in: int, bytes_out: int) -> Effect | None:
        """Both connections are closed. Returns whose turn on the server it is now."""
        phase, self.phase, self.deadline = self.phase, ENDED, inf
        if cause:
            self.code = cause + _LETTERS[phase]
        backend, server = self.backend, self.server
        backend.sessions -= 1
        if server is None:
            if phase == QUEUED:
                self.leave_queue()
            backend.nobody.total += 1
            backend.nobody.bytes_in += bytes_in
            return None
        server.bytes_in += bytes_in
        server.bytes_out += bytes_out
        server.sessions -= 1
        return backend.next_for(server, now) if backend.queue or server.queue else None

    # -- steps ---------------------------------------------------------------------------------------------------------

    def take(self, server: Server, now: float) -> Connect:
        """This server it is."""
        self.server = server
        self.assigned = now
        sessions = server.sessions = server.sessions + 1
        server.total += 1
        if sessions > server.max_sessions:
            server.max_sessions = sessions
        self.phase = CONNECTING
        self.deadline = now + self.backend.connect_timeout
        return server.connect

    def join(self, server: Server | None) -> None:
        """Queue, for that server or for any."""
        self.phase = QUEUED
        self.waits_for = server
        if server is not None:
            server.queue[self] = None
            self.server_queue -= server.served - 1
        else:
            self.backend.queue[self] = None
            self.backend_queue -= self.backend.served - 1

    def leave_queue(self) -> None:
        """Not waiting any more, for whatever reason."""
        if self.waits_for is not None:
            del self.waits_for.queue[self]
            self.server_queue += self.waits_for.served
        else:
            del self.backend.queue[self]
            self.backend_queue += self.backend.served
        self.waits_for = None

    def _assign(self, now: float, avoid: Server | None) -> Connect | Wait | Refuse:
        backend = self.backend
        if backend.queue and not backend.algorithm.by_client:
            return self._queue(None, now)  # no overtaking
        server = backend.algorithm.pick(self.key, avoid)
        if server is None:
            if backend.chosen:
                return self._queue(None, now)
            backend.nobody.connect_failures += 1
            return Refuse("S")
        if server.sessions >= server.limit:
            if len(server.queue) >= server.maxqueue:
                self.phase, self.failed = TURNED_AWAY, server
                return Refuse("S")
            return self._queue(server, now)
        return self.take(server, now)

    def _queue(self, server: Server | None, now: float) -> Wait:
        self.join(server)
        self.deadline = now + self.backend.queue_timeout
        return Wait(self.deadline)

    def _connect(self, server: Server, now: float) -> Connect:
        self.phase = CONNECTING
        self.deadline = now + self.backend.connect_timeout
        return server.connect

    def _pause(self, until: float) -> Wait:
        self.phase = PAUSED
        self.deadline = until
        return Wait(until)

    def _may_move(self, server: Server) -> bool:
        backend = self.backend
        return (server.status == "DOWN" or not server.chosen or self.retries == backend.retries
                or (backend.turns and backend.active > 1))  # fmt: skip

    def _move(self, now: float) -> Connect | Wait | Refuse:
        """Choose again, another server if there is one."""
        failed, self.failed = self.failed, None
        effect = self._assign(now, failed)
        if failed is not None and self.server is not None:
            if self.server is failed:
                failed.retries += 1
            else:
                failed.redispatches += 1
                self.redispatched = True
        return effect
