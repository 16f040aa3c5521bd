"""Who holds the virtual address: asks the kernel of each master to say when addresses come and go.

One netlink socket a master, made inside its namespace: nothing is polled, and nothing runs on the masters.
"""

import asyncio
import ipaddress
import socket
import struct
import time
from collections.abc import Callable, Iterator

from lab import Lab

_GROUP_IPV4_ADDRESSES = 0x10
_NEWADDR, _DELADDR, _GETADDR = 20, 21, 22
_REQUEST_DUMP = 0x1 | 0x300
_IFA_LOCAL = 2
_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix length, flags, scope, interface
_ATTRIBUTE = struct.Struct("=HH")

Seen = Callable[[float, str, bool], None]
"""(time, master, does it hold the address)"""


class Observer:
    """Calls `seen` whenever a master gains or loses the address."""

    def __init__(self, lab: Lab, masters: list[str], address: str, seen: Seen) -> None:
        self._wanted = ipaddress.IPv4Address(address).packed
        self._seen = seen
        self._sockets: list[socket.socket] = []
        self.holders: set[str] = set()
        for master in masters:
            with lab.entered(master):
                netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE)
            netlink.bind((0, _GROUP_IPV4_ADDRESSES))
            self._sockets.append(netlink)
            asyncio.get_running_loop().add_reader(netlink, self._readable, netlink, master)
            netlink.send(_HEADER.pack(_HEADER.size + _ADDRESS.size, _GETADDR, _REQUEST_DUMP, 1, 0)
                         + _ADDRESS.pack(socket.AF_INET, 0, 0, 0, 0))

    def close(self) -> None:
        """Stop listening."""
        for netlink in self._sockets:
            asyncio.get_running_loop().remove_reader(netlink)
            netlink.close()

    def _readable(self, netlink: socket.socket, master: str) -> None:
        now = time.monotonic()
        try:
            data = netlink.recv(65536)
        except BlockingIOError:
            return
        for holds, address in changes(data):
            if address == self._wanted and holds != (master in self.holders):
                (self.holders.add if holds else self.holders.discard)(master)
                self._seen(now, master, holds)


def changes(data: bytes) -> Iterator[tuple[bool, bytes]]:
    """(there now, IPv4 address) for each address message in what a netlink socket delivered."""
    position = 0
    while position + _HEADER.size <= len(data):
        length, kind, _, _, _ = _HEADER.unpack_from(data, position)
        if length < _HEADER.size:
            return
        if kind in (_NEWADDR, _DELADDR):
            address = _local(data[position + _HEADER.size + _ADDRESS.size : position + length])
            if address:
                yield kind == _NEWADDR, address
        position += (length + 3) & ~3


def _local(attributes: bytes) -> bytes | None:
    position = 0
    while position + _ATTRIBUTE.size <= len(attributes):
        length, kind = _ATTRIBUTE.unpack_from(attributes, position)
        if length < _ATTRIBUTE.size:
            return None
        if kind == _IFA_LOCAL:
            return attributes[position + _ATTRIBUTE.size : position + length]
        position += (length + 3) & ~3
    return None
