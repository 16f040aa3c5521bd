"""Every byte, both ways, whatever the two ends do: through a real worker process."""

import contextlib
import fcntl
import os
import select
import socket
import struct
import termios
from pathlib import Path

import pytest

from pyha.config.model import Backend, Bind, Config, Frontend, Server
from tests.netns.lab import Lab
from tests.runtime.conversation import abort, converse
from tests.runtime.worker_lab import WorkerProcess, free_port, frontend, wait_for

COUNT = 300
SEGMENTS_IN = 140  # linux/tcp.h, struct tcp_info


def config(port, server_port, host="127.0.0.1", server="127.0.0.1"):
    return Config(
        frontends=(frontend(port, host=host),),
        backends=(Backend(name="api", servers=(Server(name="one", host=server, port=server_port),)),),
    )


@pytest.fixture(params=["off", "on"])
def kernel_path(request):
    """Both ways that bytes can go. Where the kernel or the privileges do not allow it, "on" is the reactor again."""
    return request.param


@pytest.fixture
def pair(kernel_path):
    """A worker in front of one listening socket of ours: (connect, server socket, worker)."""
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    port = free_port()
    with WorkerProcess() as worker:
        worker.configure(config(port, server.getsockname()[1]), kernel_path=kernel_path)
        yield lambda: socket.create_connection(("127.0.0.1", port)), server, worker
    server.close()


@pytest.mark.parametrize("seed", [1, 2])
def test_no_byte_is_lost_or_changed_over_loopback(pair, seed):
    connect, server, _ = pair
    assert converse(connect, server, COUNT, seed) == []


@pytest.mark.root
@pytest.mark.root
@pytest.mark.parametrize("seed", [3, 4])
def test_no_byte_is_lost_or_changed_between_namespaces(seed, kernel_path):
    # Loopback delivers data and FIN in one softirq and hides lost FINs; a veth pair does not.
    with Lab() as lab:
        client, balancer, server = (lab.node(name, f"10.98.0.{name}/24") for name in ("1", "2", "3"))
        with server.inside():
            listening = socket.create_server(("10.98.0.3", 7000), backlog=512)
        settings = Config(
            frontends=(Frontend(name="front", binds=(Bind(host="10.98.0.2", port=6443),), default_backend="api"),),
            backends=(Backend(name="api", servers=(Server(name="one", host="10.98.0.3", port=7000),)),),
        )
        with balancer.inside(), WorkerProcess(prefix=balancer.command()) as worker:
            worker.configure(settings, kernel_path=kernel_path)

            def connect():
                with client.inside():
                    return socket.create_connection(("10.98.0.2", 6443), 20)

            assert converse(connect, listening, COUNT, seed) == []


def test_a_client_that_aborts_looks_aborted_to_the_server(pair):
    connect, server, _ = pair
    client = connect()
    client.sendall(b"half a request")
    conn, _ = server.accept()
    assert conn.recv(100) == b"half a request"
    abort(client)
    conn.settimeout(10)
    with pytest.raises(ConnectionResetError):
        conn.recv(100)


def test_a_server_that_aborts_looks_aborted_to_the_client(pair):
    connect, server, _ = pair
    client = connect()
    client.sendall(b"x")
    conn, _ = server.accept()
    conn.sendall(b"half an answer")
    client.settimeout(10)
    assert client.recv(100) == b"half an answer"
    abort(conn)
    with pytest.raises(ConnectionResetError):
        client.recv(100)


def test_an_abort_after_a_half_close_is_still_seen(pair):
    connect, server, _ = pair
    client = connect()
    client.sendall(b"x")
    client.shutdown(socket.SHUT_WR)
    conn, _ = server.accept()
    assert conn.recv(100) == b"x"
    conn.settimeout(10)
    assert conn.recv(100) == b""
    conn.sendall(b"still talking")
    assert client.recv(100)
    abort(client)

    # After a FIN, recv says "end" whatever comes later; poll tells of the reset.
    poll = select.poll()
    poll.register(conn, 0)
    assert wait_for(lambda: [event for _, event in poll.poll(100) if event & select.POLLERR], "the reset")


def test_an_answer_is_delivered_although_the_server_resets_right_behind_it(kernel_path):
    server = socket.create_server(("127.0.0.1", 0))
    port = free_port()
    answer = os.urandom(300_000)
    with WorkerProcess() as worker, server, socket.socket() as client:
        worker.configure(config(port, server.getsockname()[1]), kernel_path=kernel_path)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)  # so that most of it waits in the relay
        client.settimeout(10)
        client.connect(("127.0.0.1", port))
        client.sendall(b"a request that is not read")
        conn, _ = server.accept()
        conn.sendall(answer)
        # Until the relay has it: what the server's own kernel still holds would die with the reset.
        wait_for(lambda: fcntl.ioctl(conn.fileno(), termios.TIOCOUTQ, bytes(4)) == bytes(4), "the answer to leave")
        conn.close()  # with unread data: a reset
        received = b""
        with contextlib.suppress(ConnectionResetError):  # when everything had been acknowledged before
            while data := client.recv(65536):
                received += data
        assert received == answer


def test_the_last_bytes_and_the_fin_behind_them_are_one_segment():
    port = free_port()
    with socket.create_server(("127.0.0.1", 0)) as server, WorkerProcess() as worker:
        worker.configure(config(port, server.getsockname()[1]), kernel_path="off")
        with socket.create_connection(("127.0.0.1", port)) as client, server.accept()[0] as accepted:
            accepted.send(b"answer", socket.MSG_MORE)  # so that they come as one segment
            accepted.shutdown(socket.SHUT_WR)
            assert client.recv(64) == b"answer"
            assert client.recv(64) == b""
            info = client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        assert struct.unpack_from("=I", info, SEGMENTS_IN)[0] == 2  # the other is the SYN-ACK


@pytest.mark.parametrize("more", [b"", b"and more"])
def test_bytes_before_a_fin_are_whole_when_the_reader_ended_first(pair, more):
    connect, server, _ = pair
    with connect() as client, contextlib.closing(server.accept()[0]) as accepted:
        client.sendall(b"question" + more)
        client.shutdown(socket.SHUT_WR)
        assert b"".join(iter(lambda: accepted.recv(64), b"")) == b"question" + more
        accepted.send(b"answer", socket.MSG_MORE)
        accepted.close()
        assert client.recv(64) == b"answer"
        assert client.recv(64) == b""


def test_urgent_data_holds_nothing_up(pair):
    connect, server, _ = pair
    client = connect()
    client.sendall(b"before")
    client.send(b"!", socket.MSG_OOB)
    client.sendall(b"after" * 1000)
    client.shutdown(socket.SHUT_WR)
    conn, _ = server.accept()
    conn.settimeout(10)
    received = b""
    while data := conn.recv(65536):
        received += data
    # The kernel path carries the urgent byte in line, the reactor as little as haproxy does; nothing else differs.
    assert received.replace(b"!", b"") == b"before" + b"after" * 1000


def test_a_stalled_reader_holds_its_writer_back_and_then_gets_everything(pair):
    connect, server, worker = pair
    client = connect()
    conn, _ = server.accept()
    conn.setblocking(False)
    data = os.urandom(1_000_000)
    written = 0

    def full():
        nonlocal written
        try:
            while True:
                written += conn.send(data[written % len(data) :])
                assert written < 100_000_000, "nobody holds the writer back"
        except BlockingIOError:
            pass
        return written > 2_000_000

    wait_for(full, "the pipe to fill")
    resident = int(Path(f"/proc/{worker.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    conn.setblocking(True)
    conn.shutdown(socket.SHUT_WR)
    client.settimeout(20)
    received = 0
    while chunk := client.recv(500_000):
        offset = received % len(data)
        assert chunk == (data + data)[offset : offset + len(chunk)]
        received += len(chunk)
    assert received == written
    assert resident < 200_000_000
