"""The byte path: one epoll inside the event loop, read, write, and nothing in between.

Nearly all of the cost of relaying is the kernel's, so everything here is about system calls that are *not* made:
sockets are registered once and edge-triggered; a short read is not followed by another one just to hear EAGAIN
(epoll(7) allows that, and the FIN comes as RDHUP); MSG_DONTWAIT instead of fcntl; TCP_NODELAY only where a second write
follows.

A descriptor's number is reused at once, and the events of a batch name descriptors: whatever opens sockets waits until
all events of the batch are handled (`defer`).
"""

import _socket
import asyncio
import errno
import select
import socket
import time
from collections.abc import Callable, Iterable

from pyha.control.messages import Configure
from pyha.runtime.flow import ENDS, NEVER, READS, READS_AND_WRITES, Flow, Handler
from pyha.runtime.kernelpath import AGE, EXCHANGES
from pyha.runtime.link import CONNECTING, OPEN, WAITING, Link, Side

_EVENTS = 512
_BURST = 0.004  # seconds in our own epoll before the event loop gets its turn
_LINGER = 0.001  # seconds to wait there for the next event while traffic flows
_AT_A_SWEEP = 200  # links that move to the kernel path in one go because of their age

_IN, _PRI, _OUT, _ERR, _HUP, _RDHUP = (
    select.EPOLLIN, select.EPOLLPRI, select.EPOLLOUT, select.EPOLLERR, select.EPOLLHUP, select.EPOLLRDHUP,
)  # fmt: skip
_UNUSUAL = _PRI | _ERR | _HUP | _RDHUP
_INPUT = _IN | _UNUSUAL
_DONTWAIT = socket.MSG_DONTWAIT
_STREAM = socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC


class Relay(Flow):
    """The reactor: a reader among others in an event loop, once it is attached to one."""

    def __init__(self, handler: Handler) -> None:
        super().__init__(handler)
        self._listeners: dict[int, Callable[[], None]] = {}
        self._deferred: list[Callable[[], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._again: asyncio.TimerHandle | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._older: list[Link] = []  # open for longer than AGE: to be moved to the kernel path when they are dry

    # -- what others ask for -------------------------------------------------------------------------------------------

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to work as a reader of this loop."""
        self._loop = loop
        loop.add_reader(self.epoll.fileno(), self._turn)

    def configure(self, message: Configure, fds: list[int]) -> None:
        """Use the kernel path as this Configure says; its maps are taken off the end of `fds`, the rest is left."""
        self.kernel.configure(message, fds)
        mode = self.kernel.mode
        self._exchanges = {"auto": EXCHANGES, "on": 1, "off": NEVER}[mode]
        ring = self.kernel.ring
        if ring is not None and ring not in self._listeners:
            self.listen(ring, self._relieve)
        if mode != "off" and self._sweeping is None and self._loop is not None:
            self._sweeping = self._loop.call_later(AGE, self._sweep)

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

    def connect(self, link: Link, family: int, address: tuple[object, ...], *,
                options: Iterable[tuple[int, int, int]] = ()) -> int:
        """Begin to connect to a server. Returns 0, or the errno when that fails at once (nothing was called then)."""
        sock = None
        try:
            sock = _socket.socket(family, _STREAM, 0)
            for option in options:
                sock.setsockopt(*option)
            error = sock.connect_ex(address)  # an exception for EINPROGRESS would cost a microsecond
            if error and error != errno.EINPROGRESS:
                sock.close()
                return error
            fd = sock.fileno()
            self.epoll.register(fd, READS_AND_WRITES)
        except OSError as failure:
            if sock is not None:
                sock.close()
            return failure.errno or 1
        server = Side(sock, fd, link, up=False)
        server.known = True
        server.peer, link.client.peer = link.client, server
        link.server = server
        link.stage = CONNECTING
        link.connecting = self.now
        self.sides[fd] = server
        return 0

    def abandon(self, link: Link) -> None:
        """Give the connection attempt up (it took too long); the client stays."""
        server, link.server = link.server, None
        link.stage = WAITING
        if server is not None:
            link.client.peer = link.client
            self._forget(server)

    def watch_waiting(self, link: Link) -> None:
        """Notice from now on when the client of a link that has no server yet goes away."""
        if not link.client.known:
            link.client.known = True
            self.epoll.register(link.client.fd, READS)

    def shut_down(self) -> None:
        """Close the epoll; sockets are their links' business."""
        if self._loop is not None:
            self._loop.remove_reader(self.epoll.fileno())
        for timer in (self._again, self._sweeping):
            if timer is not None:
                timer.cancel()
        self.epoll.close()

    # -- events --------------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        again = self.ready()
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if again is not None and self._loop is not None:
            self._again = self._loop.call_later(again, self._turn)

    def _sweep(self) -> None:
        """Links that have been there for a while, and may be waiting for something for hours, are the kernel's."""
        self._sweeping = None
        if self.kernel.mode == "off" or self._loop is None:
            self._young.clear()
            self._older.clear()
            return
        batch = self._older[-_AT_A_SWEEP:]
        del self._older[-_AT_A_SWEEP:]
        for link in batch:
            if link.stage is OPEN and not link.client.cookie and not self.hand_over(link) and not link.stays:
                self._young.add(link)  # busy: later
        pause = 0.01
        if not self._older:
            pause = AGE
            self._older, self._young = list(self._young), set()
        self._sweeping = self._loop.call_later(pause, self._sweep)

    def ready(self) -> float | None:
        """Handle what epoll has, and stay a little while traffic flows.

        Entering the event loop for every event would cost more than the event. Returns in how many seconds it wants to
        be called again although no descriptor will say so; None when there is no such work.
        """
        poll, clock = self.epoll.poll, time.monotonic
        start = self.now = clock()
        events = poll(0, _EVENTS)
        while True:
            self._dispatch(events)
            self.now = clock()
            if self.now - start > _BURST:
                break
            busy = self._more or self._deferred
            events = poll(0 if busy else _LINGER, _EVENTS)
            if not events and not busy:
                break
        if self._more or self._deferred:
            return 0.0
        return max(0.0, self._draining[0][0] - self.now) if self._draining else None

    def _dispatch(self, events: list[tuple[int, int]]) -> None:
        sides = self.sides
        more, self._more = self._more, []
        if self._draining:
            self._look_at_draining()
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
        if side.kernel:
            self._kernel_event(side, event)
            return
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

    def _kernel_event(self, side: Side, event: int) -> None:
        # Input in this batch was gathered before the side moved; output matters where the other side did not move.
        if event & _OUT and side.pending is not None and self._flush(side):
            self._pump(side.peer)
        if event & (_ERR | _HUP | _RDHUP) and not side.closed:
            if event & _ERR:
                side.broken = True
            elif event & _RDHUP:
                side.ended = True  # a reset says RDHUP too, but no FIN has been counted then
            self._drain(side)

    def _early(self, side: Side, event: int) -> None:
        """A client that is watched while it has no server moved: only its going away matters now."""
        if event & _RDHUP:
            side.ended = True
        if event & (_PRI | _ERR):
            side.thorough = True
        if side.link.admission is not None:
            self.handler.spoke(side.link, gone=bool(event & (_ERR | _HUP)))
        elif event & (_ERR | _HUP) or (side.ended and not self._has_input(side)):
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
        link.stage = OPEN
        link.connected = link.active = self.now
        self.handler.connected(link)
        if link.stage is not OPEN:
            return
        client = server.peer
        if self._exchanges != NEVER:
            if self.kernel.mode == "on":
                self.hand_over(link)
            else:
                self._young.add(link)
        self._pump(client)
        if server.closed:
            return
        if not client.known:
            # Only now: no event is spent on what has been read already.
            client.known = True
            self.epoll.register(client.fd, ENDS if client.kernel else READS)
        if event & _INPUT:
            self._event(server, event & ~_OUT)
