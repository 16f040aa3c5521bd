"""What a session wants done. The answers that every connection gets are made once per server and handed out again."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server import Server
    from .session import Session


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect the session that answered to this server."""

    server: "Server"


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing now: `session.expire` at `until` (infinity: whenever), or a `Wake` for it before that."""

    until: float


@dataclass(frozen=True, slots=True)
class Refuse:
    """Close the client's connection. `cause` is the first letter of the termination code."""

    cause: str


@dataclass(frozen=True, slots=True)
class Wake:
    """The turn of another session has come: it left the queue, connect it to its server."""

    session: "Session"


@dataclass(frozen=True, slots=True)
class ShutdownSessions:
    """Cut every session of this server. `cause`: D, it went down; U, a better one came up."""

    server: "Server"
    cause: str


@dataclass(frozen=True, slots=True)
class Judge:
    """The rules must decide about this client now, with what it has said."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """So many connections to a server failed in a row (`observe`): let the one who checks it know."""

    backend: str
    server: str
    errors: int


Effect = Connect | Wait | Refuse | Wake | Judge | ShutdownSessions | Suspect
