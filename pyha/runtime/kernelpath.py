"""When a connection leaves Python: the policy, and what the kernel counted meanwhile.

Short connections are cheapest in the reactor; one that has exchanged a few messages or has been there for a second is
likely to live long, and costs no Python at all once the kernel relays it. The kernel's own books (TCP_INFO) then say
how much was carried and when.

A reader that sleeps must not fill the memory, and the kernel path knows no backpressure. So a side whose bytes pile up
there is *held back*: its receive window is closed, which its sender obeys whatever else happens. Then it returns to the
reactor. It cannot be taken out of the map before it is quiet: what arrives in the very moment would be lost. That needs
a worker that runs; while one is replaced its connections go on without it.
"""

import contextlib
import fcntl
import os
import socket
import struct
from _socket import socket as Socket  # noqa: N812 - the class without the wrapper
from typing import Literal

from pyha.control.messages import Configure
from pyha.runtime.bpf import FDS, Maps, cookie
from pyha.runtime.link import Link, Side, Stage

EXCHANGES = 8
"""Reads of one side before `auto` moves a link at its next dry moment."""
AGE = 1.0
"""Seconds before `auto` moves one that says less, at the latest twice as many."""

BACKLOG = 4 * 1024 * 1024
"""Bytes of one side that may wait in the kernel for its peer to take them; as many as a send buffer (tcp_wmem)."""

_PEEK = socket.MSG_DONTWAIT | socket.MSG_PEEK
_SIOCOUTQ = 0x5411  # linux/sockios.h: written and not acknowledged yet
_TCP_INQ = 36  # linux/tcp.h: received and not read; SIOCINQ does not tell for sockets in a map
_SO_BUF_LOCK = 72  # asm-generic/socket.h
_QUIET = range(20, 150)  # ms since the last segment: the window is used up, and the next probe (200 ms) not yet due
_INFO_SIZE = 136
_LAST_DATA_RECV, _LAST_ACK_RECV, _BYTES_ACKED, _BYTES_RECEIVED = 52, 56, 120, 128  # linux/tcp.h, struct tcp_info


class KernelPath:
    """The kernel's relay for one worker, and which links are worth it. Without maps, or `off`, none is."""

    def __init__(self) -> None:
        self._maps: Maps | None = None
        self._sides: dict[int, Side] = {}  # by cookie
        self.mode: Literal["auto", "on", "off"] = "off"

    def configure(self, message: Configure, fds: list[int]) -> None:
        """Do as this Configure says. Takes the descriptors of the maps, if any, off the end of `fds`.

        Links that are on the kernel path already stay there whatever the mode.
        """
        if message.maps:
            received = fds[-FDS:]
            del fds[-FDS:]
            if self._maps is None:
                self._maps = Maps(*received)
            else:  # they are made once
                for fd in received:
                    os.close(fd)
        self.mode = message.kernel_path if self._maps is not None else "off"

    @property
    def ring(self) -> int | None:
        """The descriptor that is readable when `burdened` has something to look at."""
        return self._maps.ring if self._maps is not None else None

    def take(self, link: Link) -> bool:
        """Move a link if nothing of it is in Python at this moment.

        True: at least one side moved, see `Side.kernel`. A link that the kernel refuses `stays` in the reactor.
        """
        client, server = link.client, link.server
        assert server is not None
        assert self._maps is not None
        if link.stays or client.cookie:
            return False
        for side in (client, server):
            if side.ended or side.eof or side.thorough or side.pending is not None:
                return False
            # Unread segments are carried as well, but one that was read in part would be carried as a whole.
            if (side.torn or (side.received and not side.reads)) and not _dry(side.sock):
                return False
        for side in (client, server):
            side.surplus = _written(side.peer.sock) - side.received
        try:
            self._maps.pair(client.sock, server.sock)
            for side in (client, server):
                side.cookie = cookie(side.sock)
                self._sides[side.cookie] = side
            for side in (client, server):
                self._maps.start(side.sock)
                side.kernel = True
        except OSError:
            # Bytes may be on their way already, so what moved has moved; the other side got its FIN in this moment.
            link.stays = True
        if client.kernel and not server.nodelay:
            server.nodelay = True
            server.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return client.kernel

    def burdened(self) -> list[Side]:
        """Sides of which more than BACKLOG bytes wait in the kernel because their peer takes too little."""
        assert self._maps is not None
        told = [self._sides[key] for key in self._maps.told() if key in self._sides]
        return [side for side in told if side.kernel and not side.returning and missing(side) > BACKLOG]

    def stop(self, side: Side) -> bool:
        """Take a quiet side that was held back out of the map: it has returned when nothing is `missing`.

        False: not now. A side that stays quiet although it may send is let go again.
        """
        assert self._maps is not None
        info = side.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
        age = struct.unpack_from("=I", info, _LAST_DATA_RECV)[0]
        if age >= _QUIET.stop and missing(side) < BACKLOG // 2:
            let_go(side)
        if age not in _QUIET or not side.returning:
            return False
        with contextlib.suppress(OSError):
            self._maps.stop(side.sock)
        # Asking takes the socket's lock.
        arrived = _received(side)
        while True:
            side.received = arrived - _unread(side.sock)
            again = _received(side)
            if again == arrived:
                break
            arrived = again
        side.stopped = side.link.stays = True
        return True

    def forget(self, side: Side) -> None:
        """The side is about to be closed."""
        self._sides.pop(side.cookie, None)


def hold_back(side: Side) -> None:
    """Close the receive window. What is under way already still comes, a few segments a second after that."""
    side.returning = True
    side.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    side.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, 1)


def let_go(side: Side) -> None:
    """Open it again, and leave its size to the kernel as before."""
    side.returning = side.stopped = False
    side.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 30)  # the kernel takes what is allowed
    side.sock.setsockopt(socket.SOL_SOCKET, _SO_BUF_LOCK, 0)
    side.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_WINDOW_CLAMP, 1 << 30)


def missing(side: Side) -> int:
    """How much of what the kernel took from this side has yet to be written to its peer.

    A FIN that arrived counts as one, unless the side is stopped.
    """
    taken = side.received if side.stopped else _received(side)
    return taken + side.surplus - _written(side.peer.sock)


def settle(link: Link, now: float) -> None:
    """Bring the books of a link on the kernel path up to date: `Side.received` and `Link.active`.

    Whoever judges a link by when a byte last moved, or wants to know how many did, calls this first.
    """
    acked = 0
    youngest = None
    for side in (link.client, link.server):
        if side is None or side.closed:
            continue
        info = side.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
        data_age, ack_age = struct.unpack_from("=II", info, _LAST_DATA_RECV)
        acknowledged, received = struct.unpack_from("=QQ", info, _BYTES_ACKED)
        if side.kernel:
            if not side.stopped:
                side.received = received - side.ended - _preface(side)
            if not side.returning:  # else it trickles without going anywhere
                youngest = data_age if youngest is None else min(data_age, youngest)
        acked += acknowledged
        if acked > link.acked:
            # A slow reader took something. A bare acknowledgement alone proves nothing: stalled ones answer probes.
            youngest = ack_age if youngest is None else min(ack_age, youngest)
    link.acked = max(acked, link.acked)
    if youngest is not None and link.stage is Stage.OPEN:
        link.active = max(link.active, now - youngest / 1000)


def _dry(sock: Socket) -> bool:
    try:
        sock.recv(1, _PEEK)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _written(sock: Socket) -> int:
    # Not what was sent, less what was sent again: a packet that a full local queue refused counts as sent.
    acked = _acked(sock)
    while True:
        waiting = int(struct.unpack("=i", fcntl.ioctl(sock.fileno(), _SIOCOUTQ, bytes(4)))[0])
        again = _acked(sock)
        if again == acked:
            return acked + waiting
        acked = again


def _acked(sock: Socket) -> int:
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    return int(struct.unpack_from("=Q", info, _BYTES_ACKED)[0])


def _received(side: Side) -> int:
    info = side.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_SIZE)
    return int(struct.unpack_from("=Q", info, _BYTES_RECEIVED)[0]) - _preface(side)


def _preface(side: Side) -> int:
    """The bytes of a PROXY protocol header, which the kernel counts and we do not."""
    header = side.link.header
    return header.size if header is not None and side.is_client else 0


def _unread(sock: Socket) -> int:
    """What waits in the queue of a socket, a FIN included."""
    sock.setsockopt(socket.IPPROTO_TCP, _TCP_INQ, 1)
    try:
        data, control, _, _ = sock.recvmsg(1, socket.CMSG_SPACE(4), _PEEK)
    except OSError:  # nothing, or a reset
        return 0
    if not data:
        return 1
    return next(int(struct.unpack("=i", value)[0]) for _, kind, value in control if kind == _TCP_INQ)
