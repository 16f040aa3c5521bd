"""One health check over real sockets: performs what a Dialogue asks for and reports what happens."""

import asyncio
import os
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyha.config.model import Tls
from pyha.errors import FitnessError
from pyha.health.dialogue import TOKEN, Action, Conclude, Connect, Dialogue, RunProgram, Script, Send, Stage
from pyha.health.proxy_header import proxy_header
from pyha.health.schedule import Timeouts
from pyha.health.verdict import Verdict

from .external import NO_BRIEFING, Briefing, run_program
from .streams import Kept, PlainStream, Stream
from .tlsclient import TlsContexts, TlsStream, WrongName


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict and how long it took."""

    verdict: Verdict
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Target:
    """The server's address; a script may say otherwise for a step. `program`: what an external check is told."""

    host: str
    port: int
    program: Briefing = NO_BRIEFING


class Prober:
    """Runs checks. Keeps the TLS contexts."""

    def __init__(self, contexts: TlsContexts) -> None:
        self._contexts = contexts

    async def probe(self, script: Script, target: Target, timeouts: Timeouts, kept: Kept | None = None) -> Outcome:
        """Run one check to its end. Raises nothing but CancelledError. `kept`: where a connection may be kept."""
        started = time.monotonic()
        run = _Run(script, target, timeouts, self._contexts, kept)
        try:
            verdict = await run.to_the_end()
        finally:
            run.close()
        return Outcome(verdict, int((time.monotonic() - started) * 1000))


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
    def __init__(self, script: Script, target: Target, timeouts: Timeouts, contexts: TlsContexts,
                 kept: Kept | None) -> None:
        self._script = script
        self._dialogue = Dialogue(script)
        self._target = target
        self._timeouts = timeouts
        self._contexts = contexts
        self._kept = kept if script.keep_alive else None
        self._reused = False  # talking over a connection of an earlier check, which has not answered yet
        self._stage: Stage = "connect"
        self._stream: Stream | None = None
        self._key: object = None

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
        verdict = self._dialogue.concluded
        assert verdict is not None
        if self._kept is not None and self._stream is not None and verdict.answered and self._stage == "exchange":
            self._kept.put(self._key, self._stream)
            self._stream = None
        return verdict

    async def _attempt(self, actions: Sequence[Action]) -> Sequence[Action]:
        try:
            return await self._perform(actions)
        except OSError as error:
            if self._reused:
                return self._anew()
            if self._stage == "handshake":
                return self._dialogue.failed(self._stage, _handshake_failure(error))
            return self._dialogue.failed(self._stage, _system_words(error))

    async def _perform(self, actions: Sequence[Action]) -> Sequence[Action]:
        for action in actions:
            if isinstance(action, Send):
                assert self._stream is not None
                await self._stream.send(self._words(action))
            elif isinstance(action, Connect):
                await self._connect(action)
                return self._dialogue.connected()
            elif isinstance(action, RunProgram):
                self._stage = "exchange"
                return self._dialogue.exited(await run_program(action, self._target.program))
            else:
                return [action]
        data = await self._receive()
        if self._reused and not data:
            return self._anew()
        self._reused = False
        return self._dialogue.received(data) if data else self._dialogue.closed()

    async def _receive(self) -> bytes:
        assert self._stream is not None
        if not self._reused:
            return await self._stream.receive()
        # Something on the way may have forgotten the connection; then there must be time left to make another one.
        try:
            async with asyncio.timeout((self._timeouts.answer or self._timeouts.connect) / 2):
                return await self._stream.receive()
        except TimeoutError:
            return b""

    def _anew(self) -> Sequence[Action]:
        """The kept connection is dead, which says nothing about the server: begin again with a new one."""
        self.close()
        self._reused = False
        self._dialogue = Dialogue(self._script)
        return self._dialogue.start()

    def _words(self, action: Send) -> bytes:
        if action.token_file is None:
            return action.data
        # Read every time: such tokens are replaced every hour.
        token = Path(action.token_file).read_bytes().strip()
        return action.data.replace(TOKEN, token)

    async def _connect(self, wanted: Connect) -> None:
        self.close()
        self._stage = "connect"
        host, port = wanted.host or self._target.host, wanted.port or self._target.port
        self._key = host, port, wanted.tls
        self._stream = self._kept.take(self._key) if self._kept is not None else None
        if self._stream is not None:
            self._reused, self._stage = True, "exchange"
            return
        family, kind, protocol, _name, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0]
        sock = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
        self._stream = PlainStream(sock)
        if len(self._script.steps) == 1 and wanted.tls is None and wanted.proxy == "no":
            # Without the last ACK of the handshake, the reset that follows leaves the server nothing to accept.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        await asyncio.get_running_loop().sock_connect(sock, address)
        if wanted.proxy != "no":
            await self._stream.send(proxy_header(wanted.proxy, sock.getsockname(), sock.getpeername()))
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
