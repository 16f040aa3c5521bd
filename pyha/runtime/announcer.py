"""Tells the network where virtual addresses now are: bursts of gratuitous ARP and unsolicited neighbour advertisements.

Without an interval a burst goes out at once; with one (`vrrp_garp_interval`) its frames are spread, because some
switches drop what comes too fast. Frames are built once for each address and hardware address.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Sequence

from pyha.config.base import IPAddress
from pyha.runtime import packets
from pyha.runtime.mirror import Link
from pyha.runtime.rawsocket import FrameSocket

_log = logging.getLogger("pyha.vrrp")


class Announcer:
    """Sends announcements. Raises PermissionError when it is made without CAP_NET_RAW."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._socket = FrameSocket()
        self._frames: dict[tuple[IPAddress, str], bytes] = {}
        self._waiting: dict[str, deque[tuple[str, bytes]]] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def announce(self, name: str, targets: Sequence[tuple[Link, IPAddress]], repeat: int, interval: float) -> None:
        """Announce each address `repeat` times, `interval` seconds apart. `name`: who wants it, for `cancel`."""
        burst = [(link.name, self._frame(address, link.mac)) for link, address in targets]
        frames = itertools.chain.from_iterable(itertools.repeat(burst, repeat))
        if interval <= 0:
            for interface, frame in frames:
                self._send(interface, frame)
            return
        self._waiting.setdefault(name, deque()).extend(frames)
        if name not in self._timers:
            self._next(name, interval)

    def cancel(self, name: str) -> None:
        """Forget what has not been sent yet: the addresses may be somewhere else by now."""
        self._waiting.pop(name, None)
        if timer := self._timers.pop(name, None):
            timer.cancel()

    def close(self) -> None:
        """Close."""
        for name in list(self._timers):
            self.cancel(name)
        self._socket.close()

    def _next(self, name: str, interval: float) -> None:
        self._timers.pop(name, None)
        if waiting := self._waiting.get(name):
            self._send(*waiting.popleft())
            self._timers[name] = self._loop.call_later(interval, self._next, name, interval)

    def _frame(self, address: IPAddress, mac: str) -> bytes:
        if (address, mac) not in self._frames:
            self._frames[address, mac] = packets.announcement(address, mac)
        return self._frames[address, mac]

    def _send(self, interface: str, frame: bytes) -> None:
        try:
            self._socket.send(interface, frame)
        except OSError as error:
            _log.warning("cannot announce an address on %s: %s", interface, error.strerror)
