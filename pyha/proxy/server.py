"""One server of a backend as one worker sees it: may it be used, how busy is it, what was counted."""

from typing import TYPE_CHECKING, Any

from pyha.balance import UNLIMITED, Candidate
from pyha.config import model

from .effects import Connect, Effect, Suspect
from .shares import share

if TYPE_CHECKING:
    from .session import Session


class Server(Candidate):
    """Cumulative counters are those of this worker. `endpoint` and `options` belong to the runtime: how to connect."""

    __slots__ = (
        "backup", "bytes_in", "bytes_out", "chosen", "config", "connect", "connect_failures", "endpoint",
        "max_sessions", "maxqueue", "name", "options", "queue", "ramp_end", "redispatches", "retries", "room", "served",
        "status", "streak", "total",
    )  # fmt: skip

    def __init__(self, config: model.Server, position: int) -> None:
        super().__init__(position)
        self.config = config
        self.name = config.name
        self.connect = Connect(self)
        self.endpoint: Any = None
        self.options: tuple[tuple[int, int, int], ...] = ()
        self.status = "MAINT" if config.disabled else "UP"
        self.chosen = False  # among those that new connections are given to now
        self.queue: dict[Session, None] = {}  # in order; those that wait for this server and no other
        self.served = 0  # how many left the queue
        self.ramp_end = 0.0
        self.streak = 0  # connections that failed in a row
        self.total = self.max_sessions = self.bytes_in = self.bytes_out = 0
        self.connect_failures = self.retries = self.redispatches = 0

    def configure(self, config: model.Server, position: int, index: int, workers: int) -> None:
        """Become what the configuration says; load and counters stay."""
        self.config = config
        self.position = position
        self.backup = config.backup
        self.weight = config.weight
        self.maxqueue = share(config.maxqueue, index, workers) if config.maxqueue else UNLIMITED
        self.room = share(config.maxconn, index, workers) if config.maxconn else UNLIMITED
        self.limit = self.room

    def blame(self, backend: str) -> list[Effect]:
        """A connection failed; too many in a row are news for whoever checks the server (`observe`, `error-limit`)."""
        self.streak += 1
        observe = self.config.observe
        if observe is None or self.streak < observe.error_limit:
            return []
        errors, self.streak = self.streak, 0
        return [Suspect(backend, self.name, errors)]

    @property
    def in_service(self) -> bool:
        """Whether new connections may come here at all."""
        return self.status == "UP" and self.weight > 0

    def start_slowly(self, now: float) -> None:
        """It came up: `slowstart` lets weight and maxconn grow from little to all of it (manual, section 5.2)."""
        if self.config.slowstart:
            self.ramp_end = now + self.config.slowstart / 1000
            self.grow(now)

    def grow(self, now: float) -> bool:
        """Set weight and limit to what they are at this moment of a slow start; False when there is none (any more)."""
        slowstart = self.config.slowstart
        if not self.ramp_end or not slowstart:
            return False
        left = max(0.0, self.ramp_end - now)
        self.ramp = max(0.05, 1 - left * 1000 / slowstart)
        self.limit = self.room if self.room == UNLIMITED else max(1, int(self.room * self.ramp))
        if not left:
            self.ramp_end = 0.0
        return True
