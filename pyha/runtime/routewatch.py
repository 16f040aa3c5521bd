"""Tells when a route or a rule goes: of interest only where some are held, because busy machines change many.

The messages are read by hand (rtnetlink(7)): a node of a cluster may see thousands a second.
"""

import asyncio
import errno
import logging
import socket
import struct
from collections.abc import Callable, Iterator

from pyha.runtime import routing

_log = logging.getLogger("pyha.vrrp")
_HEADER = struct.Struct("=IHHII")
# RTMGRP_IPV4_ROUTE, RTMGRP_IPV4_RULE, RTMGRP_IPV6_ROUTE, and the group of IPv6 rules, which has no such constant.
_GROUPS = 0x40 | 0x80 | 0x400 | 1 << 18
_READ = 256 * 1024


class RouteWatch:
    """Follows the kernel's routes and rules while `wanted`. `changed(key, gone)` is called for each change."""

    def __init__(self, loop: asyncio.AbstractEventLoop, changed: Callable[[routing.Key, bool], None]) -> None:
        self._loop = loop
        self._changed = changed
        self._socket: socket.socket | None = None

    def want(self, *, wanted: bool) -> None:
        """Begin or end."""
        if wanted and self._socket is None:
            self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK,
                                         socket.NETLINK_ROUTE)
            self._socket.bind((0, _GROUPS))
            self._loop.add_reader(self._socket.fileno(), self._readable)
        elif not wanted and self._socket is not None:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_READ)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno == errno.ENOBUFS:
                _log.warning("routes change faster than they can be read: one that was removed may stay so")
                return
            raise
        for message in messages(data):
            found = routing.key(message)
            if found is not None:
                self._changed(found, routing.removes(message))


def messages(data: bytes) -> Iterator[bytes]:
    """The single messages of a read."""
    while len(data) >= _HEADER.size:
        length = _HEADER.unpack_from(data)[0]
        if not _HEADER.size <= length <= len(data):
            return
        yield data[:length]
        data = data[(length + 3) & ~3:]
