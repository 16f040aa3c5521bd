"""`balance first`: the first server that is not full, so that the others can stay switched off."""

from collections.abc import Sequence
from typing import Generic

from .candidate import S


class First(Generic[S]):
    """Useful only together with a `maxconn` on every server. Weights do not count."""

    by_client = False

    def __init__(self) -> None:
        self._servers: list[S] = []

    def update(self, servers: Sequence[S]) -> None:
        """Choose among these."""
        self._servers = list(servers)

    def pick(self, key: int, avoid: S | None = None) -> S | None:  # noqa: ARG002 - not by client
        """The first in the order of the configuration."""
        for server in self._servers:
            if server.sessions < server.limit and server is not avoid:
                return server
        return avoid if avoid in self._servers and avoid.sessions < avoid.limit else None
