"""One line of statistics: a frontend, a server or a backend, with everything that pyha counts about it."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["frontend", "backend", "server"]


@dataclass(frozen=True, slots=True)
class CheckRow:
    """The last check of a server, and how it has been doing. Durations in seconds unless named otherwise."""

    status: str = "INI"
    code: int | None = None
    info: str = ""
    description: str = "Initializing"
    duration_ms: int = 0
    rise: int = 2
    fall: int = 3
    health: int = 2
    failures: int = 0
    downs: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """Numbers are cumulative, except those that say "now". What does not apply to a kind keeps its default."""

    kind: Kind
    proxy: str
    name: str  # FRONTEND, BACKEND or the server's
    status: str
    iid: int
    sid: int = 0
    mode: Literal["tcp", "http"] = "tcp"
    queued: int = 0  # now
    sessions: int = 0  # now
    sessions_max: int = 0
    sessions_limit: int | None = None
    total: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    denied: int = 0
    failed: int = 0
    connect_failures: int = 0
    retries: int = 0
    redispatches: int = 0
    weight: int = 0
    active: int = 0  # a server: 1 unless it is a backup; a backend: usable active servers
    backup: int = 0
    downs: int = 0  # a backend: how often it had no server left
    since: int = 0  # seconds since the status changed
    downtime: int | None = None
    check: CheckRow | None = None
    agent: CheckRow | None = None
    tracked: str = ""  # BACKEND/NAME of the server whose state this one has
    address: str = ""
    algorithm: str = ""
    queue_limit: int | None = None
    rate: int = 0  # new sessions in the last second
    rate_max: int = 0
    last_session: int = -1  # seconds ago; -1: never
    responses: tuple[int, int, int, int, int, int] = (0, 0, 0, 0, 0, 0)  # 1xx to 5xx, other; only in mode http

    @property
    def up(self) -> bool:
        """Not known to be unable to serve."""
        return not self.status.startswith(("DOWN", "MAINT"))
