"""Monitor URI and statistics over real connections: a real monitor process answers well and badly behaved clients."""

import base64
import contextlib
import csv
import random
import re
import socket
import time

import pytest

from pyha.config.model import Backend, Bind, Check, Config, Frontend, HealthDialogue, HttpService, Server
from pyha.control.messages import FrontendCounters, ServerCounters, WorkerReport
from tests.runtime.haproxy_lab import HAPROXY, Haproxy
from tests.runtime.monitor_lab import MonitorProcess
from tests.runtime.standins import Refusing, Standin, http, status
from tests.runtime.worker_lab import free_port, wait_for

STATS = HttpService(stats_uri="/stats")


class Site:
    """A monitor with one listener in HTTP mode, and one backend with a server that is up and one that is down."""

    def __init__(self, monitor, service, **options):
        self.monitor, self.port = monitor, free_port()
        self.good, self.bad = Standin(http(status(200, "OK"))), Refusing()
        health = HealthDialogue(kind="http")
        servers = (Server(name="good", host="127.0.0.1", port=self.good.port, check=Check(inter=100)),
                   Server(name="bad", host="127.0.0.1", port=self.bad.port, check=Check(inter=100)))
        self.config = Config(
            frontends=(Frontend(name="web", binds=(Bind(host="127.0.0.1", port=self.port),), http=service, **options),
                       Frontend(name="api", binds=(Bind(host="127.0.0.1", port=1),), default_backend="api")),
            backends=(Backend(name="api", servers=servers, health=health),))
        assert monitor.configure(self.config).type == "configured"
        wait_for(monitor.all_checked, "checks")

    def close(self):
        self.good.close()
        self.bad.close()

    def connect(self):
        return contextlib.closing(socket.create_connection(("127.0.0.1", self.port), timeout=20))

    def say(self, *pieces, pause=0.0):
        """Send these pieces on one connection and read to the end."""
        with self.connect() as sock:
            for piece in pieces:
                sock.sendall(piece)
                time.sleep(pause)
            return read_all(sock)

    def get(self, target, headers="", method="GET"):
        answer = self.say(f"{method} {target} HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n".encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), head.decode(), body.decode()

    def rows(self):
        text = self.get("/stats;csv")[2].removeprefix("# ").rstrip("\n")
        return {(row["pxname"], row["svname"]): row for row in csv.DictReader(text.splitlines())}


def read_all(sock):
    answer = b""
    while data := sock.recv(65536):
        answer += data
    return answer


def read_one(sock):
    """One answer with its body."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += sock.recv(1)
    length = int(re.search(rb"content-length: (\d+)", answer)[1])
    while length:
        data = sock.recv(length)
        length -= len(data)
    return answer


@pytest.fixture
def site(tmp_path):
    sites = []
    with MonitorProcess(tmp_path) as monitor:
        def make(service=STATS, **options):
            sites.append(Site(monitor, service, **options))
            return sites[-1]
        yield make
        for one in sites:
            one.close()


# -- what is answered --------------------------------------------------------------------------------------------------


def test_the_page_shows_every_proxy_and_server(site):
    code, head, body = site().get("/stats")
    assert code == 200
    assert "content-type: text/html; charset=utf-8" in head
    for word in ("good", "bad", "L7OK/200", "L4CON", "Connection refused", "web", "api"):
        assert word in body


def test_the_csv_tells_the_states_of_servers_and_what_workers_counted(site):
    here = site()
    for now, total in ((0, 0), (1, 5)):
        here.monitor.send(WorkerReport(
            worker=0, frontends=(FrontendCounters(name="api", total=total, sessions=2),),
            servers=(ServerCounters(backend="api", server="good", total=total, bytes_in=now * 100),)))
    wait_for(lambda: here.rows()["api", "good"]["stot"] == "5", "the reports")
    rows = here.rows()
    assert (rows["api", "FRONTEND"]["scur"], rows["api", "good"]["bin"], rows["api", "BACKEND"]["stot"]) == (
        "2", "100", "5")
    assert (rows["api", "good"]["status"], rows["api", "bad"]["status"], rows["api", "bad"]["check_status"]) == (
        "UP", "DOWN", "L4CON")
    assert (rows["api", "BACKEND"]["status"], rows["api", "BACKEND"]["act"]) == ("UP", "1")


def test_a_listener_counts_what_it_answered(site):
    here = site()
    here.get("/stats")
    here.get("/nothing")
    here.say(b"garbage\r\n\r\n")
    row = here.rows()["web", "FRONTEND"]
    assert (row["stot"], row["hrsp_2xx"], row["hrsp_4xx"], row["hrsp_5xx"], row["ereq"]) == ("4", "1", "1", "1", "1")
    assert (row["scur"], row["mode"]) == ("1", "http")
    assert int(row["bin"]) > 0
    assert int(row["bout"]) > 0


def test_the_monitor_uri_follows_the_servers(site):
    here = site(HttpService(monitor_uri="/healthz", monitor_fail=(("api", 1),)))
    assert here.get("/healthz")[0] == 200
    here.good.close()
    wait_for(lambda: here.get("/healthz")[0] == 503, "the last server to go")


def test_a_password_is_asked_for(site):
    here = site(STATS.model_copy(update={"stats_auth": ("admin:secret",)}))
    code, head, _ = here.get("/stats")
    assert code == 401
    assert 'www-authenticate: Basic realm="HAProxy Statistics"' in head
    word = base64.b64encode(b"admin:secret").decode()
    assert here.get("/stats", f"Authorization: Basic {word}\r\n")[0] == 200
    assert here.get("/stats", "Authorization: Basic \xff\r\n")[0] == 401
    assert here.monitor.log == [line for line in here.monitor.log if "failed" not in line]


# -- how it is answered ------------------------------------------------------------------------------------------------


def test_a_connection_can_be_used_again_and_requests_may_come_in_one_piece(site):
    here = site()
    with here.connect() as sock:
        for _ in range(3):
            sock.sendall(b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n")
            assert read_one(sock).startswith(b"HTTP/1.1 200 OK")
        sock.sendall(b"GET /stats HTTP/1.1\r\n\r\n\r\n\r\nGET /other HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert read_one(sock).startswith(b"HTTP/1.1 200 OK")
        assert read_all(sock).startswith(b"HTTP/1.1 503")


def test_a_request_may_come_byte_by_byte(site):
    request = b"GET /stats HTTP/1.0\r\nHost: x\r\n\r\n"
    pieces = [request[at:at + 1] for at in range(len(request))]
    assert site().say(*pieces, pause=0.001).startswith(b"HTTP/1.1 200 OK")


def test_head_has_no_body(site):
    answer = site().say(b"HEAD /stats HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert answer.endswith(b"\r\n\r\n")


def test_bodies_are_thrown_away_and_the_connection_goes_on(site):
    with site().connect() as sock:
        sock.sendall(b"POST /stats HTTP/1.1\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60_000)
        assert read_one(sock).startswith(b"HTTP/1.1 303")
        sock.sendall(b"GET /stats;st=DENY HTTP/1.1\r\n\r\n")
        assert read_one(sock).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("body", [b"Content-Length: 200000\r\n\r\n" + b"x" * 60_000,
                                  b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"])
def test_a_body_that_is_not_read_does_not_cost_the_client_its_answer(site, body):
    answer = site().say(b"POST /stats HTTP/1.1\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 303")
    assert b"connection: close\r\n" in answer


@pytest.mark.parametrize("request_", [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", b"GET\r\n\r\n", b"GET / HTTP/3.0\r\n\r\n", b"\x00" * 100,
    b"GET / HTTP/1.1\r\nbad header\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 30_000,
    b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n"])
def test_garbage_is_refused_at_once(site, request_):
    assert site().say(request_).startswith(b"HTTP/1.1 400 Bad request")


def test_garbage_at_random_breaks_nothing(site):
    here, dice = site(timeout_client=200), random.Random(3)
    for _ in range(60):
        request = bytearray(b"GET /stats HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        for _ in range(dice.randrange(1, 8)):
            request[dice.randrange(len(request))] = dice.randrange(256)
        answer = here.say(bytes(request))
        assert answer == b"" or re.match(rb"HTTP/1\.1 (200|303|400|408|503) ", answer)
    assert here.get("/stats")[0] == 200
    assert not any("failed" in line for line in here.monitor.log if "Health check" not in line)


# -- clients that take their time --------------------------------------------------------------------------------------


def test_half_a_request_times_out_with_408_and_silence_without_a_word(site):
    here = site(timeout_client=200)
    assert here.say(b"GET /stats HTTP/1.1\r\n").startswith(b"HTTP/1.1 408 Request Time-out")
    assert here.say() == b""


def test_dripping_does_not_extend_the_time_for_a_request(site):
    here = site(timeout_client=300)
    with here.connect() as sock:
        answer = b""
        sock.settimeout(0.02)
        for byte in b"GET /stats HTTP/1.1\r\n" + b"A: b\r\n" * 1000:
            with contextlib.suppress(TimeoutError):
                sock.sendall(bytes([byte]))
                answer = sock.recv(100)
                break
        assert answer.startswith(b"HTTP/1.1 408")


def test_clients_that_hold_connections_make_room_for_those_who_ask(site):
    here = site()
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(here.connect()) for _ in range(260)]
        for sock in held:
            sock.sendall(b"GET /st")
        assert here.get("/stats")[0] == 200
        held[0].settimeout(10)
        # The oldest had to go: with a reset, where its bytes had not been read yet.
        with contextlib.suppress(ConnectionResetError):
            assert held[0].recv(1) == b""
        assert here.good.accepted > 0
        seen = here.good.accepted
        wait_for(lambda: here.good.accepted > seen + 2, "checks that go on")


def test_a_client_that_never_reads_does_not_stop_the_others(site):
    here = site()
    with here.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(100_000):
                sock.send(b"GET /stats HTTP/1.1\r\n\r\n" * 50)
        assert here.get("/stats")[0] == 200


# -- reload ------------------------------------------------------------------------------------------------------------


def test_a_reload_keeps_connections_and_changes_what_they_are_answered(site):
    here = site()
    with here.connect() as sock:
        sock.sendall(b"GET /stats HTTP/1.1\r\n\r\n")
        assert read_one(sock).startswith(b"HTTP/1.1 200")
        front = here.config.frontends[0].model_copy(update={"http": HttpService(monitor_uri="/healthz")})
        here.monitor.configure(here.config.model_copy(update={"frontends": (front, *here.config.frontends[1:])}))
        sock.sendall(b"GET /stats HTTP/1.1\r\n\r\n")
        assert read_one(sock).startswith(b"HTTP/1.1 503")
        sock.sendall(b"GET /healthz HTTP/1.1\r\n\r\n")
        assert read_one(sock).startswith(b"HTTP/1.1 200")


def test_a_listener_that_left_the_configuration_is_closed(site):
    here = site()
    here.monitor.configure(here.config.model_copy(update={"frontends": here.config.frontends[1:]}))
    with pytest.raises(ConnectionRefusedError), here.connect():
        pass


# -- beside haproxy ----------------------------------------------------------------------------------------------------


@pytest.mark.peer
@pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")
@pytest.mark.parametrize("request_", [
    b"GET /healthz HTTP/1.0\r\n\r\n", b"HEAD /healthz HTTP/1.0\r\n\r\n", b"GET /other HTTP/1.0\r\n\r\n",
    b"GET /healthz?x HTTP/1.0\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    b"OPTIONS /healthz HTTP/1.0\r\n\r\n", b"garbage\r\n\r\n", b"GET /healthz HTTP/1.0\r\nA b: c\r\n\r\n"])
def test_the_monitor_uri_answers_as_haproxys_to_the_byte(site, tmp_path, request_):
    port = free_port()
    timeouts = "timeout client 2s\n timeout connect 2s\n timeout server 2s"
    body = f"defaults\n mode http\n {timeouts}\nfrontend web\n bind 127.0.0.1:{port}\n monitor-uri /healthz\n"
    with Haproxy(tmp_path, body), socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(request_)
        theirs = read_all(sock)
    ours = site(HttpService(monitor_uri="/healthz")).say(request_)
    assert ours == theirs
