"""Bytes from one side of a link to the other, and the ways in which that ends.

The rules that keep bytes whole:
- RDHUP comes once. It is remembered per side, because the bytes before the FIN may have to wait for the peer.
- What the peer does not take is kept, and its source is not read until it is gone: at most one buffer per direction.
- A side is closed for writing only after everything that came before the FIN was written.
- Urgent data (PRI) and errors cut a read short, so such a side is read until the kernel says that it is empty.
"""

import contextlib
import fcntl
import heapq
import itertools
import select
import socket
import struct
import time
from typing import Protocol

from pyha.runtime.kernelpath import KernelPath, hold_back, let_go, missing, settle
from pyha.runtime.link import CLOSED, Link, Side

_BUFFER = 128 * 1024
_ROUNDS = 16  # full buffers from one side before others get their turn
READS = select.EPOLLIN | select.EPOLLPRI | select.EPOLLRDHUP | select.EPOLLET
READS_AND_WRITES = READS | select.EPOLLOUT
ENDS = select.EPOLLRDHUP | select.EPOLLET  # on the kernel path
_LOOK, _LAST_LOOK = 0.003, 0.1  # seconds between two looks at what the kernel has yet to pass on: at first, in the end
_DONTWAIT = socket.MSG_DONTWAIT
_LAST = socket.MSG_DONTWAIT | socket.MSG_MORE
_SIOCOUTQNSD = 0x894B  # linux/sockios.h
NEVER = 1 << 60
_AGAIN = -8
_NO_LINGER = struct.pack("ii", 1, 0)


class Handler(Protocol):
    """Who decides about links. All calls come while a batch of events is handled: opening sockets has to `defer`."""

    def spoke(self, link: Link, *, gone: bool) -> None:
        """The client of a link with an `admission` said something, or is gone."""

    def connected(self, link: Link) -> None:
        """The server answered; bytes flow from now on."""

    def connect_failed(self, link: Link, error: int) -> None:
        """The server refused, or cannot be reached; `error` is an errno. The link has no server side any more."""

    def closed(self, link: Link) -> None:
        """Both sockets are closed; `link.cause` says why."""


def _unsent(side: Side) -> bool:
    """Whether the kernel holds bytes that have not even been on their way to the other end."""
    return fcntl.ioctl(side.fd, _SIOCOUTQNSD, bytes(4)) != bytes(4)


class Flow:
    """Reads, writes and ends; the relay says when."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.kernel = KernelPath()
        self.epoll = select.epoll()
        self.sides: dict[int, Side] = {}
        self.now = time.monotonic()
        self._more: list[Side] = []  # not empty yet: others had their turn
        self._exchanges = NEVER  # reads of one side before its link moves to the kernel path
        self._young: set[Link] = set()  # open, in the reactor, and may yet move
        self._draining: list[tuple[float, int, float, Side]] = []  # a heap: when to look, tie-break, pause, side
        self._ties = itertools.count()
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)

    def close(self, link: Link, cause: str = "", *, reset: Side | None = None) -> None:
        """Cut both connections now. The first cause stays. `reset`: tell that side with RST, not with FIN."""
        if link.stage is CLOSED:
            return
        client, server = link.client, link.server
        if client.cookie:
            settle(link, self.now)
            for side in (client, server):
                if side is not None:
                    self.kernel.forget(side)
        link.stage = CLOSED
        link.cause = link.cause or cause
        self._young.discard(link)
        if reset is not None:
            # Where one side aborted, the other must not see what looks like a complete conversation.
            with contextlib.suppress(OSError):
                reset.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._forget(client)
        if server is not None:
            self._forget(server)
        self.handler.closed(link)
        # Here ends every cycle: sides hold the link until now, the link keeps the sides for their counters.
        del client.peer, client.link
        if server is not None:
            del server.peer, server.link

    def drop(self, link: Link) -> None:
        """Close the client of a link that never became a session; nobody is told."""
        link.stage = CLOSED
        client = link.client
        self._forget(client)
        del client.peer, client.link

    def end_input(self, side: Side, cause: str) -> None:
        """Treat a side that was silent for too long as one that said FIN, as haproxy does."""
        link = side.link
        link.cause = link.cause or cause
        stuck = side.peer.pending is not None or (side.kernel and (side.returning or missing(side) > side.ended))
        if stuck or side.eof:
            self.close(link)
        else:
            self._finish(side)

    def lead(self, side: Side, data: bytes) -> None:
        """Write this to a side before anything of its peer, and before the link may move to the kernel path."""
        side.pending = memoryview(data)
        self._flush(side)

    # -- bytes ---------------------------------------------------------------------------------------------------------

    def _pump(self, side: Side) -> None:  # noqa: C901 - the hot path, in one piece
        """Move what a side has to its peer, until it is empty, the peer is full, or others should have their turn."""
        if side.eof or side.kernel:
            return
        peer, sock, reads = side.peer, side.sock, side.reads
        for _ in range(_ROUNDS):
            if peer.pending is not None and not self._flush(peer):
                return
            try:
                count = sock.recv_into(self._buffer, _BUFFER, _DONTWAIT)
            except BlockingIOError:
                return
            except OSError:
                self._lost(side)
                return
            if not count:
                self._finish(side)
                return
            side.received += count
            side.reads = reads = reads + 1
            side.link.active = self.now
            if reads > 1 and not peer.nodelay:
                # Not before the second write: short connections never need it.
                peer.nodelay = True
                peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            # Right behind the last bytes goes the FIN: hold them back for it, and both are one segment.
            last = side.ended and count < _BUFFER and not (side.thorough or peer.eof)
            try:
                sent = peer.sock.send(self._view[:count], _LAST if last else _DONTWAIT)
            except BlockingIOError:
                sent = 0
            except OSError:
                self._broke(peer)
                return
            if sent != count:
                self._keep(peer, sent, count)
                return
            if count == _BUFFER:
                side.torn = True
            elif not side.thorough:
                side.torn = False
                if side.ended:
                    self._finish(side)
                elif reads >= self._exchanges:
                    self.hand_over(side.link)
                return
        self._more.append(side)

    def hand_over(self, link: Link) -> bool:
        """Let the kernel relay this open link from now on, if nothing is under way at this moment and it may."""
        if not self.kernel.take(link):
            return False
        self._young.discard(link)
        for side in (link.client, link.server):
            if side is not None and side.kernel and side.known:
                self._rewatch(side)  # which also tells of a FIN that came meanwhile
        return True

    def _keep(self, side: Side, sent: int, count: int) -> None:
        """Keep what a side did not take of the head of the buffer, and wait until it does."""
        side.pending = memoryview(bytes(self._view[sent:count]))
        side.peer.reads = _AGAIN  # backpressure works here only, so not to the kernel path in the middle of a download
        if not side.watches_out:
            # Clients are not watched for it from the start: each would cost an event at once, and few ever need it.
            side.watches_out = True
            self._rewatch(side)

    def _rewatch(self, side: Side) -> None:
        mask = ENDS if side.kernel else READS
        if side.watches_out and not (side.kernel and side.peer.kernel):
            mask |= select.EPOLLOUT
        if side.known:
            self.epoll.modify(side.fd, mask)
        else:
            side.known = True
            self.epoll.register(side.fd, mask)

    def _flush(self, side: Side) -> bool:
        pending = side.pending
        while pending is not None:
            try:
                sent = side.sock.send(pending, _DONTWAIT)
            except BlockingIOError:
                return False
            except OSError:
                self._broke(side)
                return False
            side.link.active = self.now
            pending = side.pending = pending[sent:] if sent < len(pending) else None
        return True

    # -- ends ----------------------------------------------------------------------------------------------------------

    def _finish(self, side: Side) -> None:
        """A side's input has ended and all of it was written: pass the FIN on."""
        side.eof = True
        peer = side.peer
        if side.broken or peer.eof:
            self.close(side.link, reset=peer if side.broken else None)
            return
        try:
            peer.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._broke(peer)

    def _drain(self, side: Side, pause: float = _LOOK) -> None:
        """A side that the kernel relays has ended, or is held back: look whether what it sent has been written."""
        if side.closed or (side.eof and not side.broken):
            return
        if side.draining:
            return
        if side.returning and (side.ended or side.broken) and not side.stopped:
            side.returning = False  # nothing more will come
        if side.returning and not side.stopped and not self.kernel.stop(side):
            if side.returning:
                self._look_again(side, _LOOK, _LOOK)
            return
        left = 0 if side.peer.broken else missing(side) - (side.ended and not side.stopped)
        # A FIN that was never seen because a reset came with it leaves a difference of one.
        if left > 0 and not (left == 1 and side.broken and pause >= _LAST_LOOK):
            self._look_again(side, pause, min(2 * pause, _LAST_LOOK))
        elif side.stopped:
            self._return(side)
        elif side.broken:
            self._lost(side)
        else:
            self._finish(side)

    def _look_again(self, side: Side, pause: float, next_pause: float) -> None:
        side.draining = True
        heapq.heappush(self._draining, (self.now + pause, next(self._ties), next_pause, side))

    def _return(self, side: Side) -> None:
        side.kernel = False
        let_go(side)
        for one in (side, side.peer):
            self._rewatch(one)
        self._pump(side)

    def _relieve(self) -> None:
        """Where bytes pile up in the kernel, hold the writer back and return to the reactor."""
        for side in self.kernel.burdened():
            hold_back(side)
            self._drain(side)

    def _look_at_draining(self) -> None:
        while self._draining and self._draining[0][0] <= self.now:
            _, _, pause, side = heapq.heappop(self._draining)
            side.draining = False
            self._drain(side, pause)

    def _lost(self, side: Side) -> None:
        """Reading failed: the connection was reset, or is dead."""
        peer = side.peer
        if side.is_client:
            self.close(side.link, "C", reset=peer)
        else:
            # RST would throw away what the kernel has yet to deliver: a server that answers and then resets, because it
            # did not want to read the rest of the request, still means its answer.
            self.close(side.link, "S", reset=None if _unsent(peer) else peer)

    def _broke(self, side: Side) -> None:
        """Writing failed. What the side had sent before it went may still be unread, and belongs to its peer."""
        if side.broken:
            return
        side.broken = side.thorough = True
        side.pending = None
        side.link.cause = side.link.cause or ("C" if side.is_client else "S")
        if side.eof:
            self._lost(side)
        elif side.kernel:
            self._drain(side)
        else:
            self._more.append(side)

    def _forget(self, side: Side) -> None:
        side.closed = True
        side.pending = None
        del self.sides[side.fd]
        side.sock.close()
