"""`balance leastconn`: the server with the fewest connections for its weight; among equals, each in turn."""

from collections.abc import Sequence
from typing import Generic

from .candidate import S


class LeastConn(Generic[S]):
    """For connections that live long, such as watches: new servers are filled up first."""

    by_client = False

    def __init__(self) -> None:
        self._servers: list[S] = []
        self._next = 0

    def update(self, servers: Sequence[S]) -> None:
        """Loads are on the servers, so there is nothing to carry over."""
        self._servers = list(servers)
        self._next = self._next % len(servers) if servers else 0

    def pick(self, key: int, avoid: S | None = None) -> S | None:  # noqa: ARG002 - not by client
        """The least loaded that is not full."""
        servers = self._servers
        best: S | None = None
        least = 0.0
        start = self._next
        for server in servers[start:] + servers[:start] if start else servers:
            if server.sessions >= server.limit or server is avoid:
                continue
            # As HAProxy: an idle server is best whatever its weight; else count the connection that is to come.
            load = (server.sessions + 1) / (server.weight * server.ramp) if server.sessions else 0.0
            if best is None or load < least:
                best, least = server, load
        if best is None:
            return avoid if avoid in servers and avoid.sessions < avoid.limit else None
        self._next = (servers.index(best) + 1) % len(servers)
        return best
