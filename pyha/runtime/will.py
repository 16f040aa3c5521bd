"""What the supervisor does the moment the vrrp process dies: say goodbye with priority 0 and let the addresses go.

Everything was made ready by the vrrp process while it lived. This module is loaded in the supervisor, so it knows only
plain sockets, and no failure of one step keeps the next from being tried: no address of a dead router may stay behind.
"""

import contextlib
import errno
import ipaddress
import logging
import socket
import struct

from pyha.control.messages import Will, WillPacket
from pyha.runtime.rawsocket import open_sender, send

_log = logging.getLogger("pyha.will")
_NLMSG = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_NLMSG_ERROR = 2
_ALREADY_GONE = {errno.EADDRNOTAVAIL, errno.ENODEV, errno.ENOENT, errno.ESRCH}


def perform_will(will: Will) -> None:
    """Send the packets, then give the addresses back. Never raises; what fails is logged."""
    senders: dict[tuple[int, int], socket.socket] = {}
    for packet in will.packets:
        try:
            _send(packet, senders)
        except (OSError, ValueError) as error:
            _log.warning("cannot send priority 0 by %s: %s", packet.interface, error)
    for sender in senders.values():
        sender.close()
    if will.requests:
        try:
            _release(will.requests)
        except OSError as error:
            _log.error("cannot remove virtual addresses: %s", error)


def _send(packet: WillPacket, senders: dict[tuple[int, int], socket.socket]) -> None:
    source, destination = ipaddress.ip_address(packet.source), ipaddress.ip_address(packet.destination)
    carrier = source.version, packet.protocol
    if carrier not in senders:
        senders[carrier] = open_sender(*carrier)
    send(senders[carrier], bytes.fromhex(packet.payload), source=source, destination=destination, ttl=packet.ttl,
         interface=socket.if_nametoindex(packet.interface))


def _release(requests: tuple[str, ...]) -> None:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.bind((0, 0))
        # The kernel answers before sendto returns; this is for the impossible.
        sock.settimeout(1)
        for request in requests:
            try:
                sock.sendto(bytes.fromhex(request), (0, 0))
                _read_answer(sock)
            except (OSError, ValueError) as error:
                _log.error("cannot remove a virtual address: %s", error)


def _read_answer(sock: socket.socket) -> None:
    answer = sock.recv(65536)
    with contextlib.suppress(struct.error):
        _length, kind, _flags, _sequence, _port = _NLMSG.unpack_from(answer)
        code = -struct.unpack_from("=i", answer, _NLMSG.size)[0] if kind == _NLMSG_ERROR else 0
        if code and code not in _ALREADY_GONE:
            raise OSError(code, errno.errorcode.get(code, "unknown error"))
