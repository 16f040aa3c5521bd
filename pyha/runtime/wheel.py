"""A coarse clock for many links: when to look at each of them again.

Timers per chunk would cost more than the chunk. A link stands in one slot; when its moment comes, its true deadline is
worked out from when a byte last moved, and it is put where that falls. A link that is busy for an hour with a timeout
of a minute costs sixty looks.
"""

from pyha.runtime.link import Link

RESOLUTION = 0.1
"""Seconds between two looks."""


class Wheel:
    """Links by the tick at which they want to be looked at. Never early, at most two ticks late."""

    def __init__(self, now: float) -> None:
        self._slots: dict[int, set[Link]] = {}
        self._last = int(now / RESOLUTION)

    def put(self, link: Link, due: float) -> None:
        """Look at the link at `due` instead of when it was to be looked at before."""
        self.remove(link)
        tick = max(int(due / RESOLUTION), self._last) + 1
        link.due = tick
        slot = self._slots.get(tick)
        if slot is None:
            self._slots[tick] = {link}
        else:
            slot.add(link)

    def remove(self, link: Link) -> None:
        """Forget the link."""
        if link.due:
            slot = self._slots.get(link.due)
            if slot is not None:
                slot.discard(link)
                if not slot:
                    del self._slots[link.due]
            link.due = 0

    def expire(self, now: float) -> list[Link]:
        """The links whose moment has come; they are not on the wheel any more."""
        tick = int(now / RESOLUTION)
        found: list[Link] = []
        for past in range(self._last + 1, tick + 1):
            for link in self._slots.pop(past, ()):
                link.due = 0
                found.append(link)
        self._last = max(tick, self._last)
        return found
