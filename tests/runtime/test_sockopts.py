import contextlib
import re
import socket
import subprocess

from pyha.config.model import Backend, Bind, Frontend, Server
from pyha.runtime import sockopts
from tests.runtime import side_by_side as lab
from tests.runtime.rules_lab import loaded
from tests.runtime.worker_lab import WorkerProcess, free_port, wait_for

TCP = socket.IPPROTO_TCP
SERVER = Server(name="s", host="192.0.2.1", port=1)


def applied(options):
    """What a socket says of itself that was set so."""
    with socket.socket() as sock:
        for option in options:
            sock.setsockopt(*option)
        return {option: sock.getsockopt(level, option) for level, option, _ in options}


def test_a_listener_is_set_and_set_back():
    with socket.socket() as sock:
        plain = {option: sock.getsockopt(TCP, option) for _, option, _ in sockopts.of_listener(Bind(host="::", port=1))}
        tuned = Bind(host="::", port=1, mss=1200, tcp_ut=30_000, tfo=True, backlog=7, defer_accept=True)
        for bind, expected in ((tuned, {socket.TCP_USER_TIMEOUT: 30_000, socket.TCP_FASTOPEN: 7,
                                        socket.TCP_DEFER_ACCEPT: 1}), (Bind(host="::", port=1), plain)):
            for option in sockopts.of_listener(bind):
                sock.setsockopt(*option)
            assert {option: sock.getsockopt(TCP, option) for option in expected} == expected


def test_clients_inherit_what_their_listener_is_set_to():
    frontend = Frontend(name="f", clitcpka=True, clitcpka_idle=10_000, clitcpka_intvl=300, clitcpka_cnt=3)
    bind = Bind(host="127.0.0.1", port=1, tcp_ut=9_000, mss=1200)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for option in (*sockopts.of_listener(bind), *sockopts.of_clients(frontend)):
            listener.setsockopt(*option)
        with socket.create_connection(listener.getsockname()) as client, listener.accept()[0] as accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            values = [accepted.getsockopt(TCP, option) for option in (
                socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)]
            assert values == [10, 1, 3, 9_000]
            assert client.getsockopt(TCP, socket.TCP_MAXSEG) <= 1200


def test_what_is_not_said_is_as_the_system_has_it():
    with socket.socket() as sock:
        idle = sock.getsockopt(TCP, socket.TCP_KEEPIDLE)
    assert applied(sockopts.of_clients(Frontend(name="f")))[socket.TCP_KEEPIDLE] == idle


def test_connections_to_servers_are_left_alone_unless_something_is_said():
    assert sockopts.of_server(Backend(name="b"), SERVER) == ()
    assert sockopts.of_server(Backend(name="b", srvtcpka_idle=1000), SERVER) == ()
    found = applied(sockopts.of_server(Backend(name="b", srvtcpka=True, srvtcpka_idle=60_000, srvtcpka_cnt=4),
                                       SERVER.model_copy(update={"tcp_ut": 5000})))
    assert (found[socket.SO_KEEPALIVE], found[socket.TCP_KEEPIDLE], found[socket.TCP_KEEPCNT]) == (1, 60, 4)
    assert found[socket.TCP_USER_TIMEOUT] == 5000


TEXT = """
defaults
    timeout client 5s
    timeout connect 1s
    timeout server 5s
listen one
    bind 127.0.0.1:{port}
    option clitcpka
    clitcpka-idle 1000
    option srvtcpka
    srvtcpka-idle 5000
    server s 127.0.0.1:{server} tcp-ut 30s
"""


def test_both_ends_of_a_worker_keep_their_connections_alive_as_configured():
    def timer(*socket_with):
        """The minutes that it waits before it asks whether the other end is still there."""
        command = ["ss", "-Htno", "state", "established", *socket_with]
        shown = subprocess.run(command, capture_output=True, text=True, check=True)
        found = re.search(r"timer:\(keepalive,(\d+)min", shown.stdout)
        return found and int(found[1])

    standin, port = lab.StandIn(lab.echo), free_port()
    with contextlib.closing(standin), WorkerProcess() as worker:
        worker.configure(loaded(TEXT.format(port=port, server=standin.port)))
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(b"hello")
            assert sock.recv(5) == b"hello"
            assert wait_for(lambda: timer("sport", "=", f":{port}"), "the client's timer") in (15, 16)
            assert wait_for(lambda: timer("dport", "=", f":{standin.port}"), "the server's timer") in (82, 83)
