"""The byte path: one epoll inside the event loop, read, write, and nothing in between.

Nearly all of the cost of relaying is the kernel's, so everything here is about system calls that are *not* made:
sockets are registered once and edge-triggered; a short read is not followed by another one just to hear EAGAIN
(epoll(7) allows that, and the FIN comes as RDHUP); MSG_DONTWAIT instead of fcntl; TCP_NODELAY only where a second write
follows.

The rules that keep bytes whole:
- RDHUP comes once. It is remembered per side, because the bytes before the FIN may have to wait for the peer.
- What the peer does not take is kept, and its source is not read until it is gone: at most one buffer per direction.
- A side is closed for writing only after everything that came before the FIN was written.
- Urgent data (PRI) and errors cut a read short, so such a side is read until the kernel says that it is empty.
- A descriptor's number is reused at once. Whatever opens sockets waits until all events of a batch are handled.
"""

import _socket
import contextlib
import fcntl
import select
import socket
import struct
import termios
import time
from collections.abc import Callable
from typing import Protocol

from pyha.runtime.link import Link, Side, Stage

_BUFFER = 128 * 1024
_ROUNDS = 16  # full buffers from one side before others get their turn
_EVENTS = 512
_BURST = 0.004  # seconds in our own epoll before the event loop gets its turn
_LINGER = 0.001  # seconds to wait there for the next event while traffic flows

_IN, _PRI, _OUT, _ERR, _HUP, _RDHUP = (
    select.EPOLLIN, select.EPOLLPRI, select.EPOLLOUT, select.EPOLLERR, select.EPOLLHUP, select.EPOLLRDHUP,
)  # fmt: skip
_READS = _IN | _PRI | _RDHUP | select.EPOLLET
_READS_AND_WRITES = _READS | _OUT
_UNUSUAL = _PRI | _ERR | _HUP | _RDHUP
_INPUT = _IN | _UNUSUAL
_DONTWAIT = socket.MSG_DONTWAIT
_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_NO_LINGER = struct.pack("ii", 1, 0)


def _unsent(side: Side) -> bool:
    """Whether the kernel holds bytes that the other end has not acknowledged."""
    return fcntl.ioctl(side.fd, termios.TIOCOUTQ, bytes(4)) != bytes(4)


class Handler(Protocol):
    """Who decides about links. All calls come while a batch of events is handled: opening sockets has to `defer`."""

    def connected(self, link: Link) -> None:
        """The server answered; bytes flow from now on."""

    def connect_failed(self, link: Link, error: int) -> None:
        """The server refused, or cannot be reached; `error` is an errno. The link has no server side any more."""

    def closed(self, link: Link) -> None:
        """Both sockets are closed; `link.cause` says why."""


class Relay:
    """The reactor. `epoll.fileno()` belongs into an event loop, with `ready` as its reader."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.epoll = select.epoll()
        self.sides: dict[int, Side] = {}
        self.now = time.monotonic()
        self._listeners: dict[int, Callable[[], None]] = {}
        self._deferred: list[Callable[[], None]] = []
        self._more: list[Side] = []
        self._buffer = bytearray(_BUFFER)
        self._view = memoryview(self._buffer)

    # -- what others ask for -------------------------------------------------------------------------------------------

    def listen(self, fd: int, acceptable: Callable[[], None]) -> None:
        """Call `acceptable` whenever connections wait on the listening socket, until `unlisten`."""
        self._listeners[fd] = acceptable
        self.epoll.register(fd, _IN)

    def unlisten(self, fd: int) -> None:
        """Leave connections in the listening socket's queue."""
        if self._listeners.pop(fd, None) is not None:
            self.epoll.unregister(fd)

    def defer(self, call: Callable[[], None]) -> None:
        """Call after the events at hand: the only safe moment to open sockets from inside a handler."""
        self._deferred.append(call)

    def adopt(self, link: Link, fd: int, family: int) -> None:
        """Take an accepted connection. It is not read before its server answers."""
        link.client = Side(_socket.socket(family, socket.SOCK_STREAM, 0, fd), fd, link, up=True)
        self.sides[fd] = link.client

    def connect(self, link: Link, family: int, address: tuple[object, ...], *, keepalive: bool = False) -> int:
        """Begin to connect to a server. Returns 0, or the errno when that fails at once (nothing was called then)."""
        sock = None
        try:
            sock = _socket.socket(family, _STREAM, 0)
            if keepalive:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            try:
                sock.connect(address)
            except BlockingIOError:
                pass
            fd = sock.fileno()
            self.epoll.register(fd, _READS_AND_WRITES)
        except OSError as error:
            if sock is not None:
                sock.close()
            return error.errno or 1
        server = Side(sock, fd, link, up=False)
        server.known = True
        server.peer, link.client.peer = link.client, server
        link.server = server
        link.stage = Stage.CONNECTING
        link.connecting = self.now
        self.sides[fd] = server
        return 0

    def abandon(self, link: Link) -> None:
        """Give the connection attempt up (it took too long); the client stays."""
        server, link.server = link.server, None
        link.stage = Stage.WAITING
        if server is not None:
            link.client.peer = link.client
            self._forget(server)

    def watch_waiting(self, link: Link) -> None:
        """Notice from now on when the client of a link that has no server yet goes away."""
        if not link.client.known:
            link.client.known = True
            self.epoll.register(link.client.fd, _READS)

    def close(self, link: Link, cause: str = "", *, reset: Side | None = None) -> None:
        """Cut both connections now. The first cause stays. `reset`: tell that side with RST, not with FIN."""
        if link.stage is Stage.CLOSED:
            return
        link.stage = Stage.CLOSED
        link.cause = link.cause or cause
        if reset is not None:
            # Where one side aborted, the other must not see what looks like a complete conversation.
            with contextlib.suppress(OSError):
                reset.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._forget(link.client)
        if link.server is not None:
            self._forget(link.server)
        self.handler.closed(link)
        # Here ends every cycle: sides hold the link until now, the link keeps the sides for their counters.
        for side in (link.client, link.server):
            if side is not None:
                del side.peer, side.link

    def end_input(self, side: Side, cause: str) -> None:
        """Treat a side that was silent for too long as one that said FIN, as haproxy does."""
        link = side.link
        link.cause = link.cause or cause
        if side.peer.pending is not None or side.eof:
            self.close(link)
        else:
            self._finish(side)

    def shut_down(self) -> None:
        """Close the epoll; sockets are their links' business."""
        self.epoll.close()

    # -- events --------------------------------------------------------------------------------------------------------

    def ready(self) -> bool:
        """Handle what epoll has, and stay a little while traffic flows.

        Entering the event loop for every event would cost more than the event. Returns whether there is work left that
        no descriptor will announce.
        """
        poll, clock = self.epoll.poll, time.monotonic
        start = self.now = clock()
        events = poll(0, _EVENTS)
        while True:
            self._dispatch(events)
            self.now = clock()
            if self.now - start > _BURST:
                return bool(self._more or self._deferred)
            busy = self._more or self._deferred
            events = poll(0 if busy else _LINGER, _EVENTS)
            if not events and not busy:
                return False

    def _dispatch(self, events: list[tuple[int, int]]) -> None:
        sides = self.sides
        more, self._more = self._more, []
        for fd, event in events:
            side = sides.get(fd)
            if side is None:
                acceptable = self._listeners.get(fd)
                if acceptable is not None:
                    self._deferred.append(acceptable)
            elif not side.up:
                self._answered(side, event)
            elif side.peer is side or not side.peer.up:
                self._early(side, event)
            else:
                self._event(side, event)
        for side in more:
            if not side.closed:
                self._pump(side)
        while self._deferred:
            calls, self._deferred = self._deferred, []
            for call in calls:
                call()

    def _event(self, side: Side, event: int) -> None:
        if event & _UNUSUAL:
            if event & _RDHUP:
                side.ended = True
            if event & (_PRI | _ERR):
                side.thorough = True
        if event & _OUT and side.pending is not None and self._flush(side):
            self._pump(side.peer)
        if event & _INPUT and not side.closed:
            if side.eof:
                # Nothing is read any more, so only this tells that the rest of the connection is gone as well.
                if event & (_ERR | _HUP):
                    self._lost(side)
            else:
                self._pump(side)

    def _early(self, side: Side, event: int) -> None:
        """A client that is watched while it has no server moved: only its going away matters now."""
        if event & _RDHUP:
            side.ended = True
        if event & (_PRI | _ERR):
            side.thorough = True
        if event & (_ERR | _HUP) or (side.ended and not self._has_input(side)):
            self.close(side.link, "C", reset=side.link.server)

    def _has_input(self, side: Side) -> bool:
        try:
            return bool(side.sock.recv(1, _DONTWAIT | socket.MSG_PEEK))
        except OSError:
            return False

    def _answered(self, server: Side, event: int) -> None:
        link = server.link
        if event & (_ERR | _HUP):
            error = server.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if error:
                self.abandon(link)
                self.handler.connect_failed(link, error)
                return
        server.up = True
        link.stage = Stage.OPEN
        link.connected = link.active = self.now
        self.handler.connected(link)
        if link.stage is not Stage.OPEN:
            return
        client = server.peer
        self._pump(client)
        if server.closed:
            return
        if not client.known:
            # Only now: no event is spent on what has been read already.
            client.known = True
            self.epoll.register(client.fd, _READS)
        if event & _INPUT:
            self._event(server, event & ~_OUT)

    # -- bytes ---------------------------------------------------------------------------------------------------------

    def _pump(self, side: Side) -> None:
        """Move what a side has to its peer, until it is empty, the peer is full, or others should have their turn."""
        if side.eof:
            return
        peer, sock, link = side.peer, side.sock, side.link
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
            side.reads += 1
            link.active = self.now
            if side.reads == 2 and not peer.nodelay:
                # Not before the second write: short connections never need it.
                peer.nodelay = True
                peer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if not self._write(peer, count):
                return
            if count < _BUFFER and not side.thorough:
                if side.ended:
                    self._finish(side)
                return
        self._more.append(side)

    def _write(self, side: Side, count: int) -> bool:
        """Write the head of the buffer; keep what is not taken. Returns whether all of it was."""
        try:
            sent = side.sock.send(self._view[:count], _DONTWAIT)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._broke(side)
            return False
        if sent == count:
            return True
        side.pending = memoryview(bytes(self._view[sent:count]))
        if not side.watches_out:
            # Clients are not watched for it from the start: each would cost an event at once, and few ever need it.
            side.watches_out = True
            side.known = True
            self._rewatch(side)
        return False

    def _rewatch(self, side: Side) -> None:
        try:
            self.epoll.modify(side.fd, _READS_AND_WRITES)
        except FileNotFoundError:
            self.epoll.register(side.fd, _READS_AND_WRITES)

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
        else:
            self._more.append(side)

    def _forget(self, side: Side) -> None:
        side.closed = True
        side.pending = None
        del self.sides[side.fd]
        side.sock.close()
