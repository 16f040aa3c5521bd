"""A real worker with rules: what a reload, a stop, the kernel path and other workers make of them."""

import contextlib
import socket
import time

import pytest

from pyha.control.messages import TableChanges
from tests.daemon import Daemon
from tests.runtime.hello_lab import client_hello
from tests.runtime.rules_lab import loaded
from tests.runtime.side_by_side import StandIn, echo, ending
from tests.runtime.worker_lab import WorkerProcess, free_port, wait_for

HEAD = ("global\n nbthread 2\ndefaults\n mode tcp\n timeout client 5s\n timeout connect 1s\n timeout server 5s\n")
SNI = """frontend f
 bind 127.0.0.1:{port}
 tcp-request inspect-delay 5s
 tcp-request content reject if {{ req.len gt 0 }} !{{ req.ssl_hello_type 1 }} WAIT_END
 tcp-request content accept if {{ req.ssl_hello_type 1 }}
 use_backend {first} if {{ req.ssl_sni -i a.example.com }}
 use_backend {second} if {{ req.ssl_sni -i b.example.com }}
backend one
 server s 127.0.0.1:{one}
backend two
 server s 127.0.0.1:{two}
"""


def named(name):
    def behave(conn):
        conn.sendall(name)
        echo(conn)
    return behave


@pytest.fixture
def servers():
    found = {name: StandIn(named(name.encode())) for name in ("one", "two")}
    yield {name: server.port for name, server in found.items()}
    for server in found.values():
        server.close()


@pytest.fixture
def worker():
    with WorkerProcess() as process:
        yield process


def connect(port, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", port), 10, source_address=(source, 0))


def read(sock, count):
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            break
        data += more
    return data


def greeted(sock):
    return read(sock, 3)


def counted(worker, condition):
    def fits():
        report = worker.last("worker-report")
        return report is not None and condition(report) and report
    return wait_for(fits, "the report")


def sni(servers, port, first="one", second="two"):
    return loaded(HEAD + SNI.format(port=port, first=first, second=second, **servers))


@pytest.mark.parametrize("mode", ["off", "auto", "on"])
def test_what_was_peeked_at_arrives_whole_on_either_path(worker, servers, mode):
    port = free_port()
    worker.configure(sni(servers, port), kernel_path=mode)
    for name, backend in (("a.example.com", b"one"), ("B.EXAMPLE.com", b"two")):
        hello = client_hello(name)
        with connect(port) as sock:
            sock.sendall(hello[:10])
            time.sleep(0.05)
            sock.sendall(hello[10:])
            assert greeted(sock) == backend
            assert read(sock, len(hello)) == hello
            for number in range(30):
                data = b"%d" % number * 5000
                sock.sendall(data)
                assert read(sock, len(data)) == data


def test_one_byte_at_a_time(worker, servers):
    port = free_port()
    worker.configure(sni(servers, port))
    hello = client_hello("b.example.com")
    with connect(port) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in hello:
            sock.sendall(bytes([byte]))
        assert greeted(sock) == b"two"
        assert read(sock, len(hello)) == hello


def test_a_name_of_many_bytes(worker, servers):
    port = free_port()
    worker.configure(sni(servers, port))
    hello = client_hello("x" * 63 + ".example.com", alpn=["y" * 200] * 40)
    with connect(port) as sock:
        sock.sendall(hello)
        assert ending(sock) == (b"", "end")
    assert counted(worker, lambda report: report.frontends[0].total == 1).frontends[0].denied == 0


def test_clients_that_are_looked_at_during_a_reload_keep_their_rules(worker, servers):
    port = free_port()
    worker.configure(sni(servers, port))
    hello = client_hello("a.example.com")
    with connect(port) as before:
        before.sendall(hello[:50])
        counted(worker, lambda report: report.frontends[0].sessions == 1)
        worker.configure(sni(servers, port, first="two", second="one"))
        with connect(port) as after:
            after.sendall(hello)
            assert greeted(after) == b"two"
        before.sendall(hello[50:])
        assert greeted(before) == b"one"


def test_clients_that_are_looked_at_go_with_the_worker(worker, servers):
    port = free_port()
    worker.configure(sni(servers, port))
    with connect(port) as sock:
        sock.sendall(b"\x16")
        counted(worker, lambda report: report.frontends[0].sessions == 1)
        worker.stop(grace=0.2)
        assert ending(sock) in ((b"", "end"), (b"", "reset"))
    assert worker.process.wait(10) == 0


def test_whoever_is_rejected_is_counted_and_leaves_nothing(worker, servers):
    port = free_port()
    worker.configure(loaded(HEAD + f"frontend f\n bind 127.0.0.1:{port}\n"
                            " tcp-request connection reject if { src 127.0.0.2 }\n"
                            " tcp-request content reject if { src 127.0.0.3 }\n default_backend one\n"
                            f"backend one\n server s 127.0.0.1:{servers['one']}\n"))
    for source in ("127.0.0.2", "127.0.0.3", "127.0.0.1"):
        with contextlib.suppress(ConnectionResetError), connect(port, source) as sock:
            sock.shutdown(socket.SHUT_WR)
            ending(sock)
    report = counted(worker, lambda report: report.frontends[0].total == 2 and not report.frontends[0].sessions)
    assert report.frontends[0].denied == 2
    assert [row.sessions for row in report.servers] == [0, 0]


LIMIT = """frontend f
 bind 127.0.0.1:{port}
 tcp-request connection track-sc0 src table t
 tcp-request connection reject if {{ sc0_conn_cur gt 2 }}
 default_backend b
backend t
 stick-table type ip size 100 expire 1m store conn_cur
backend b
 stick-table type ip size 100
 stick on src
 server one 127.0.0.1:{one}
 server two 127.0.0.1:{two}
"""


@contextlib.contextmanager
def pair(servers):
    """Two workers that hear of each other, and a port for each."""
    with WorkerProcess() as first, WorkerProcess() as second:
        ports = free_port(), free_port()
        workers = first, second
        for index, worker in enumerate(workers):
            worker.configure(loaded(HEAD + LIMIT.format(port=ports[index], **servers)), index=index, workers=2)
        seen = [0, 0]

        def pass_on():
            for index, worker in enumerate(workers):
                worker.receive()
                for message in worker.messages[seen[index]:]:
                    if isinstance(message, TableChanges):
                        workers[1 - index].send(message)
                seen[index] = len(worker.messages)
            return True

        yield workers, ports, pass_on


def admitted(port):
    with contextlib.suppress(ConnectionResetError):
        sock = connect(port)
        if greeted(sock):
            return sock
        sock.close()
    return None


def test_a_limit_counts_the_connections_at_all_workers(servers):
    with pair(servers) as (_, ports, pass_on), contextlib.ExitStack() as stack:
        held = [stack.enter_context(admitted(ports[0])) for _ in range(2)]

        def let_in():
            pass_on()
            sock = admitted(ports[1])
            if sock is not None:
                sock.close()
            return sock is not None

        wait_for(lambda: not let_in(), "the word about two connections elsewhere")
        held[0].close()
        wait_for(let_in, "the word about the end of one")


def test_a_client_has_one_server_at_all_workers(servers):
    with pair(servers) as (workers, ports, pass_on):
        with connect(ports[0]) as sock:
            server = greeted(sock)
        for port in ports:
            with connect(port) as sock:
                assert greeted(sock) == server
        wait_for(lambda: pass_on() and any(change.stuck for message in workers[0].messages
                                           if isinstance(message, TableChanges) for change in message.tables),
                 "the word about it")  # fmt: skip


def test_all_of_pyha_limits_a_client(servers, tmp_path):
    port = free_port()
    with Daemon(tmp_path, haproxy=HEAD + LIMIT.format(port=port, **servers)), contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(admitted(port))

        def kept_out():
            found = [admitted(port) for _ in range(8)]  # some at either worker
            for sock in found:
                if sock is not None:
                    sock.close()
            return not any(found)

        wait_for(kept_out, "both workers to know")
        with connect(port, "127.0.0.2") as other:
            assert greeted(other)


def test_a_worker_that_begins_says_so(servers):
    with pair(servers) as (workers, _, pass_on):
        pass_on()
        assert [message.fresh for worker in workers for message in worker.messages
                if isinstance(message, TableChanges)] == [True, True]
