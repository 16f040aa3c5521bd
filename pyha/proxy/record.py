"""What there is to say about one session when it is logged (HAProxy's manual, section 8)."""

from dataclasses import dataclass
from datetime import UTC, datetime

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(slots=True)
class Record:
    """Addresses are text, "" when unknown; times are milliseconds, -1 when that did not happen."""

    client: tuple[str, int]
    frontend: str
    backend: str
    server: str  # "<NOSRV>" when there was none
    accepted: float  # Unix time
    utc_offset: int  # seconds east of Greenwich
    queued: int  # Tw: until a server was found
    connect: int  # Tc: until that answered
    total: int  # Tt
    bytes_in: int
    bytes_out: int
    code: str
    process_sessions: int
    frontend_sessions: int
    backend_sessions: int
    server_sessions: int
    retries: int
    redispatched: bool
    server_queue: int
    backend_queue: int
    asap: bool = False  # logged at the beginning: total and bytes are still growing
    bound: tuple[str, int] = ("", 0)  # the address that the client connected to
    source: tuple[str, int] = ("", 0)  # ours, towards the server
    target: tuple[str, int] = ("", 0)  # the server's
    pid: int = 0
    hostname: str = ""
    number: int = 0  # of this session since the worker started
    logged: int = 0  # lines of this frontend


def date(seconds: int) -> str:
    """`23/Nov/2026:07:54:04` for a Unix time that the offset from UTC has been added to."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment.day:02}/{_MONTHS[moment.month - 1]}/{moment.year}:{moment:%H:%M:%S}"


class Dates:
    """`date`, remembering the last second: most lines of a busy second need the same one."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def at(self, seconds: int) -> str:
        """As `date`."""
        if seconds != self._second:
            self._second, self._text = seconds, date(seconds)
        return self._text
