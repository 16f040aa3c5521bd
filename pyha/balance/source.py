"""`balance source`: a client's address decides, so that it gets the same server as long as that one is there.

A full server is returned all the same: the connection waits for *it*. With `hash-type map-based` most clients move when
a server comes or goes; with `consistent` (consistent.py) only those of that server do.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Generic

from .candidate import S
from .weightmap import weight_map


def source_key(host: str) -> int:
    """The number that HAProxy makes of an address: its 32-bit words, combined."""
    packed = ip_address(host.partition("%")[0]).packed
    key = 0
    for at in range(0, len(packed), 4):
        key ^= int.from_bytes(packed[at : at + 4], "big")
    return key


class Source(Generic[S]):
    """hash-type map-based."""

    by_client = True

    def __init__(self) -> None:
        self._table: list[S] = []

    def update(self, servers: Sequence[S]) -> None:
        """Make the table anew."""
        self._table = weight_map(servers)

    def pick(self, key: int, avoid: S | None = None) -> S | None:
        """The client's server; its neighbour in the table when that one was just tried and failed."""
        table = self._table
        if not table:
            return None
        index = key % len(table)
        server = table[index]
        if server is avoid:
            for step in range(1, len(table)):
                other = table[(index + step) % len(table)]
                if other is not avoid:
                    return other
        return server
