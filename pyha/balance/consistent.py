"""`balance source` with `hash-type consistent`: servers are points on a ring, a client belongs to the nearest one.

When a server goes, only its own clients move. The points are HAProxy's, so both programs agree on who belongs where.
"""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Generic

from .candidate import S

_POINTS = 16  # for each unit of weight
_RANGE = 4096  # numbers that one server's points are made from
_MASK = 0xFFFFFFFF


def full_hash(a: int) -> int:
    """Bob Jenkins' 32-bit full avalanche mix (burtleburtle.net/bob/hash/integer.html), spread by a large prime."""
    a = (a + 0x7ED55D16 + (a << 12)) & _MASK
    a = (a ^ 0xC761C23C ^ (a >> 19)) & _MASK
    a = (a + 0x165667B1 + (a << 5)) & _MASK
    a = ((a + 0xD3A2646C) ^ (a << 9)) & _MASK
    a = (a + 0xFD7046C5 + (a << 3)) & _MASK
    a = (a ^ 0xB55A4F09 ^ (a >> 16)) & _MASK
    return a * 3221225473 & _MASK


class Consistent(Generic[S]):
    """A ring of 32-bit numbers."""

    by_client = True

    def __init__(self) -> None:
        self._points: list[int] = []
        self._owners: list[S] = []

    def update(self, servers: Sequence[S]) -> None:
        """Put the points of every server on the ring; a slow start has fewer of them."""
        ring = sorted(
            ((full_hash((server.position + 1) * _RANGE + number), server.position, server)
             for server in servers
             for number in range(max(1, int(server.weight * server.ramp * _POINTS)))),
            key=lambda point: point[:2],
        )  # fmt: skip
        self._points = [point for point, _, _ in ring]
        self._owners = [server for _, _, server in ring]

    def pick(self, key: int, avoid: S | None = None) -> S | None:
        """The owner of the nearest point; of the next point that is another server's when that one just failed."""
        points = self._points
        if not points:
            return None
        key = full_hash(key)  # neighbours in the network are not neighbours on the ring
        after = bisect_left(points, key) % len(points)
        before = (after - 1) % len(points)
        nearer = before if (key - points[before]) & _MASK <= (points[after] - key) & _MASK else after
        server = self._owners[nearer]
        if server is avoid:
            for step in range(1, len(points)):
                other = self._owners[(nearer + step) % len(points)]
                if other is not avoid:
                    return other
        return server
