"""`balance static-rr`: round robin over a fixed table, in which weights do not follow a slow start."""

from collections.abc import Sequence
from typing import Generic

from .candidate import S
from .weightmap import weight_map


class StaticRoundRobin(Generic[S]):
    """Cheaper than roundrobin only in HAProxy; here for its name."""

    by_client = False

    def __init__(self) -> None:
        self._table: list[S] = []
        self._next = 0

    def update(self, servers: Sequence[S]) -> None:
        """Make the table anew."""
        self._table = weight_map(servers)
        self._next = self._next % len(self._table) if self._table else 0

    def pick(self, key: int, avoid: S | None = None) -> S | None:  # noqa: ARG002 - not by client
        """The next entry whose server is not full."""
        table = self._table
        spare = None
        for step in range(len(table)):
            index = (self._next + step) % len(table)
            server = table[index]
            if server.sessions < server.limit:
                if server is not avoid:
                    self._next = index + 1
                    return server
                spare = server
        return spare
