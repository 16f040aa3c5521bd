"""PROXY protocol headers: what servers are sent, and what becomes of clients that send one, as with haproxy."""

import contextlib
import shutil
import socket

import pytest

from pyha.proxy.proxy_protocol import read, written
from tests.runtime import side_by_side as lab
from tests.runtime.rules_lab import balancer, loaded
from tests.runtime.side_by_side import ending, parsed
from tests.runtime.worker_lab import WorkerProcess, wait_for

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs haproxy"),
]

BODY = """
frontend probe
    bind 127.0.0.1:{probe}
    default_backend none
frontend v1
    bind 127.0.0.1:{v1}
    default_backend v1
frontend v2
    bind 127.0.0.1:{v2}
    default_backend v2
frontend summed
    bind 127.0.0.1:{summed}
    default_backend summed
frontend tls
    bind 127.0.0.1:{tls}
    default_backend tls
frontend six
    bind :::{six} v4v6
    default_backend v1
frontend mixed
    bind 127.0.0.1:{mixed}
    default_backend mixed
backend none
    server s 127.0.0.1:{says} disabled
backend v1
    server s 127.0.0.1:{says} send-proxy
backend v2
    server s 127.0.0.1:{says} send-proxy-v2
backend summed
    server s 127.0.0.1:{says} send-proxy-v2 proxy-v2-options crc32c
backend tls
    server s 127.0.0.1:{says} send-proxy-v2-ssl
backend mixed
    balance roundrobin
    server plain 127.0.0.1:{says}
    server header 127.0.0.1:{says} send-proxy
"""
FRONTENDS = ("probe", "v1", "v2", "summed", "tls", "six", "mixed")


def says(conn):
    """Says first what it was sent before anything else, then repeats everything."""
    conn.settimeout(0.3)
    with contextlib.suppress(TimeoutError):
        conn.sendall(b"[" + conn.recv(65536) + b"]")
    conn.settimeout(None)
    lab.echo(conn)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    standin = lab.StandIn(says)
    with contextlib.ExitStack() as stack:
        stack.callback(standin.close)
        servers = {"says": standin.port}
        yield [stack.enter_context(balancer(kind, BODY, FRONTENDS, servers, tmp_path_factory.mktemp(kind)))
               for kind in ("haproxy", "pyha")]


def heard(sock):
    """What the server was sent while the client said nothing, with names instead of the addresses of this client."""
    sock.settimeout(5)
    data = sock.recv(65536)
    assert data.startswith(b"[") and data.endswith(b"]")
    header = read(data[1:-1])
    assert header is not None and header.size == len(data) - 2, data
    client, bound = sock.getsockname()[:2], sock.getpeername()[:2]
    mapped = header.source[0].startswith("::ffff:")
    own = [(f"::ffff:{host}" if mapped and ":" not in host else host, port) for host, port in (client, bound)]
    assert header.source[1] == client[1]
    assert header.destination[1] == bound[1]
    return data[1:-1], own


@pytest.mark.parametrize(("name", "version", "options"), [
    ("v1", "v1", ()), ("v2", "v2", ()), ("summed", "v2", ("crc32c",)), ("tls", "v2", ("ssl",)), ("six", "v1", ())])
def test_the_header_comes_first_and_before_the_client_says_anything(stage, name, version, options):
    for balanced in stage:
        with balanced.connect(name) as sock:
            data, ends = heard(sock)
            assert data == written(version, options, *ends), balanced.kind
            sock.sendall(b"hello")
            assert sock.recv(65536) == b"hello"
            sock.shutdown(socket.SHUT_WR)
            assert ending(sock) == (b"", "end")
        line, = wait_for(lambda b=balanced: b.log.of(name), f"the line of {balanced.kind}")
        # Headers are nobody's bytes: what counts is what the server said.
        assert parsed(line.replace("::ffff:", ""))["bytes"] == str(len(data) + 2 + 5), balanced.kind


def test_only_servers_that_want_a_header_get_one(stage):
    for balanced in stage:
        seen = []
        for _ in range(2):
            with balanced.connect("mixed") as sock:
                sock.sendall(b"hello")
                data = b""
                while b"hello" not in data:
                    data += sock.recv(65536)
                seen.append(data.startswith(b"[PROXY TCP4 127.0.0.1"))
        assert sorted(seen) == [False, True], balanced.kind


@pytest.mark.root
@pytest.mark.parametrize("mode", ["on", "auto"])
def test_on_the_kernel_path_the_header_still_comes_first_and_counts_for_nothing(mode):
    standin = lab.StandIn(lab.echo)
    log = lab.Log()
    port, = lab.free_ports(1)
    text = f"""
defaults
    log 127.0.0.1:{log.port} local0
    option tcplog
    log-format "%U/%B %ts"
    timeout client 5s
    timeout connect 1s
    timeout server 5s
listen one
    bind 127.0.0.1:{port}
    server s 127.0.0.1:{standin.port} send-proxy
"""
    with contextlib.closing(standin), contextlib.closing(log.sock), WorkerProcess() as worker:
        worker.configure(loaded(text), kernel_path=mode)
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            header = written("v1", (), sock.getsockname(), sock.getpeername())
            data = b""
            while len(data) < len(header):
                data += sock.recv(65536)
            assert data == header
            for number in range(40):
                message = b"%03d" % number * 1000
                sock.sendall(message)
                answer = b""
                while len(answer) < len(message):
                    answer += sock.recv(65536)
                assert answer == message
            sock.shutdown(socket.SHUT_WR)
            assert ending(sock) == (b"", "end")
        line = wait_for(log.read, "the line")[0]
        assert line.endswith(f"{40 * 3000}/{40 * 3000 + len(header)} --")
