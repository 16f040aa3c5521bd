"""Connections of checks: a plain one, and where one that may serve again is kept between two checks."""

import asyncio
import socket
import struct
from typing import Protocol

_READ = 16 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Stream(Protocol):
    """An open connection."""

    async def send(self, data: bytes) -> None:
        """Send. Raises OSError."""

    async def receive(self) -> bytes:
        """What comes next; empty at the end. Raises OSError."""

    def close(self) -> None:
        """Close it."""


class PlainStream:
    """A connected non-blocking socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def send(self, data: bytes) -> None:
        """Send. Raises OSError."""
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def receive(self) -> bytes:
        """What comes next; empty at the end. Raises OSError."""
        return await asyncio.get_running_loop().sock_recv(self._sock, _READ)

    def close(self) -> None:
        """Close with a reset: no TIME_WAIT for every check, and HAProxy does the same."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._sock.close()


class Kept:
    """At most one connection, under the key of what it is connected to."""

    def __init__(self) -> None:
        self._key: object = None
        self._stream: Stream | None = None

    def put(self, key: object, stream: Stream) -> None:
        """Keep it."""
        self.close()
        self._key, self._stream = key, stream

    def take(self, key: object) -> Stream | None:
        """The connection, if it is one to the same place; another one is closed."""
        if key != self._key:
            self.close()
        stream, self._stream = self._stream, None
        return stream

    def close(self) -> None:
        """Keep nothing."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None
