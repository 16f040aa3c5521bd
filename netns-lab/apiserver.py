"""A stand-in for kube-apiserver: TLS, health endpoints, /whoami, a /watch that streams a line a second.

SIGTERM stops it as kube-apiserver stops with --shutdown-delay-duration: /readyz answers 500 while everything else is
still served, so that balancers notice; then no new connection is accepted, requests finish, watches are ended in order.
"""

import argparse
import asyncio
import json
import signal
import ssl

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 500: "Internal Server Error"}
_LONGEST_REQUEST = 16384
_PATIENCE = 10.0  # seconds for a client to say what it wants


class Apiserver:
    """What all connections share."""

    def __init__(self, node: str, delay: float) -> None:
        self.node = node
        self.delay = delay
        self.ready = True
        self.connections: set[Connection] = set()
        self.stopping = asyncio.Event()

    def answer(self, method: str, target: str, peer: str) -> tuple[int, str]:
        """Status and body for a request; `/watch` is the caller's business."""
        path = target.partition("?")[0]
        if method not in ("GET", "HEAD", "OPTIONS"):
            return 405, "only GET, HEAD and OPTIONS here\n"
        if path == "/readyz":
            return (200, "ok") if self.ready else (500, "[-]shutdown failed: process is shutting down\n")
        if path in ("/healthz", "/livez", "/"):
            return 200, "ok"
        if path == "/whoami":
            # The balancer connects from its own address: whoever asks learns who carried the request.
            return 200, json.dumps({"node": self.node, "via": peer}) + "\n"
        return 404, "no such path; there are /readyz /healthz /livez /whoami /watch\n"

    def terminate(self) -> None:
        """Not ready from now on; gone after the delay."""
        if self.ready:
            self.ready = False
            print(f"{self.node}: /readyz answers 500 from now on, stopping in {self.delay:g} s", flush=True)
            asyncio.get_running_loop().call_later(self.delay, self.stopping.set)


class Connection(asyncio.Protocol):
    """One request, one answer, closed; or a watch."""

    def __init__(self, server: Apiserver) -> None:
        self._server = server
        self._request = b""
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._lines = 0
        self.watching = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there, the handshake is done."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.connections.add(self)
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 (asyncio's signature)
        """The client is gone."""
        self._server.connections.discard(self)
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Collect the head of the request, then answer."""
        if self.watching:
            return
        self._request += data
        if b"\r\n\r\n" in self._request:
            self._respond()
        elif len(self._request) > _LONGEST_REQUEST:
            self._transport.abort()

    def _respond(self) -> None:
        words = self._request.split(b"\r\n", 1)[0].decode("latin-1").split()
        if len(words) != 3:
            self._send(400, "not a request\n", head=False)
            return
        method, target, _ = words
        if method == "GET" and target.partition("?")[0] == "/watch":
            self.watching = True
            # Without a length the body ends with the connection: every HTTP client since 1.0 understands that.
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")
            self._line()
            return
        peer = self._transport.get_extra_info("peername")[0]
        status, body = self._server.answer(method, target, peer)
        self._send(status, body, head=method == "HEAD")

    def _send(self, status: int, body: str, *, head: bool) -> None:
        content = body.encode()
        self._transport.write(
            f"HTTP/1.1 {status} {_REASONS[status]}\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n\r\n".encode() + (b"" if head else content)
        )
        self._transport.close()

    def _line(self) -> None:
        self._lines += 1
        self._write({"node": self._server.node, "line": self._lines})
        if self._timer:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(1.0, self._line)

    def _write(self, line: dict[str, object]) -> None:
        self._transport.write(json.dumps(line).encode() + b"\n")

    def finish(self) -> None:
        """End a watch in order: the last line says that it is the last."""
        if self.watching:
            self._write({"node": self._server.node, "end": True})
            self._transport.close()


async def serve(server: Apiserver, address: str, port: int, certificate: str, key: str) -> None:
    """Accept until told to stop, then let everybody finish."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.terminate)
    listener = await loop.create_server(
        lambda: Connection(server), address, port, ssl=context, backlog=512, reuse_address=True, ssl_handshake_timeout=5
    )
    print(f"{server.node}: serving on {address or '*'}:{port}", flush=True)
    await server.stopping.wait()
    listener.close()
    for connection in list(server.connections):
        connection.finish()
    for _ in range(50):
        if not server.connections:
            break
        await asyncio.sleep(0.1)
    print(f"{server.node}: stopped, {len(server.connections)} connections left open", flush=True)


async def _main(arguments: argparse.Namespace) -> None:
    server = Apiserver(arguments.node, arguments.delay)
    await serve(server, arguments.address, arguments.port, arguments.cert, arguments.key)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--node", required=True, help="the name that /whoami answers with")
    parser.add_argument("--address", default="", help="where to listen (default: everywhere)")
    parser.add_argument("--port", type=int, default=6443)
    parser.add_argument("--cert", required=True)
    parser.add_argument("--key", required=True)
    parser.add_argument("--delay", type=float, default=5.0, help="seconds from SIGTERM to the last new connection")
    asyncio.run(_main(parser.parse_args()))
