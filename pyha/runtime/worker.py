"""The worker process: accepts clients, and relays each to a server.

uvloop runs what is slow (the channel to the supervisor, timers); bytes pass through the relay's own epoll, whose
descriptor is one reader among others for uvloop.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import socket
from typing import Any

import uvloop

from pyha.config.model import Backend
from pyha.control.messages import Configure, Configured, Message, Stop
from pyha.runtime import log
from pyha.runtime.channel import Channel
from pyha.runtime.kernelpath import open_kernel_path
from pyha.runtime.link import Link
from pyha.runtime.relay import Relay

logger = logging.getLogger("pyha.worker")


class _Frontend:
    def __init__(self, sock: socket.socket, backend: Backend) -> None:
        self.sock = sock
        self.servers = itertools.cycle(
            [(server.host, server.port or 0) for server in backend.servers if not server.disabled]
        )


class Worker:
    """First thread through it all: round robin over the configured servers."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.relay = Relay(self)
        self.frontends: dict[tuple[str, int, str], _Frontend] = {}
        self.stopped = asyncio.Event()
        self.links = 0

    async def run(self) -> int:
        """Until Stop, or until the supervisor is gone."""
        self.loop = asyncio.get_running_loop()
        self.loop.add_reader(self.relay.epoll.fileno(), self._ready)
        self.channel.attach(self.loop, self._message, self._orphaned)
        await self.stopped.wait()
        return 0

    def _ready(self) -> None:
        again = self.relay.ready()
        if again is not None:
            self.loop.call_later(again, self._ready)

    def _message(self, message: Message, fds: list[int]) -> None:
        if isinstance(message, Configure):
            self._configure(message, fds)
        elif isinstance(message, Stop):
            self._stop(message.grace)

    def _configure(self, message: Configure, fds: list[int]) -> None:
        if self.relay.kernel is None:
            self.relay.kernel = open_kernel_path(message.kernel_path)
        gone = dict(self.frontends)
        names = {frontend.name: frontend for frontend in message.config.frontends}
        for listener, fd in zip(message.listeners, fds, strict=True):
            key = (listener.host, listener.port, listener.frontend)
            backend = message.config.backend(names[listener.frontend].default_backend or "")
            if gone.pop(key, None) is not None or backend is None:
                os.close(fd)
                continue
            frontend = self.frontends[key] = _Frontend(socket.socket(fileno=fd), backend)
            self.relay.listen(fd, lambda frontend=frontend: self._accept(frontend))  # type: ignore[misc]
        for key, frontend in gone.items():
            del self.frontends[key]
            self.relay.unlisten(frontend.sock.fileno())
            frontend.sock.close()
        self.channel.send(Configured(generation=message.generation))

    def _stop(self, grace: float) -> None:
        for frontend in self.frontends.values():
            self.relay.unlisten(frontend.sock.fileno())
            frontend.sock.close()
        self.frontends.clear()
        self.loop.call_later(grace if self.links else 0, self.stopped.set)

    def _orphaned(self) -> None:
        self._stop(1.0)

    def _accept(self, frontend: _Frontend) -> None:
        with contextlib.suppress(BlockingIOError):
            for _ in range(128):
                fd, address = frontend.sock._accept()  # type: ignore[attr-defined]
                link = Link(frontend, address, self.relay.now)
                self.relay.adopt(link, fd, frontend.sock.family)
                self.links += 1
                self._next(link)

    def _next(self, link: Link) -> None:
        server: Any = next(link.owner.servers, None)
        if server is None or self.relay.connect(link, socket.AF_INET6 if ":" in server[0] else socket.AF_INET, server):
            self.relay.close(link, "S")

    def connected(self, link: Link) -> None:
        """Nothing to decide."""

    def connect_failed(self, link: Link, _error: int) -> None:
        """Try the next one."""
        self.relay.defer(lambda: self._next(link))

    def closed(self, _link: Link) -> None:
        """Count."""
        self.links -= 1


def main(channel: Channel) -> int:
    """Run a worker until the supervisor says stop or goes away. Returns the exit code."""
    log.setup("worker")
    return uvloop.run(_main(channel))


async def _main(channel: Channel) -> int:
    return await Worker(channel).run()
