"""What the relay knows about one client connection: two sides, and the link that holds them together.

Thousands of these live for hours, so they are slotted and hold no buffers. `Side.peer` and `Side.link` make cycles; the
relay breaks them when it closes a link, so that reference counting frees everything at once and the garbage collector
has nothing to find.
"""

import _socket
from enum import IntEnum
from typing import Any

from pyha.proxy.proxy_protocol import Header


class Stage(IntEnum):
    """Where a link is on its way."""

    WAITING = 0  # no server connection yet: queued, or pausing before a retry
    CONNECTING = 1
    OPEN = 2
    CLOSED = 3


# An enumeration finds its members ten times as slowly as a module its names.
WAITING, CONNECTING, OPEN, CLOSED = Stage


class Side:
    """One socket of a link, from its own point of view: its input is read and written to the peer."""

    __slots__ = (
        "broken", "closed", "cookie", "draining", "ended", "eof", "fd", "kernel", "known", "link", "nodelay", "peer",
        "pending", "reads", "received", "returning", "sock", "stopped", "surplus", "thorough", "torn", "up",
        "watches_out",
    )  # fmt: skip

    def __init__(self, sock: _socket.socket, fd: int, link: "Link", *, up: bool) -> None:
        self.sock = sock
        self.fd = fd
        self.link = link
        self.peer: Side = self  # until there is one
        self.pending: memoryview | None = None  # what this socket did not take yet
        self.reads = 0
        self.received = 0  # bytes; whoever reads from the socket past the relay counts them here
        self.up = up  # established
        self.nodelay = up  # accepted sockets inherit TCP_NODELAY from the listener
        self.known = False  # registered with epoll
        self.watches_out = not up  # registered for EPOLLOUT
        self.ended = False  # RDHUP was seen: comes once with edge triggering, so it is remembered
        self.eof = False  # its input has ended and the peer was told
        self.thorough = False  # a short read proves nothing here: urgent data or an error cut it short
        self.torn = False  # the last read filled the buffer, and may have ended inside a segment
        self.broken = False  # a write failed: what it sent before is still delivered, then the link is cut
        self.kernel = False  # the kernel relays what arrives here
        self.returning = False  # but its peer takes too little, so it is held back and returns to the reactor
        self.stopped = False  # the kernel takes nothing more from it; `received` is what it took
        self.cookie = 0  # by which the kernel's maps know it; 0: they do not
        self.surplus = 0  # bytes that the peer was sent when it moved there, less those that this side had sent
        self.draining = False  # it ended, and the kernel has yet to pass on what came before
        self.closed = False

    @property
    def is_client(self) -> bool:
        """Whether this is the side that was accepted."""
        return self.link.client is self


class Link:
    """One client connection and, once there is one, the connection to its server.

    `cause` is the first letter of HAProxy's termination codes (its manual, section 8.5): whose fault the end was; the
    first one stays, "" is nobody's. Times are monotonic seconds. `owner` and `session` belong to whoever accepted the
    client; the relay never looks into them.
    """

    __slots__ = (
        "accepted", "acked", "active", "address", "admission", "cause", "client", "connected", "connecting", "due",
        "header", "owner", "server", "session", "stage", "stays", "until",
    )  # fmt: skip

    def __init__(self, owner: object, address: tuple[Any, ...], now: float) -> None:
        self.owner: Any = owner
        self.address = address
        self.session: Any = None
        self.admission: Any = None  # while rules look at the client
        self.header: Header | None = None  # that the client's connection began with
        self.client: Side = _NOBODY
        self.server: Side | None = None
        self.stage = WAITING
        self.cause = ""
        self.accepted = now
        self.connecting = now
        self.connected = 0.0
        self.active = now  # when a byte last moved; on the kernel path: as of the last `settle`
        self.acked = 0  # bytes that both ends had acknowledged at the last `settle`
        self.stays = False  # the kernel path refused it: it stays in the reactor
        self.until = 0.0  # WAITING and CONNECTING: when that takes too long; 0 = never
        self.due = 0  # the tick of the wheel at which the link is looked at; 0 = not on it

    def bound(self) -> tuple[Any, ...]:
        """The address that the client connected to, as a PROXY protocol header tells or as its socket has it."""
        header = self.header
        return header.destination if header is not None and header.destination else self.client.sock.getsockname()


_NOBODY: Any = None
