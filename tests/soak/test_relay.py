"""Thousands of conversations on each path, every byte compared; `make soak` runs it, PYHA_SOAK_COUNT says how many."""

import contextlib
import multiprocessing
import os
import random
import socket
import threading
import time

import pytest

from pyha.config.model import Backend, Bind, Config, Frontend, Server
from tests.netns.lab import Lab
from tests.runtime.conversation import converse
from tests.runtime.worker_lab import WorkerProcess, free_port

COUNT = int(os.environ.get("PYHA_SOAK_COUNT", "10000"))
BATCH = 500

pytestmark = [
    pytest.mark.skipif("PYHA_SOAK" not in os.environ, reason="takes minutes: run by `make soak`"),
    pytest.mark.timeout(1800),
]


def config(host, port, server, server_port):
    return Config(
        frontends=(Frontend(name="front", binds=(Bind(host=host, port=port),), default_backend="api"),),
        backends=(Backend(name="api", servers=(Server(name="one", host=server, port=server_port),)),),
    )


@contextlib.contextmanager
def loopback():
    port, server_port = free_port(), free_port()
    yield (lambda: socket.create_server(("127.0.0.1", server_port), backlog=512),
           lambda: socket.create_connection(("127.0.0.1", port), 20),
           config("127.0.0.1", port, "127.0.0.1", server_port), ())  # fmt: skip


@contextlib.contextmanager
def namespaces():
    with Lab() as lab:
        client, balancer, server = (lab.node(name, f"10.98.0.{name}/24") for name in ("1", "2", "3"))

        def listen():
            with server.inside():
                return socket.create_server(("10.98.0.3", 7000), backlog=512)

        def connect():
            with client.inside():
                return socket.create_connection(("10.98.0.2", 6443), 20)

        with balancer.inside():
            yield listen, connect, config("10.98.0.2", 6443, "10.98.0.3", 7000), balancer.command()


def _spin():
    while True:
        pass


@contextlib.contextmanager
def hogs(count):
    """A machine that is busy with other things: whatever happens in between happens more often."""
    processes = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


@pytest.mark.root
@pytest.mark.root
@pytest.mark.parametrize("place", [loopback, namespaces])
@pytest.mark.parametrize("kernel_path", ["off", "on", "auto"])
@pytest.mark.parametrize("busy", [0, 2])
def test_no_byte_is_lost_or_changed(kernel_path, place, busy):
    share = COUNT // 4  # of each path: two places, idle and busy
    with place() as (listen, connect, settings, prefix), WorkerProcess(prefix=prefix) as worker, hogs(busy):
        worker.configure(settings, kernel_path=kernel_path)
        for seed in range(1000, 1000 + max(1, share // BATCH)):
            assert converse(connect, listen(), min(BATCH, share), seed) == []


def _bulk(paired, number, failures):
    """One connection, many megabytes, and a reader that sleeps now and then."""
    rng = random.Random(number)
    data = rng.randbytes(1_000_003)
    size = rng.randrange(5_000_000, 25_000_000)
    client, conn = paired()
    writer, reader = (conn, client) if rng.random() < 0.5 else (client, conn)
    received = 0

    def write():
        sent = 0
        with contextlib.suppress(OSError):  # the reader says what went wrong
            while sent < size:
                offset = sent % len(data)
                sent += writer.send(data[offset : offset + min(65536, size - sent)])
            writer.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    reader.settimeout(60)
    try:
        while chunk := reader.recv(rng.choice((1000, 65536, 500_000))):
            offset = received % len(data)
            if chunk != (data + data)[offset : offset + len(chunk)]:
                raise AssertionError(f"wrong bytes after {received} of {size}")
            received += len(chunk)
            if rng.random() < 0.01:
                time.sleep(rng.choice((0.001, 0.05, 0.5)))
        assert received == size, f"the end after {received} of {size}"
    except (OSError, AssertionError) as failure:
        failures.append(f"connection {number}: {failure!r} after {received} of {size}")
    finally:
        client.close()
        conn.close()
        thread.join(10)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root for namespaces and for the kernel path")
@pytest.mark.parametrize("place", [loopback, namespaces])
@pytest.mark.parametrize("kernel_path", ["off", "on", "auto"])
def test_writers_that_are_held_back_by_sleeping_readers_lose_nothing(kernel_path, place):
    failures = []
    with place() as (listen, connect, settings, prefix), WorkerProcess(prefix=prefix) as worker, hogs(2):
        worker.configure(settings, kernel_path=kernel_path)
        with listen() as listening:
            lock, numbers = threading.Lock(), iter(range(max(8, COUNT // 100)))

            def paired():
                with lock:  # the next that is accepted is ours
                    client = connect()
                    conn, _ = listening.accept()
                return client, conn

            def run():
                for number in iter(lambda: next(numbers, None), None):
                    _bulk(paired, number, failures)

            threads = [threading.Thread(target=run, daemon=True) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(600)
    assert failures == []
