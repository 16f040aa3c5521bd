"""A real worker process, driven by the messages that the supervisor sends."""

import contextlib
import os
import socket
import time

import pytest

from pyha.config.model import Backend, Config, Global, LogPolicy, LogTarget, Server
from pyha.control.messages import Configure, ServerState, ServerStates
from tests.runtime.side_by_side import StandIn, echo, ending, silent
from tests.runtime.worker_lab import WorkerProcess, free_port, frontend, wait_for


@pytest.fixture
def echoing():
    server = StandIn(echo)
    yield server
    server.close()


@pytest.fixture
def mute():
    server = StandIn(silent)
    yield server
    server.close()


@pytest.fixture
def worker():
    with WorkerProcess() as process:
        yield process


def one(name, port, **options):
    return Server(name=name, host="127.0.0.1", port=port, **options)


def config(port, *servers, settings=None, front=None, **options):
    return Config(settings=settings or Global(), frontends=(frontend(port, **(front or {})),),
                  backends=(Backend(name="api", servers=servers, timeout_connect=1000, **options),))


def connect(port):
    return socket.create_connection(("127.0.0.1", port), 10)


def answers(sock, data=b"x"):
    sock.sendall(data)
    return sock.recv(100) == data


def refused(port):
    with connect(port) as sock:
        return ending(sock) == (b"", "end")


def state(server, status="UP", weight=1, address="127.0.0.1:1"):
    return ServerState(backend="api", server=server, address=address, status=status, weight=weight, since=0.0)


def tell(worker, *states):
    worker.send(ServerStates(states=states))


def counters(worker, condition):
    """The last report once it satisfies the condition."""

    def fits():
        report = worker.last("worker-report")
        return report is not None and condition(report) and report

    return wait_for(fits, "the report")


# -- configuration ---------------------------------------------------------------------------------------------------


def test_a_reload_keeps_running_sessions_and_moves_new_ones(worker, echoing):
    other = StandIn(echo)
    port = free_port()
    worker.configure(config(port, one("s1", echoing.port)))
    with connect(port) as old:
        assert answers(old)
        worker.configure(config(port, one("s2", other.port)))
        with connect(port) as new:
            assert answers(new)
            assert answers(old)
        assert other.connections == 1
    other.close()


def test_a_reload_that_drops_a_frontend_keeps_its_sessions(worker, echoing):
    port, another = free_port(), free_port()
    worker.configure(config(port, one("s1", echoing.port)))
    with connect(port) as old:
        assert answers(old)
        worker.configure(config(another, one("s1", echoing.port)))
        with connect(another) as new:
            assert answers(new)
        with pytest.raises(ConnectionRefusedError):
            connect(port)
        assert answers(old)


def test_a_log_format_that_cannot_be_read_is_rejected_and_nothing_changes(worker, echoing):
    port = free_port()
    good = config(port, one("s1", echoing.port))
    worker.configure(good)
    policy = LogPolicy(targets=(LogTarget(kind="udp", host="127.0.0.1"),), format="custom", custom="%nonsense")
    bad = good.model_copy(update={"frontends": (good.frontends[0].model_copy(update={"log": policy}),)})
    worker.send(Configure(generation=9, config=bad))
    answer = wait_for(lambda: worker.last("rejected"), "the answer")
    assert answer.reason == "frontend 'front': there is no variable '%nonsense' in log-format"
    with connect(port) as sock:
        assert answers(sock)


def test_a_server_without_a_port_is_reached_on_the_clients_port(worker):
    port = free_port()
    with socket.create_server(("127.0.0.2", port)) as listening:
        worker.configure(config(port, Server(name="s1", host="127.0.0.2")))
        with connect(port) as sock:
            sock.sendall(b"hello")
            conn, _ = listening.accept()
            with conn:
                assert conn.recv(10) == b"hello"


def test_a_server_whose_name_is_not_resolved_waits_for_the_monitor(worker, echoing):
    port = free_port()
    worker.configure(config(port, Server(name="s1", host="apiserver.invalid", port=echoing.port)))
    assert refused(port)
    tell(worker, state("s1", address=f"127.0.0.1:{echoing.port}"))

    def served():
        with connect(port) as sock:
            sock.sendall(b"x")
            return sock.recv(1) == b"x"

    assert wait_for(served, "the server")


def test_the_last_known_states_come_with_the_configuration(worker, echoing):
    port = free_port()
    worker.configure(config(port, one("s1", 1), one("s2", echoing.port)), servers=(state("s1", "DOWN"),))
    for _ in range(4):
        with connect(port) as sock:
            assert answers(sock)


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_ipv6_on_both_sides(worker):
    with contextlib.ExitStack() as stack:
        try:
            listening = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        except OSError:
            pytest.skip("needs ::1")
        port = free_port("::1")
        server = Server(name="s1", host="::1", port=listening.getsockname()[1])
        worker.configure(config(port, server, front={"host": "::1"}))
        with socket.create_connection(("::1", port), 10) as sock:
            sock.sendall(b"six")
            conn, _ = listening.accept()
            with conn:
                assert conn.recv(10) == b"six"


# -- states of servers -----------------------------------------------------------------------------------------------


def test_states_decide_who_is_used(worker, echoing):
    other = StandIn(echo)
    port = free_port()
    worker.configure(config(port, one("s1", echoing.port), one("s2", other.port, backup=True)))
    with connect(port) as sock:
        assert answers(sock)
    assert (echoing.connections, other.connections) == (1, 0)
    tell(worker, state("s1", "DOWN"))

    def on_the_backup():
        with connect(port) as sock:
            answers(sock)
        return other.connections

    wait_for(on_the_backup, "the backup")
    tell(worker, state("s2", "DRAIN"))
    wait_for(lambda: refused(port), "nobody left")
    other.close()


def test_sessions_of_a_server_that_goes_down_end_when_that_is_asked_for(worker, echoing):
    port = free_port()
    other = StandIn(echo)
    worker.configure(config(port, one("s1", echoing.port, on_marked_down="shutdown-sessions"), one("s2", other.port)))
    with connect(port) as first, connect(port) as second:
        assert answers(first)
        assert answers(second)
        tell(worker, state("s1", "DOWN"))
        assert ending(first) == (b"", "end")
        assert answers(second)
    other.close()


def test_a_server_that_comes_up_serves_those_who_wait(worker, mute, echoing):
    port = free_port()
    worker.configure(config(port, one("s1", mute.port, maxconn=1), one("s2", echoing.port), timeout_queue=20_000),
                     servers=(state("s2", "DOWN"),))
    with connect(port) as first, connect(port) as second:
        first.sendall(b"x")
        second.sendall(b"hello")
        counters(worker, lambda report: sum(row.queued for row in report.servers) == 1)
        tell(worker, state("s2"))
        assert second.recv(10) == b"hello"


# -- limits ----------------------------------------------------------------------------------------------------------


def test_global_maxconn_is_shared_by_the_frontends_and_divided_between_workers(worker, echoing):
    port = free_port()
    worker.configure(config(port, one("s1", echoing.port), settings=Global(maxconn=5)), index=1, workers=2)
    socks = [connect(port) for _ in range(3)]
    assert answers(socks[0])
    assert answers(socks[1])
    socks[2].sendall(b"z")
    socks[2].settimeout(0.3)
    with pytest.raises(TimeoutError):
        socks[2].recv(1)
    socks[0].close()
    socks[2].settimeout(10)
    assert socks[2].recv(1) == b"z"
    for sock in socks:
        sock.close()


def test_running_out_of_descriptors_is_survived(echoing):
    limit = ["sh", "-c", 'ulimit -n 40; exec "$@"', "sh"]
    port = free_port()
    with WorkerProcess(prefix=limit) as worker:
        worker.configure(config(port, one("s1", echoing.port), retries=0))
        socks = [connect(port) for _ in range(40)]
        for sock in socks:
            sock.close()

        def served():
            with connect(port) as sock:
                sock.settimeout(2)
                with contextlib.suppress(OSError):
                    return answers(sock)

        assert wait_for(served, "service again")


# -- reports ---------------------------------------------------------------------------------------------------------


def test_what_happened_is_counted_and_reported(worker, echoing):
    port = free_port()
    worker.configure(config(port, one("s1", echoing.port)), index=3)
    with connect(port) as sock:
        answers(sock, b"12345")
        report = counters(worker, lambda report: report.frontends[0].sessions == 1)
        assert report.worker == 3
    report = counters(worker, lambda report: report.frontends[0].sessions == 0 and report.frontends[0].total)
    front, (row, nobody) = report.frontends[0], report.servers
    assert (front.name, front.total, front.bytes_in, front.bytes_out, front.max_sessions) == ("front", 1, 5, 5, 1)
    assert (row.backend, row.server, row.total, row.bytes_in, row.bytes_out) == ("api", "s1", 1, 5, 5)
    assert (nobody.server, nobody.total) == ("", 0)


def test_failures_are_counted_where_they_happened(worker):
    port = free_port()
    worker.configure(config(port, one("s1", free_port()), retries=0))
    assert refused(port)
    report = counters(worker, lambda report: any(row.connect_failures for row in report.servers))
    assert [(row.server, row.connect_failures) for row in report.servers] == [("s1", 1), ("", 0)]


# -- the end ---------------------------------------------------------------------------------------------------------


def test_stop_lets_sessions_end_and_then_exits(worker, echoing):
    port = free_port()
    worker.configure(config(port, one("s1", echoing.port)))
    with connect(port) as sock:
        assert answers(sock)
        for listening in worker.sockets.values():
            listening.close()  # as the supervisor does
        worker.stop(grace=30.0)
        wait_for(lambda: not _accepts(port), "the listener to close")
        assert answers(sock)
    assert worker.process.wait(10) == 0


def test_stop_cuts_what_has_not_ended_in_time(worker, echoing):
    port = free_port()
    worker.configure(config(port, one("s1", echoing.port)))
    with connect(port) as sock:
        assert answers(sock)
        worker.stop(grace=0.3)
        assert ending(sock) == (b"", "end")
    assert worker.process.wait(10) == 0


def test_stop_without_sessions_is_immediate(worker, echoing):
    worker.configure(config(free_port(), one("s1", echoing.port)))
    worker.stop(grace=60.0)
    assert worker.process.wait(10) == 0


def test_a_worker_whose_supervisor_is_gone_ends(worker, echoing):
    worker.configure(config(free_port(), one("s1", echoing.port)))
    worker.sock.close()
    assert worker.process.wait(10) == 0


def test_nothing_is_left_behind_by_many_short_sessions(worker, echoing):
    port = free_port()
    worker.configure(config(port, one("s1", echoing.port)))
    with connect(port) as sock:
        answers(sock)
    descriptors = f"/proc/{worker.process.pid}/fd"
    counters(worker, lambda report: report.frontends[0].sessions == 0 and report.frontends[0].total == 1)
    before = len(os.listdir(descriptors))
    for _ in range(300):
        with connect(port) as sock:
            answers(sock)
    counters(worker, lambda report: report.frontends[0].sessions == 0 and report.frontends[0].total == 301)
    assert len(os.listdir(descriptors)) <= before


def _accepts(port):
    try:
        connect(port).close()
    except ConnectionRefusedError:
        return False
    time.sleep(0.01)
    return True
