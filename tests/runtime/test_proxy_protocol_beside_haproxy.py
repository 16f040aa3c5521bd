"""PROXY protocol headers: what servers are sent, and what becomes of clients that send one, as with haproxy."""

import contextlib
import re
import shutil
import socket
import time

import pytest

from pyha.proxy.proxy_protocol import SIGNATURE, read, written
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


# -- clients that send one -------------------------------------------------------------------------------------------

ACCEPTING = """
frontend probe
    bind 127.0.0.1:{probe}
    default_backend none
frontend open
    bind 127.0.0.1:{open} accept-proxy
    timeout client 700ms
    log-format "%ci:%cp %fi:%fp %ft %b/%s %U/%B %ts"
    default_backend echo
frontend null
    bind 127.0.0.1:{null} accept-proxy name public
    timeout client 700ms
    option dontlognull
    default_backend echo
frontend rules
    bind 127.0.0.1:{rules}
    timeout client 700ms
    log-format "%ci:%cp %fi:%fp %ft %b/%s %U/%B %ts"
    tcp-request connection expect-proxy layer4 if {{ src 127.0.0.1 }}
    tcp-request connection reject if {{ src 10.0.0.9 }}
    tcp-request session reject if {{ src 10.0.0.8 }}
    tcp-request content reject if {{ src 10.0.0.7 }}
    use_backend on if {{ dst_port 443 }}
    default_backend echo
frontend by_source
    bind 127.0.0.1:{by_source} accept-proxy
    default_backend by_source
backend none
    server s 127.0.0.1:{says} disabled
backend echo
    server s 127.0.0.1:{echo}
backend on
    server s 127.0.0.1:{says} send-proxy
backend by_source
    balance source
    server a 127.0.0.1:{echo} weight 1
    server b 127.0.0.1:{echo} weight 2
    server c 127.0.0.1:{echo} weight 3
"""
ACCEPTS = ("probe", "open", "null", "rules", "by_source")
V1 = b"PROXY TCP4 10.0.0.1 10.0.0.2 1000 2000\r\n"
V2 = written("v2", ("crc32c",), ("2001:db8::1", 1000), ("2001:db8::2", 444))
LOCAL = SIGNATURE + b"\x20\x00\x00\x00"


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    standins = {"says": lab.StandIn(says), "echo": lab.StandIn(lab.echo)}
    with contextlib.ExitStack() as stack:
        for standin in standins.values():
            stack.callback(standin.close)
        servers = {name: standin.port for name, standin in standins.items()}
        yield [stack.enter_context(balancer(kind, ACCEPTING, ACCEPTS, servers, tmp_path_factory.mktemp(kind)))
               for kind in ("haproxy", "pyha")]


def told(balanced, ports):
    """The next line of the log, without times and with names for the ports."""
    line = wait_for(balanced.log.read, f"a line of {balanced.kind}").pop()
    balanced.log.lines.clear()
    text = re.sub(r"\[\d\d/.*?\] ", "", line.partition("]: ")[2])
    for number, name in ports.items():
        text = text.replace(f":{number}", f":{name}")
    return re.sub(r" \d+/\d+/\d+ ", " TIMES ", text)


def visit(balanced, name, *parts):
    """What a client sees that says this, and what the log says."""
    balanced.log.read()
    balanced.log.lines.clear()
    with balanced.connect(name) as sock:
        ports = {sock.getsockname()[1]: "CLIENT", sock.getpeername()[1]: "BOUND"}
        seen = b"", "end"
        try:
            for part in parts:
                sock.sendall(part)
                time.sleep(0.05)
            if parts and parts[-1].endswith(b"hello"):
                seen = sock.recv(65536), "answer"
                sock.shutdown(socket.SHUT_WR)
            seen = seen if ending(sock)[1] == "end" else (seen[0], "reset")
        except ConnectionResetError:
            seen = b"", "reset"
    return seen, told(balanced, ports)


@pytest.mark.parametrize("name", ["open", "rules"])
@pytest.mark.parametrize("said", [
    V1 + b"hello", V2 + b"hello", LOCAL + b"hello", b"PROXY UNKNOWN\r\nhello", b"",
    b"GET / HTTP/1.0\r\n\r\n", b"PROXY TCP5 1 1 1 1\r\n", SIGNATURE + b"\x25\x11\x00\x0c" + bytes(12),
    b"PROXY TCP4 10.0.0.9 10.0.0.2 1000 2000\r\nhello", b"PROXY TCP4 10.0.0.7 10.0.0.2 1000 2000\r\nhello",
    b"PROXY TCP4 10.0.0.8 10.0.0.2 1000 2000\r\nhello", b"PROXY TCP4 10.0.0.1 10.0.0.2 1000 x\r\nhello",
], ids=["v1", "v2", "local", "unknown", "silence", "http", "tcp5", "command", "not-the-peer", "rejected", "no-session",
        "port"])
def test_a_client_with_a_header_sees_the_same_and_is_logged_the_same(doors, name, said):
    parts = [said] if said else []
    theirs, ours = (visit(balanced, name, *parts) for balanced in doors)
    assert ours == theirs


def test_a_client_that_ends_instead_is_logged_the_same(doors):
    lines = []
    for balanced in doors:
        for end in (lambda sock: sock.shutdown(socket.SHUT_WR), lab.reset):
            with balanced.connect("open") as sock:
                ports = {sock.getsockname()[1]: "CLIENT", sock.getpeername()[1]: "BOUND"}
                end(sock)
                lines.append(told(balanced, ports))
    assert lines[2:] == lines[:2]


def test_dontlognull_is_silent_about_who_says_nothing_and_not_about_who_says_nonsense(doors):
    lines = []
    for balanced in doors:
        with balanced.connect("null") as sock:
            assert ending(sock) == (b"", "end")
        lines.append(visit(balanced, "null", b"GET / HTTP/1.0\r\n\r\n"))
    assert lines[0] == lines[1]
    assert "null/public: Received something" in lines[0][1]


@pytest.mark.parametrize("header", [V1, V2, LOCAL], ids=["v1", "v2", "local"])
def test_a_header_in_pieces_is_waited_for_which_haproxy_does_not(doors, header):
    ours = doors[1]
    whole = visit(ours, "open", header + b"hello")
    for at in (1, 5, 12, len(header) - 1, len(header)):
        assert visit(ours, "open", header[:at], header[at:], b"hello") == whole


def test_a_header_that_never_ends_is_waited_for_as_long_as_a_silent_client(doors):
    ours = doors[1]
    began = time.monotonic()
    seen, line = visit(ours, "open", *[b"P", b"R", b"O", b"X"])
    assert seen == (b"", "reset")
    assert line.endswith("open/1: Timeout while waiting for PROXY protocol header")
    assert time.monotonic() - began < 5


def test_a_header_is_passed_on_with_the_addresses_of_the_client(doors):
    for balanced in doors:
        with balanced.connect("rules") as sock:
            sock.sendall(written("v1", (), ("192.0.2.1", 7), ("192.0.2.2", 443)))
            assert sock.recv(65536) == b"[PROXY TCP4 192.0.2.1 192.0.2.2 7 443\r\n]", balanced.kind


def test_clients_are_spread_by_the_address_in_the_header(doors):
    def server(balanced, number):
        header = written("v1", (), (f"10.0.0.{number}", 7), ("192.0.2.2", 443))
        return re.search(r"by_source/(\w)", visit(balanced, "by_source", header + b"hello")[1])[1]

    chosen = [[server(balanced, number) for number in range(1, 8)] for balanced in doors]
    assert chosen[0] == chosen[1]
    assert len(set(chosen[0])) > 1


@pytest.mark.root
@pytest.mark.parametrize("mode", ["on", "auto"])
@pytest.mark.parametrize("pieces", [1, 2])
def test_on_the_kernel_path_a_header_from_the_client_is_neither_carried_nor_counted(mode, pieces):
    standin = lab.StandIn(lab.echo)
    log = lab.Log()
    port, = lab.free_ports(1)
    text = f"""
defaults
    log 127.0.0.1:{log.port} local0
    log-format "%ci %U/%B %ts"
    timeout client 5s
    timeout connect 1s
    timeout server 5s
listen one
    bind 127.0.0.1:{port} accept-proxy
    server s 127.0.0.1:{standin.port}
"""
    with contextlib.closing(standin), contextlib.closing(log.sock), WorkerProcess() as worker:
        worker.configure(loaded(text), kernel_path=mode)
        with socket.create_connection(("127.0.0.1", port), 5) as sock:
            sock.sendall(V1 + b"hello" if pieces == 1 else V1)
            if pieces == 1:
                assert sock.recv(65536) == b"hello"
            total = 5 * (pieces == 1)
            for number in range(40):
                message = b"%03d" % number * 1000
                sock.sendall(message)
                answer = b""
                while len(answer) < len(message):
                    answer += sock.recv(65536)
                assert answer == message
                total += len(message)
            sock.shutdown(socket.SHUT_WR)
            assert ending(sock) == (b"", "end")
        line = wait_for(log.read, "the line")[0]
        assert line.endswith(f"10.0.0.1 {total}/{total} --")


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
