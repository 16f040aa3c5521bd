"""When a connection leaves Python: the policy, the gate, and what the kernel counted meanwhile.

Short connections are cheapest in the reactor; one that has exchanged a few messages is likely to live long, and costs
no Python at all once the kernel relays it. The kernel's own books (TCP_INFO) then say how much was carried and when.
"""

import contextlib
import logging
import os
import platform
import socket
import struct
from _socket import socket as Socket  # noqa: N812 - the class without the wrapper
from typing import Literal

from pyha.runtime.bpf import Maps
from pyha.runtime.link import Link, Side, Stage

logger = logging.getLogger("pyha.worker")

_TESTED = (6, 18)  # older kernels had serious bugs here: only those that our stress test passed on
_EXCHANGES = {"auto": 8, "on": 1}  # reads of one side before it moves
_PEEK = socket.MSG_DONTWAIT | socket.MSG_PEEK
_INFO_SIZE = 232
_LAST_DATA_RECV, _NOTSENT, _BYTES_RECEIVED, _BYTES_SENT, _BYTES_RETRANS = 52, 144, 128, 200, 208  # linux/tcp.h


class KernelPath:
    """The kernel's relay for one worker, and which links are worth it."""

    def __init__(self, maps: Maps, exchanges: int) -> None:
        self._maps = maps
        self.exchanges = exchanges

    def take(self, link: Link) -> bool:
        """Move the link if it is dry at this moment. ConnectionAbortedError: it has to be closed."""
        client, server = link.client, link.server
        assert server is not None
        for side in (client, server):
            if not side.known or side.ended or side.eof or side.thorough or side.pending is not None:
                return False
        if not (_dry(client.sock) and _dry(server.sock)):
            return False
        try:
            self._maps.join(client.sock, server.sock)
        except ConnectionAbortedError:
            raise
        except OSError:
            client.reads = server.reads = -(1 << 60)  # not again
            return False
        client.kernel = server.kernel = True
        return True

    def close(self) -> None:
        """Give the maps back."""
        self._maps.close()


def arrived(side: Side) -> bool:
    """Whether all that this ended side sent has been written to its peer: only then may the peer be told."""
    return _written(side.peer.sock) >= _received(side.sock) - 1  # the FIN counts as one


def settle(link: Link, now: float) -> None:
    """Bring a link's own books up to date from the kernel's."""
    youngest = None
    for side in (link.client, link.server):
        if side is None or not side.kernel or side.closed:
            continue
        info = side.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
        side.received = struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0] - side.ended
        age = struct.unpack_from("=I", info, _LAST_DATA_RECV)[0]
        youngest = age if youngest is None else min(age, youngest)
    if youngest is not None and link.stage is Stage.OPEN:
        link.active = max(link.active, now - youngest / 1000)


def open_kernel_path(mode: Literal["auto", "on", "off"]) -> KernelPath | None:
    """The kernel path as configured, or None where it is off or cannot be had (said once in the log)."""
    if mode == "off":
        return None
    if mode == "auto" and _release() < _TESTED:
        return None
    try:
        maps = Maps()
    except OSError as error:
        logger.log(logging.WARNING if mode == "on" else logging.INFO,
                   "the kernel path is not available (%s): all bytes go through the worker", error)  # fmt: skip
        return None
    if not _works(maps):
        maps.close()
        logger.warning("the kernel path failed its self-test: all bytes go through the worker")
        return None
    return KernelPath(maps, _EXCHANGES[mode])


def _release() -> tuple[int, int]:
    major, _, rest = platform.release().partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)


def _works(maps: Maps) -> bool:
    """Send a few bytes through two loopback connections that are joined in the middle."""
    with contextlib.ExitStack() as stack:
        try:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            ends, middles = [], []
            for _ in range(2):
                end = stack.enter_context(socket.create_connection(listener.getsockname(), 1))
                middles.append(stack.enter_context(listener.accept()[0]))
                end.settimeout(1)
                ends.append(end)
            maps.join(middles[0], middles[1])
            for sender, receiver in (ends, reversed(ends)):
                data = os.urandom(100)
                sender.sendall(data)
                if receiver.recv(1000) != data:
                    return False
        except OSError:
            return False
    return True


def _dry(sock: Socket) -> bool:
    try:
        sock.recv(1, _PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _received(sock: Socket) -> int:
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    return int(struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0])


def _written(sock: Socket) -> int:
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    sent, retransmitted = struct.unpack_from("=QQ", info, _BYTES_SENT)
    return int(sent - retransmitted + struct.unpack_from("=I", info, _NOTSENT)[0])
