"""When links move to the kernel and back, and what their books say there: a relay in its loop, two ends in a thread."""

import asyncio
import os
import socket
import time

import pytest
import uvloop

from pyha.config.model import Config
from pyha.control.messages import Configure
from pyha.runtime.kernelgate import open_maps
from pyha.runtime.kernelpath import AGE, EXCHANGES, settle
from pyha.runtime.link import Link
from pyha.runtime.relay import Relay
from tests.runtime.conversation import abort
from tests.runtime.worker_lab import wait_for

pytestmark = [
    pytest.mark.root,
    pytest.mark.root,
]


class Ends:
    """A relay for one link, driven by a function that runs beside it and talks at both ends."""

    def __init__(self, mode):
        self.mode = mode
        self.ended = False

    def run(self, talk):
        uvloop.run(self._run(talk))

    async def _run(self, talk):
        loop = asyncio.get_running_loop()
        self.relay = Relay(self)
        self.relay.attach(loop)
        self.configure(self.mode)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.behind = socket.create_server(("127.0.0.1", 0))
        self.relay.listen(self.listening.fileno(), self._accept)
        try:
            await asyncio.wait_for(loop.run_in_executor(None, self._talk, talk), 60)
        finally:
            if not self.ended:
                self.relay.close(self.link)
            self.relay.shut_down()
            self.listening.close()
            self.behind.close()

    def configure(self, mode):
        made = open_maps(mode, 1)
        assert bool(made) == (mode != "off")
        message = Configure(generation=1, config=Config(), kernel_path=mode, maps=bool(made))
        fds = [7, *(os.dup(fd) for maps in made for fd in maps.fds)]
        for maps in made:
            maps.close()
        self.relay.configure(message, fds)
        assert fds == [7]

    def _talk(self, talk):
        with socket.create_connection(self.listening.getsockname(), 10) as client:
            server, _ = self.behind.accept()
            with server:
                server.settimeout(10)
                talk(self, client, server)

    def _accept(self):
        sock, address = self.listening.accept()
        self.link = Link(None, address, self.relay.now)
        self.relay.adopt(self.link, sock.detach(), socket.AF_INET)
        self.relay.connect(self.link, socket.AF_INET, self.behind.getsockname())

    def connected(self, link):
        pass

    def connect_failed(self, link, error):
        raise AssertionError(error)

    def closed(self, link):
        self.ended = True

    def on_kernel(self):
        return self.link.client.kernel and self.link.server.kernel


def exchange(client, server, count):
    for _ in range(count):
        client.sendall(b"question")
        assert server.recv(100) == b"question"
        server.sendall(b"answer")
        assert client.recv(100) == b"answer"


def test_auto_leaves_a_short_connection_in_the_reactor():
    def talk(ends, client, server):
        exchange(client, server, EXCHANGES - 2)
        client.shutdown(socket.SHUT_WR)
        assert server.recv(1) == b""
        assert ends.link.client.received == 8 * (EXCHANGES - 2)
        assert not ends.link.client.cookie

    Ends("auto").run(talk)


def test_auto_moves_after_a_few_exchanges():
    def talk(ends, client, server):
        exchange(client, server, EXCHANGES + 8)
        wait_for(ends.on_kernel, "the link to move")

    Ends("auto").run(talk)


def test_auto_moves_a_quiet_connection_that_lives_for_long():
    def talk(ends, client, server):
        exchange(client, server, 1)
        wait_for(ends.on_kernel, "the link to move", 10 * AGE)
        exchange(client, server, 1)

    Ends("auto").run(talk)


def test_on_moves_at_once_and_carries_what_the_client_said_before_the_server_answered():
    def talk(ends, client, server):
        client.sendall(b"early")
        assert server.recv(100) == b"early"
        wait_for(ends.on_kernel, "both sides to move")
        assert ends.link.client.reads == 0

    Ends("on").run(talk)


def test_off_moves_nothing():
    def talk(ends, client, server):
        exchange(client, server, 4 * EXCHANGES)
        assert not ends.link.client.cookie

    Ends("off").run(talk)


def test_switching_it_off_leaves_moved_links_where_they_are():
    def talk(ends, client, server):
        exchange(client, server, 1)
        wait_for(ends.on_kernel, "both sides to move")
        ends.relay.kernel.mode = "off"
        exchange(client, server, 3)
        assert ends.on_kernel()

    Ends("on").run(talk)


def test_the_books_are_right_after_settling():
    def talk(ends, client, server):
        exchange(client, server, 3 * EXCHANGES)
        wait_for(ends.on_kernel, "the link to move")
        time.sleep(0.3)
        before = time.monotonic()
        client.sendall(b"x" * 1000)
        assert len(server.recv(1000, socket.MSG_WAITALL)) == 1000
        settle(ends.link, time.monotonic())
        assert ends.link.client.received == 8 * 3 * EXCHANGES + 1000
        assert ends.link.server.received == 6 * 3 * EXCHANGES
        assert ends.link.active >= before - 0.02  # the kernel counts in its own ticks

    Ends("auto").run(talk)


def test_an_idle_link_is_not_taken_for_a_busy_one():
    def talk(ends, client, server):
        exchange(client, server, 3 * EXCHANGES)
        after = time.monotonic()
        settle(ends.link, after)
        time.sleep(0.3)
        settle(ends.link, time.monotonic())
        assert ends.link.active <= after + 0.02

    Ends("auto").run(talk)


def write_until_held_back(ends, server, data):
    """Write until the kernel takes no more. Returns how much that was."""
    server.setblocking(False)
    written = 0

    def held_back():
        nonlocal written
        try:
            while True:
                written += server.send(data[written % len(data) :])
                assert written < 100_000_000, "nobody holds the writer back"
        except BlockingIOError:
            return ends.link.server.returning or not ends.link.server.kernel

    wait_for(held_back, "the writer to be held back")
    server.setblocking(True)
    return written


def read_all(client, data, count):
    received = 0
    while received < count:
        chunk = client.recv(300_000)
        offset = received % len(data)
        assert chunk == (data + data)[offset : offset + len(chunk)]
        received += len(chunk)


def test_a_reader_that_sleeps_holds_its_writer_back_until_it_reads():
    data = os.urandom(1 << 20)

    def talk(ends, client, server):
        exchange(client, server, 1)
        wait_for(ends.on_kernel, "both sides to move")
        for _ in range(3):
            read_all(client, data, write_until_held_back(ends, server, data))
        wait_for(lambda: not ends.link.server.kernel, "the return to the reactor")
        assert ends.link.client.kernel
        exchange(client, server, 3)

    Ends("on").run(talk)


def test_a_fin_while_the_writer_is_held_back_comes_after_everything_before_it():
    data = os.urandom(1 << 20)

    def talk(ends, client, server):
        exchange(client, server, 1)
        written = write_until_held_back(ends, server, data)
        server.shutdown(socket.SHUT_WR)
        read_all(client, data, written)
        assert client.recv(1) == b""
        settle(ends.link, time.monotonic())
        assert ends.link.server.received == written + 6
        client.sendall(b"the other direction lives")
        assert server.recv(100) == b"the other direction lives"

    Ends("on").run(talk)


def test_an_abort_while_the_writer_is_held_back_ends_the_link():
    data = os.urandom(1 << 20)

    def talk(ends, client, server):
        exchange(client, server, 1)
        write_until_held_back(ends, server, data)
        abort(client)
        with pytest.raises(ConnectionError):
            server.sendall(data * 20)
        wait_for(lambda: ends.ended, "the end of the link")
        assert ends.link.cause == "C"

    Ends("on").run(talk)
