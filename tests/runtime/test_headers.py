"""A header that the server's socket does not take at once."""

import socket

from pyha.runtime.link import Link, Side, Stage
from pyha.runtime.relay import Relay


class Reluctant:
    """Takes ten bytes, then none until it is asked again."""

    def __init__(self):
        self.taken = b""
        self.full = False

    def send(self, data, _flags):
        if self.full:
            self.full = False
            raise BlockingIOError
        self.full = True
        self.taken += bytes(data[:10])
        return min(10, len(data))


class Nobody:
    """A handler that is not called."""


def test_what_the_server_does_not_take_waits_before_everything_of_the_client():
    relay = Relay(Nobody())
    ours, client = socket.socketpair()
    link = Link(None, ("192.0.2.1", 1), 0.0)
    relay.adopt(link, ours.detach(), socket.AF_UNIX)
    server = link.server = Side(Reluctant(), -1, link, up=False)
    server.up = server.known = True
    server.peer, link.client.peer = link.client, server
    link.stage = Stage.OPEN
    header = b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"
    client.sendall(b"hello")
    relay.lead(server, header)
    assert server.sock.taken == header[:10]
    assert server.pending is not None
    for _ in range(20):
        relay._pump(link.client)
    relay._flush(server)
    relay._flush(server)
    assert server.sock.taken == header + b"hello"
    assert link.client.received == 5
    link.client.sock.close()
    client.close()
    relay.shut_down()
