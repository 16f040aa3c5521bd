"""What a balance algorithm knows about a server, and what it is asked.

An algorithm holds no state of its own about load: whoever accepts connections counts on the server, the algorithm
reads. It never returns a server that is full; None means that all are, and the connection has to queue (`source` is the
exception, as in HAProxy: it returns the one server that a client belongs to, which then has a queue of its own).
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

UNLIMITED = 1 << 60
"""A limit that is never reached, so that the hot path compares instead of asking whether there is one."""


class Candidate:
    """A server as the algorithms see it.

    `position` counts from 0 in the order of the configuration. `weight` is 0 to 256 as configured or changed since,
    `ramp` the part of it that counts during a slow start. `sessions` are established and attempted connections, `limit`
    how many there may be.
    """

    __slots__ = ("limit", "position", "ramp", "sessions", "weight")

    def __init__(self, position: int, weight: int = 1, limit: int = UNLIMITED) -> None:
        self.position = position
        self.weight = weight
        self.ramp = 1.0
        self.sessions = 0
        self.limit = limit


S = TypeVar("S", bound=Candidate)


class Algorithm(Protocol[S]):
    """One way to choose."""

    by_client: bool
    """Whether `pick` looks at its `key`."""

    def update(self, servers: Sequence[S]) -> None:
        """From now on choose among these: the usable ones, in the order of the configuration, weights above 0."""

    def pick(self, key: int, avoid: S | None = None) -> S | None:
        """Choose for a client (`key`: see `source.source_key`). `avoid`: take another one where there is one."""


def usable(servers: Sequence[S], *, allbackups: bool) -> list[S]:
    """What `backup` means: the first of the backup servers, or all of them, and only while no other is usable.

    `servers` are those in service and with a weight; a server says by a `backup` attribute that it is one.
    """
    active = [server for server in servers if not getattr(server, "backup", False)]
    if active:
        return active
    return list(servers) if allbackups else list(servers[:1])
