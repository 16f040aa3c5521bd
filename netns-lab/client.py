"""The client: a new TLS connection with one request every 10 ms, each bounded in time, each recorded.

One line of JSON on stdout a request, [started, ended, node, via, error]: seconds of the monotonic clock; `node`
who answered, `via` which balancer carried it, `error` a word when there was no answer. When the machine was too busy to
begin them in time, requests are left out rather than sent in a burst; the line {"skipped": n} says so.
"""

import argparse
import asyncio
import json
import ssl
import sys
import time

Record = tuple[float, float, str, str, str]
_FLUSH = 0.05  # seconds that lines may wait, so that one write carries several


class Exchange(asyncio.Protocol):
    """One request and its answer."""

    def __init__(self, request: bytes, answered: asyncio.Future[bytes]) -> None:
        self._request = request
        self._answered = answered
        self._answer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is done: ask."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        """Collect the answer; it is complete with the newline that /whoami ends in."""
        self._answer += data
        if self._answer.endswith(b"}\n") and not self._answered.done():
            self._answered.set_result(self._answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Closed before the answer was complete: that is an error."""
        if not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("closed without an answer"))


class Client:
    """Sends and records."""

    def __init__(self, address: str, port: int, context: ssl.SSLContext, timeout: float) -> None:
        self._address, self._port, self._context, self._timeout = address, port, context, timeout
        self._request = f"GET /whoami HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n".encode()
        self._lines: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, interval: float) -> None:
        """Send a request every `interval` seconds, for ever."""
        loop = asyncio.get_running_loop()
        loop.call_later(_FLUSH, self._flush)
        due = time.monotonic()
        while True:
            late = time.monotonic() - due
            if late > 20 * interval:
                self._lines.append(json.dumps({"skipped": int(late / interval)}))
                due += int(late / interval) * interval
            task = loop.create_task(self._exchange())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            due += interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _exchange(self) -> None:
        loop = asyncio.get_running_loop()
        started = time.monotonic()
        answered: asyncio.Future[bytes] = loop.create_future()
        transport: asyncio.BaseTransport | None = None
        node = via = error = ""
        try:
            async with asyncio.timeout(self._timeout):
                transport, _ = await loop.create_connection(
                    lambda: Exchange(self._request, answered), self._address, self._port,
                    ssl=self._context, server_hostname=self._address,
                )
                node, via = parse(await answered)
        except (OSError, ValueError, TimeoutError) as problem:
            error = describe(problem)
        finally:
            if transport is not None:
                transport.close()
            if answered.done() and not answered.cancelled():
                answered.exception()  # seen, should the connection have died while we timed out
        ended = time.monotonic()
        self._lines.append(json.dumps([round(started, 4), round(ended, 4), node, via, error]))

    def _flush(self) -> None:
        if self._lines:
            sys.stdout.write("\n".join(self._lines) + "\n")
            sys.stdout.flush()
            self._lines.clear()
        asyncio.get_running_loop().call_later(_FLUSH, self._flush)


def parse(answer: bytes) -> tuple[str, str]:
    """Who answered and who carried it, from a complete answer. Raises ValueError when it is not what /whoami says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise ValueError(f"status {head[9:12].decode('latin-1')}")
    fields = json.loads(body)
    return fields["node"], fields["via"]


def describe(problem: BaseException) -> str:
    """One word or two for a failure, for the table of what went wrong."""
    match problem:
        case TimeoutError():
            return "timeout"
        case ConnectionRefusedError():
            return "refused"
        case ConnectionResetError() | BrokenPipeError():
            return "reset"
        case ssl.SSLError():
            return "tls"
        case OSError():
            return (problem.strerror or "network error").lower()
        case _:
            return str(problem) or type(problem).__name__


def trusting(authority: str) -> ssl.SSLContext:
    """A context that verifies; one for all connections, because making one costs more than a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    return context


async def _main(arguments: argparse.Namespace) -> None:
    client = Client(arguments.address, arguments.port, trusting(arguments.ca), arguments.timeout)
    await client.run(arguments.interval / 1000)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--interval", type=float, default=10.0, help="milliseconds between two requests")
    parser.add_argument("--timeout", type=float, default=1.0, help="seconds until a request counts as failed")
    try:
        asyncio.run(_main(parser.parse_args()))
    except (BrokenPipeError, KeyboardInterrupt):
        sys.exit(0)
