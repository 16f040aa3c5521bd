"""Holds many /watch streams open, as controllers and kubelets do, and opens again what it loses.

One line of JSON on standard output an event: [time, "open", number, node] and [time, "lost", number, reason]. Reasons:
"ended" (the apiserver said that it was the last line), "silent" (no line for too long) and what the connection died of.
"""

import argparse
import asyncio
import json
import random
import ssl
import sys
import time

from client import describe, trusting

_RETRY = 0.3  # seconds before another attempt, and as much again at random: two hundred at once would be a storm


class Stream(asyncio.Protocol):
    """One watch: remembers when it last heard something and how it ended."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._rest = b""
        self._transport: asyncio.Transport
        self.node: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.heard = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """A line, or a piece of one."""
        self.heard = time.monotonic()
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"{"):
                self._take(json.loads(line))

    def _take(self, line: dict[str, object]) -> None:
        if not self.node.done():
            self.node.set_result(str(line["node"]))
        if "end" in line:
            self.end("ended")

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.end(describe(exc) if exc else "reset")

    def end(self, reason: str) -> None:
        """It is over; only the first reason counts."""
        if not self.lost.done():
            self.lost.set_result(reason)
        if not self.node.done():
            self.node.set_exception(ConnectionResetError(reason))
            self.node.exception()  # seen, should nobody be waiting for it any more
        self._transport.abort()


class Watcher:
    """Keeps `count` streams open."""

    def __init__(self, address: str, port: int, context: ssl.SSLContext, silence: float) -> None:
        self._address, self._port, self._context, self._silence = address, port, context, silence
        self._request = f"GET /watch HTTP/1.1\r\nHost: {address}\r\n\r\n".encode()
        self._streams: set[Stream] = set()
        self._opening = asyncio.Semaphore(8)

    async def run(self, count: int) -> None:
        """Hold them, for ever."""
        async with asyncio.TaskGroup() as group:
            for number in range(count):
                group.create_task(self._keep(number))
            group.create_task(self._sweep())

    async def _keep(self, number: int) -> None:
        while True:
            try:
                async with self._opening:
                    stream, node = await self._open()
            except (OSError, ValueError, TimeoutError):
                await asyncio.sleep(_RETRY * (1 + random.random()))
                continue
            _say("open", number, node)
            reason = await stream.lost
            self._streams.discard(stream)
            _say("lost", number, reason)
            await asyncio.sleep(_RETRY * random.random())

    async def _open(self) -> tuple[Stream, str]:
        stream = Stream(self._request)
        async with asyncio.timeout(2):
            transport, _ = await asyncio.get_running_loop().create_connection(
                lambda: stream, self._address, self._port, ssl=self._context, server_hostname=self._address
            )
            try:
                node = await stream.node
            except BaseException:
                transport.abort()
                raise
        self._streams.add(stream)
        return stream, node

    async def _sweep(self) -> None:
        """A line comes every second: a stream that is silent for longer hangs on a path that is gone."""
        while True:
            await asyncio.sleep(0.25)
            limit = time.monotonic() - self._silence
            for stream in [stream for stream in self._streams if stream.heard < limit]:
                stream.end("silent")


def _say(what: str, number: int, detail: str) -> None:
    sys.stdout.write(json.dumps([round(time.monotonic(), 4), what, number, detail]) + "\n")
    sys.stdout.flush()


async def _main(arguments: argparse.Namespace) -> None:
    await Watcher(arguments.address, arguments.port, trusting(arguments.ca), arguments.silence).run(arguments.count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--silence", type=float, default=3.0, help="seconds without a line until a stream is lost")
    try:
        asyncio.run(_main(parser.parse_args()))
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)
