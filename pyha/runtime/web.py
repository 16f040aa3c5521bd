"""The listeners that answer themselves: monitor URI and statistics page, over HTTP/1.

Strict and bounded, because load balancers and scanners talk to it all day: a head of at most 8 kB within a deadline,
a limited number of connections, and when they are all taken the one that has kept us waiting longest has to go.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pyha.config.model import Config, Frontend, HttpService
from pyha.control.messages import FrontendCounters, Listener
from pyha.control.statistics import WebCounters
from pyha.errors import DecodeError
from pyha.stats.http import BAD_REQUEST, HEAD_END, LARGEST_BODY, LARGEST_HEAD, REQUEST_TIMEOUT, Request, parse
from pyha.stats.service import View, answer
from pyha.units import seconds

log = logging.getLogger("pyha.monitor")

_CONNECTIONS = 200
_LONGEST_WAIT = 30.0  # seconds for a whole request, or for taking a whole answer
_LINGER = 1.0  # seconds
_READ = 8 * 1024
_ACCEPTS_AT_ONCE = 64


@dataclass
class _Counts:
    now: int = 0
    highest: int = 0
    total: int = 0
    failed: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    responses: list[int] = field(default_factory=lambda: [0] * 6)


class _Silence(Exception):  # noqa: N818 - the end of a conversation, not an error
    """The client is gone, or said nothing."""


class WebService:
    """Follows `configure`; `view` is asked for what to show. Everything runs on the loop that `configure` runs on."""

    def __init__(self, view: Callable[[], View]) -> None:
        self._view = view
        self._sockets: dict[tuple[str, int, str], socket.socket] = {}
        self._frontends: dict[str, Frontend] = {}
        self._counts: dict[str, _Counts] = {}
        self._connections: dict[asyncio.Task[None], bool] = {}  # in order of age; True while it waits for a request

    def configure(self, config: Config, listeners: Sequence[Listener], fds: Sequence[int]) -> None:
        """Serve exactly these listeners. Takes the descriptors over; those of known addresses are closed."""
        self._frontends = {frontend.name: frontend for frontend in config.frontends if frontend.http}
        gone = dict(self._sockets)
        for listener, fd in zip(listeners, fds, strict=True):
            key = (listener.host, listener.port, listener.frontend)
            if gone.pop(key, None) is not None or listener.frontend not in self._frontends:
                os.close(fd)
                continue
            sock = self._sockets[key] = socket.socket(fileno=fd)
            sock.setblocking(False)
            asyncio.get_running_loop().add_reader(fd, self._accept, sock, listener.frontend)
        for key, sock in gone.items():
            del self._sockets[key]
            _unlisten(sock)

    def close(self) -> None:
        """Stop listening and end the conversations."""
        for sock in self._sockets.values():
            _unlisten(sock)
        self._sockets.clear()
        for task in self._connections:
            task.cancel()

    def counters(self) -> dict[str, WebCounters]:
        """What every frontend counted since this process started."""
        return {
            name: WebCounters(
                FrontendCounters(name=name, sessions=counts.now, total=counts.total, bytes_in=counts.bytes_in,
                                 bytes_out=counts.bytes_out, failed=counts.failed, max_sessions=counts.highest),
                (counts.responses[0], counts.responses[1], counts.responses[2], counts.responses[3],
                 counts.responses[4], counts.responses[5]),
            )
            for name in self._frontends for counts in [self._counts.get(name, _Counts())]
        }

    def _accept(self, listening: socket.socket, frontend: str) -> None:
        for _ in range(_ACCEPTS_AT_ONCE):
            try:
                sock, _address = listening.accept()
            except OSError:  # nobody there any more, or no descriptor left: the next event tries again
                return
            sock.setblocking(False)
            if len(self._connections) >= _CONNECTIONS and not self._make_room():
                sock.close()
                continue
            task = asyncio.get_running_loop().create_task(self._serve(sock, frontend))
            self._connections[task] = True
            task.add_done_callback(lambda done: self._connections.pop(done, None))

    def _make_room(self) -> bool:
        oldest = next((task for task, waits in self._connections.items() if waits), None)
        if oldest is None:
            return False
        oldest.cancel()
        del self._connections[oldest]
        return True

    async def _serve(self, sock: socket.socket, name: str) -> None:
        counts = self._counts.setdefault(name, _Counts())
        counts.now += 1
        counts.total += 1
        counts.highest = max(counts.highest, counts.now)
        try:
            await _Conversation(self, sock, name, counts).run()
        except (OSError, TimeoutError, _Silence):
            pass
        except Exception:  # a bug in a page must not take the health checks with it
            log.exception("an HTTP request failed")
        finally:
            counts.now -= 1
            sock.close()

    def answer(self, name: str, request: Request) -> tuple[int, bytes]:
        """The status code and the bytes of an answer."""
        frontend = self._frontends.get(name)
        response = answer((frontend and frontend.http) or HttpService(), request, self._view())
        return response.code, response.encode(request)

    def patience(self, name: str) -> float:
        """How long a client may take for a request."""
        frontend = self._frontends.get(name)
        timeout = frontend.timeout_client if frontend else None
        return min(_LONGEST_WAIT, seconds(timeout)) if timeout else _LONGEST_WAIT

    def waiting(self, *, waits: bool) -> None:
        """The conversation of the current task waits for its client, or works."""
        task = asyncio.current_task()
        if task in self._connections:
            self._connections[task] = waits


class _Conversation:
    def __init__(self, web: WebService, sock: socket.socket, name: str, counts: _Counts) -> None:
        self._web = web
        self._sock = sock
        self._name = name
        self._counts = counts
        self._received = b""

    async def run(self) -> None:
        """Answer requests until the client has enough or has to go."""
        if await self._talk():
            await self._linger()

    async def _talk(self) -> bool:
        """True when the last word was ours."""
        goes_on = True
        while goes_on:
            self._web.waiting(waits=True)
            try:
                async with asyncio.timeout(self._web.patience(self._name)):
                    request = await self._request()
            except TimeoutError:
                if self._received:
                    await self._refuse(REQUEST_TIMEOUT)
                return bool(self._received)
            except DecodeError:
                await self._refuse(BAD_REQUEST)
                return True
            self._web.waiting(waits=False)
            code, data = self._web.answer(self._name, request)
            self._counts.responses[code // 100 - 1] += 1
            await self._send(data)
            goes_on = request.keep_alive and code != 401
        return True

    async def _linger(self) -> None:
        """Read on for a moment: closing on unread bytes is a reset, which may overtake the answer (RFC 9112, 9.6)."""
        self._web.waiting(waits=True)
        self._sock.shutdown(socket.SHUT_WR)
        left = LARGEST_BODY
        async with asyncio.timeout(_LINGER):
            while left > 0 and (data := await asyncio.get_running_loop().sock_recv(self._sock, _READ)):
                left -= len(data)

    async def _request(self) -> Request:
        # RFC 9112 section 2.2: empty lines before a request are forgiven.
        while HEAD_END not in (received := self._received.lstrip(b"\r\n")):
            if len(self._received) >= LARGEST_HEAD or _hopeless(received):
                raise DecodeError("bad-request", "the head is too long, or no HTTP")
            await self._fill()
        head, _, rest = received.partition(HEAD_END)
        request = parse(head)
        self._received = rest
        if request.keep_alive:
            while len(self._received) < request.body_length:
                await self._fill()
            self._received = self._received[request.body_length:]
        return request

    async def _fill(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self._sock, _READ)
        if not data:
            raise _Silence
        self._counts.bytes_in += len(data)
        self._received += data

    async def _refuse(self, data: bytes) -> None:
        self._counts.failed += 1
        self._counts.responses[3] += 1
        await self._send(data)

    async def _send(self, data: bytes) -> None:
        async with asyncio.timeout(_LONGEST_WAIT):
            await asyncio.get_running_loop().sock_sendall(self._sock, data)
        self._counts.bytes_out += len(data)


def _hopeless(received: bytes) -> bool:
    """It does not begin like a request, so there is no point in waiting for its end."""
    first = received[:1]
    return first != b"" and not (b"A" <= first <= b"Z" or b"a" <= first <= b"z")


def _unlisten(sock: socket.socket) -> None:
    asyncio.get_running_loop().remove_reader(sock.fileno())
    sock.close()
