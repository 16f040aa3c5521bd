"""One health check over real sockets: performs what a Dialogue asks for and reports what happens."""

import asyncio
import os
import socket
import ssl
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

from pyha.config.model import Tls
from pyha.errors import FitnessError
from pyha.health.dialogue import Action, Conclude, Connect, Dialogue, Script, Send, Stage
from pyha.health.schedule import Timeouts
from pyha.health.verdict import Verdict

from .tlsclient import TlsContexts, TlsStream, WrongName

_READ = 16 * 1024
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict and how long it took."""

    verdict: Verdict
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Target:
    """The server's address; a script may say otherwise for a step."""

    host: str
    port: int


class Prober:
    """Runs checks. Keeps the TLS contexts."""

    def __init__(self, contexts: TlsContexts) -> None:
        self._contexts = contexts

    async def probe(self, script: Script, target: Target, timeouts: Timeouts) -> Outcome:
        """Run one check to its end. Raises nothing but CancelledError."""
        started = time.monotonic()
        run = _Run(Dialogue(script), target, timeouts, self._contexts, quiet=len(script.steps) == 1)
        try:
            verdict = await run.to_the_end()
        finally:
            run.close()
        return Outcome(verdict, int((time.monotonic() - started) * 1000))


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


class _Limit:
    """Cancels the current task when its time is up.

    While a machine is so busy that this process does not run, answers wait unread. That is not the server's fault, so
    time is counted in short ticks: of a tick that comes late only its own length counts, and it never is the last one,
    because what arrived meanwhile has yet to be read. Should every tick be late, `_MOST` times the limit is the end.
    """

    _TICK = 0.1  # seconds
    _LATE = 0.02  # seconds that a timer may be late on a machine that is well
    _MOST = 5

    def __init__(self, seconds: float) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._loop = asyncio.get_running_loop()
        self._reached = False
        self._begin(seconds)

    def restart(self, seconds: float) -> None:
        """The time counts from now."""
        self._timer.cancel()
        self._begin(seconds)

    def close(self) -> None:
        """No longer cancel anything."""
        self._timer.cancel()
        if self._reached:
            self._task.uncancel()

    @property
    def alone(self) -> bool:
        """The task was cancelled by this limit and by nobody else."""
        return self._reached and self._task.cancelling() == 1

    def _begin(self, seconds: float) -> None:
        self._left = seconds
        self._end = self._loop.time() + self._MOST * seconds
        self._arm()

    def _arm(self) -> None:
        self._tick = min(self._TICK, max(self._left, self._LATE))
        self._timer = self._loop.call_later(self._tick, self._due)

    def _due(self) -> None:
        now = self._loop.time()
        self._left -= self._tick
        late = now - self._timer.when() > self._LATE
        if self._left > 1e-6 or (late and now < self._end):
            self._arm()
        else:
            self._reached = True
            self._task.cancel()


class _Run:
    def __init__(self, dialogue: Dialogue, target: Target, timeouts: Timeouts, contexts: TlsContexts, *,
                 quiet: bool) -> None:
        self._dialogue = dialogue
        self._target = target
        self._timeouts = timeouts
        self._contexts = contexts
        self._quiet = quiet
        self._stage: Stage = "connect"
        self._stream: PlainStream | TlsStream | None = None

    async def to_the_end(self) -> Verdict:
        limit = _Limit(self._timeouts.connect)
        try:
            actions: Sequence[Action] = self._dialogue.start()
            while not (actions and isinstance(actions[0], Conclude)):
                connecting = bool(actions) and isinstance(actions[-1], Connect)
                actions = await self._attempt(actions)
                if connecting and self._timeouts.answer is not None:
                    limit.restart(self._timeouts.answer)
        except asyncio.CancelledError:
            if not limit.alone:
                raise
            self._dialogue.expired(self._stage)
        finally:
            limit.close()
        assert self._dialogue.concluded is not None
        return self._dialogue.concluded

    async def _attempt(self, actions: Sequence[Action]) -> Sequence[Action]:
        try:
            return await self._perform(actions)
        except OSError as error:
            if self._stage == "handshake":
                return self._dialogue.failed(self._stage, _handshake_failure(error))
            return self._dialogue.failed(self._stage, _system_words(error))

    async def _perform(self, actions: Sequence[Action]) -> Sequence[Action]:
        for action in actions:
            if isinstance(action, Send):
                assert self._stream is not None
                await self._stream.send(action.data)
            elif isinstance(action, Connect):
                await self._connect(action)
                return self._dialogue.connected()
            else:
                return [action]
        assert self._stream is not None
        data = await self._stream.receive()
        return self._dialogue.received(data) if data else self._dialogue.closed()

    async def _connect(self, wanted: Connect) -> None:
        self.close()
        self._stage = "connect"
        host, port = wanted.host or self._target.host, wanted.port or self._target.port
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
        sock = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
        self._stream = PlainStream(sock)
        if self._quiet and wanted.tls is None:
            # Without the last ACK of the handshake, the reset that follows leaves the server nothing to accept.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        await asyncio.get_running_loop().sock_connect(sock, address)
        if wanted.tls is not None:
            await self._handshake(sock, wanted.tls)
        self._stage = "exchange"

    async def _handshake(self, sock: socket.socket, tls: Tls) -> None:
        self._stage = "handshake"
        try:
            context = self._contexts.get(tls)
        except FitnessError as error:
            raise OSError(0, str(error)) from error
        stream = TlsStream(sock, tls, context)
        self._stream = stream
        await stream.handshake()

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None


def _system_words(error: OSError) -> str:
    """What the kernel calls it; asyncio puts words of its own around the number."""
    if isinstance(error, ssl.SSLError):  # its number is none of the kernel's
        return (error.reason or "TLS failure").replace("_", " ").lower()
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error)


def _handshake_failure(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"SSL handshake failure ({error.verify_message})"
    if isinstance(error, WrongName):
        return str(error)
    if isinstance(error.__cause__, FitnessError):
        return str(error.__cause__)
    if isinstance(error, ssl.SSLEOFError):
        return "SSL handshake failure"
    return f"SSL handshake failure ({_system_words(error)})"
