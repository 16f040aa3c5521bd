"""The wire between the supervisor and one child: typed messages and descriptors over a UNIX stream socket.

A frame is a header (length of the JSON, number of descriptors) and the JSON. Descriptors ride before the frame that
names them, a few hundred at a time, because the kernel takes at most 253 with one sendmsg.
"""

import asyncio
import contextlib
import logging
import os
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence

from pydantic import ValidationError

from pyha.control.messages import MESSAGE, Configure, Message, Rejected
from pyha.errors import ChannelError

_log = logging.getLogger("pyha.channel")
_HEADER = struct.Struct("!II")
_FDS_AT_ONCE = 200
_LARGEST = 256 * 1024 * 1024
_READ = 256 * 1024

OnMessage = Callable[[Message, list[int]], None]


class Channel:
    """One end. Sends are queued and never block; whoever closes the other end is noticed by `on_close`.

    The receiver owns the descriptors that it is handed. A channel that reads garbage closes itself: the other end is a
    process of ours, so garbage means a bug, and the supervisor replaces the child.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._received = bytearray()
        self._received_fds: deque[int] = deque()
        self._outgoing: deque[tuple[bytes, list[int]]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_message: OnMessage = lambda _message, _fds: None
        self._on_close: Callable[[], None] = lambda: None
        self._writing = False
        self.closed = False

    @staticmethod
    def pair() -> tuple["Channel", socket.socket]:
        """A new channel and the bare socket of its other end, for a child to inherit."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return Channel(ours), theirs

    def attach(self, loop: asyncio.AbstractEventLoop, on_message: OnMessage, on_close: Callable[[], None]) -> None:
        """Start to deliver messages. `on_close` is called once, when the other end is gone or sent garbage."""
        self._loop, self._on_message, self._on_close = loop, on_message, on_close
        loop.add_reader(self._sock.fileno(), self._readable)
        self._flush()

    def send(self, message: Message, fds: Sequence[int] = ()) -> None:
        """Queue a message. The descriptors are duplicated, so the caller may close its own at once."""
        if self.closed:
            return
        body = message.model_dump_json().encode()
        copies = [os.dup(fd) for fd in fds]
        # Every chunk of descriptors needs at least one byte to ride on: spread the header over them.
        frame = _HEADER.pack(len(body), len(copies)) + body
        for start in range(0, len(copies), _FDS_AT_ONCE):
            self._outgoing.append((frame[:1], copies[start : start + _FDS_AT_ONCE]))
            frame = frame[1:]
        self._outgoing.append((frame, []))
        self._flush()

    @property
    def unsent(self) -> int:
        """Bytes that wait for the other end to read."""
        return sum(len(data) for data, _ in self._outgoing)

    async def drain(self) -> None:
        """Wait until everything queued has been handed to the kernel, or the channel closed."""
        while self._outgoing and not self.closed:
            await asyncio.sleep(0.005)

    def close(self) -> None:
        """Close without calling `on_close`."""
        if self.closed:
            return
        self.closed = True
        if self._loop is not None:
            self._loop.remove_reader(self._sock.fileno())
            self._loop.remove_writer(self._sock.fileno())
        self._sock.close()
        for fd in (*self._received_fds, *(fd for _, fds in self._outgoing for fd in fds)):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._outgoing.clear()

    def _lost(self) -> None:
        if not self.closed:
            self.close()
            self._on_close()

    def _flush(self) -> None:
        while self._outgoing:
            data, fds = self._outgoing[0]
            try:
                sent = socket.send_fds(self._sock, [data], fds) if fds else self._sock.send(data)
            except BlockingIOError:
                break
            except OSError:
                # The reader notices the same and reports it; raising here would blame the sender of a message.
                break
            for fd in fds:
                os.close(fd)
            self._outgoing.popleft()
            if sent < len(data):
                self._outgoing.appendleft((data[sent:], []))
        self._watch_for_writing(bool(self._outgoing))

    def _watch_for_writing(self, wanted: bool) -> None:  # noqa: FBT001 - it mirrors a state, not an option
        if self._loop is None or wanted == self._writing:
            return
        self._writing = wanted
        if wanted:
            self._loop.add_writer(self._sock.fileno(), self._flush)
        else:
            self._loop.remove_writer(self._sock.fileno())

    def _readable(self) -> None:
        try:
            data, fds, _flags, _address = socket.recv_fds(self._sock, _READ, _FDS_AT_ONCE + 53)
        except BlockingIOError:
            return
        except OSError:
            self._lost()
            return
        self._received_fds.extend(fds)
        if not data:
            self._lost()
            return
        self._received += data
        try:
            self._deliver()
        except ChannelError:
            self._lost()
            raise

    def _deliver(self) -> None:
        while len(self._received) >= _HEADER.size and not self.closed:
            length, count = _HEADER.unpack_from(self._received)
            if length > _LARGEST:
                raise ChannelError(f"a message of {length} bytes")
            end = _HEADER.size + length
            if len(self._received) < end:
                return
            body = bytes(memoryview(self._received)[_HEADER.size : end])
            del self._received[:end]
            try:
                message = MESSAGE.validate_json(body)
            except ValidationError as error:
                raise ChannelError(f"a message that cannot be read: {error.error_count()} errors") from error
            fds = [self._received_fds.popleft() for _ in range(count)]
            self._hand_on(message, fds)

    def _hand_on(self, message: Message, fds: list[int]) -> None:
        try:
            self._on_message(message, fds)
        except Exception as error:
            if not isinstance(message, Configure):
                raise
            # A bug of ours. Whoever waits for the answer must hear of it, and say it, instead of waiting in vain.
            _log.exception("generation %d cannot be put into effect", message.generation)
            self.send(Rejected(generation=message.generation, reason=f"an internal error: {error!r}"))
