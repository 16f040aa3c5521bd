"""`balance random(n)`: draw n servers by weight, take the least loaded ("the power of two choices").

With many balancers in front of the same servers nobody can count all connections; this needs no knowledge of the others
and still avoids the herd that runs to the one idle server.
"""

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Generic

from .candidate import S


class Draws(Generic[S]):
    """`draw` returns numbers from 0 up to 1, as random.random does."""

    by_client = False

    def __init__(self, draw: Callable[[], float], draws: int = 2) -> None:
        self._draw = draw
        self._draws = draws
        self._servers: list[S] = []
        self._sums: list[float] = []

    def update(self, servers: Sequence[S]) -> None:
        """Draw among these."""
        self._servers = list(servers)
        self._sums = list(accumulate(server.weight * server.ramp for server in servers))

    def pick(self, key: int, avoid: S | None = None) -> S | None:  # noqa: ARG002 - not by client
        """The least loaded of those drawn; when all of these are full, the least loaded of all."""
        servers = self._servers
        if not servers:
            return None
        total, last = self._sums[-1], len(servers) - 1
        drawn = [servers[min(last, bisect(self._sums, self._draw() * total))] for _ in range(self._draws)]
        return _least(drawn, avoid) or _least(servers, avoid) or _least(servers, None)


def _least(servers: list[S], avoid: S | None) -> S | None:
    free = [server for server in servers if server.sessions < server.limit and server is not avoid]
    return min(free, key=lambda server: (server.sessions + 1) / (server.weight * server.ramp)) if free else None
