"""Tells the network where virtual addresses now are: bursts of gratuitous ARP and unsolicited neighbour advertisements.

Without an interval a burst goes out at once; with one (`vrrp_garp_interval`, `garp_group`) the frames of an interface
are spread, because some switches drop what comes too fast. Frames are built once for each address and hardware address.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

from pyha.config.base import IPAddress
from pyha.config.vrrp_model import GarpGroup, VirtualRouter
from pyha.runtime import packets
from pyha.runtime.mirror import Link
from pyha.runtime.rawsocket import FrameSocket
from pyha.runtime.vips import Place

_log = logging.getLogger("pyha.vrrp")


@dataclass
class _Queue:
    """Frames that share one pace: (who wants it, interface, frame, seconds until the next one)."""

    waiting: deque[tuple[str, str, bytes, float]] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None


class Announcer:
    """Sends announcements. Raises PermissionError when it is made without CAP_NET_RAW."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._socket = FrameSocket()
        self._frames: dict[tuple[IPAddress, str], bytes] = {}
        self._groups: dict[str, tuple[int, GarpGroup]] = {}  # by interface
        self._queues: dict[str | int, _Queue] = {}

    def configure(self, groups: Iterable[GarpGroup]) -> None:
        """The interfaces that have a pace of their own."""
        self._groups = {name: (number, group) for number, group in enumerate(groups) for name in group.interfaces}

    def announce(self, config: VirtualRouter, targets: Iterable[Place], repeat: int) -> None:
        """Announce each address `repeat` times, at the pace of its interface."""
        burst = [(link, address, self._frame(address, link.mac)) for link, address in targets]
        for link, address, frame in itertools.chain.from_iterable(itertools.repeat(burst, repeat)):
            queue, interval = self._pace(config, link, address)
            if interval <= 0:
                self._send(link.name, frame)
                continue
            waiting = self._queues.setdefault(queue, _Queue())
            waiting.waiting.append((config.name, link.name, frame, interval))
            if waiting.timer is None:
                self._next(waiting)

    def cancel(self, name: str) -> None:
        """Forget what this virtual router still wants: the addresses may be somewhere else by now."""
        for queue in self._queues.values():
            queue.waiting = deque(entry for entry in queue.waiting if entry[0] != name)

    def close(self) -> None:
        """Close."""
        for queue in self._queues.values():
            if queue.timer is not None:
                queue.timer.cancel()
        self._queues.clear()
        self._socket.close()

    def _pace(self, config: VirtualRouter, link: Link, address: IPAddress) -> tuple[str | int, float]:
        """Which frames wait for each other, and the seconds between two of them."""
        default = config.garp.interval if address.version == 4 else config.garp.gna_interval
        if link.name not in self._groups:
            return link.name, default
        number, group = self._groups[link.name]
        interval = group.interval if address.version == 4 else group.gna_interval
        return number if group.aggregate else link.name, default if interval is None else interval

    def _next(self, queue: _Queue) -> None:
        queue.timer = None
        if queue.waiting:
            _name, interface, frame, interval = queue.waiting.popleft()
            self._send(interface, frame)
            # Even after the last one: the next burst may begin at once.
            queue.timer = self._loop.call_later(interval, self._next, queue)

    def _frame(self, address: IPAddress, mac: str) -> bytes:
        if (address, mac) not in self._frames:
            self._frames[address, mac] = packets.announcement(address, mac)
        return self._frames[address, mac]

    def _send(self, interface: str, frame: bytes) -> None:
        try:
            self._socket.send(interface, frame)
        except OSError as error:
            _log.warning("cannot announce an address on %s: %s", interface, error.strerror)
