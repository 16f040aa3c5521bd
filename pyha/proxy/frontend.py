"""Where clients arrive: is there room for one more, and what was counted."""

from pyha.balance import UNLIMITED
from pyha.config import model

from .rate import Rate
from .shares import share


class FrontendState:
    """One frontend as one worker sees it; counters are cumulative except `sessions`."""

    __slots__ = (
        "bytes_in", "bytes_out", "config", "denied", "failed", "limit", "max_sessions", "name", "pace", "rate_limit",
        "sessions", "total",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.limit = UNLIMITED
        self.sessions = self.max_sessions = self.total = 0
        self.bytes_in = self.bytes_out = self.denied = self.failed = 0
        self.pace = Rate(1.0)  # of new sessions; counted where `rate-limit sessions` wants it
        self.rate_limit = UNLIMITED  # of them a second

    def configure(self, config: model.Frontend, index: int, workers: int) -> None:
        """Become what the configuration says; sessions and counters stay."""
        self.config = config
        self.limit = share(config.maxconn, index, workers) if config.maxconn else UNLIMITED
        rate = config.rate_limit_sessions
        self.rate_limit = share(rate, index, workers) if rate else UNLIMITED

    def room(self, now: float) -> int:
        """How many more may come now, by `rate-limit sessions`."""
        return self.rate_limit if self.rate_limit == UNLIMITED else max(0, self.rate_limit - self.pace.read(now))

    def admit(self) -> bool:
        """Count a client in, or say that `maxconn` is reached: it then waits in the kernel's queue, as with HAProxy."""
        if self.sessions >= self.limit:
            return False
        self.sessions += 1
        self.total += 1
        if self.sessions > self.max_sessions:
            self.max_sessions = self.sessions
        return True

    def leave(self, bytes_in: int, bytes_out: int) -> bool:
        """Count a client out. True when there was no room before and is now."""
        full = self.sessions == self.limit
        self.sessions -= 1
        self.bytes_in += bytes_in
        self.bytes_out += bytes_out
        return full
