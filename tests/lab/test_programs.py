"""The stand-in apiserver, the client and the watcher: alone, and together on loopback."""

import contextlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import apiserver
import certificates
import client
import pytest

LAB = Path(__file__).parents[2] / "netns-lab"


def test_the_client_reads_who_answered_and_who_carried_it():
    answer = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"node": "m2", "via": "10.0.0.1"}\n'
    assert client.parse(answer) == ("m2", "10.0.0.1")


def test_an_answer_that_is_not_200_is_a_failure():
    with pytest.raises(ValueError, match="status 503"):
        client.parse(b"HTTP/1.1 503 Service Unavailable\r\n\r\n{}\n")


@pytest.mark.parametrize(("problem", "word"), [
    (TimeoutError(), "timeout"), (ConnectionRefusedError(), "refused"), (ConnectionResetError(), "reset"),
    (BrokenPipeError(), "reset"), (ssl.SSLEOFError(), "tls"), (OSError(113, "No route to host"), "no route to host"),
    (ValueError("status 503"), "status 503"), (ValueError(), "ValueError"),
])
def test_failures_are_named_with_a_word(problem, word):
    assert client.describe(problem) == word


def test_an_apiserver_that_is_leaving_is_alive_but_not_ready():
    server = apiserver.Apiserver("m1", delay=5)
    assert server.answer("GET", "/readyz?verbose", "10.0.0.2")[0] == 200
    server.ready = False
    assert server.answer("GET", "/readyz", "10.0.0.2")[0] == 500
    assert server.answer("OPTIONS", "/livez", "10.0.0.2")[0] == 200
    assert json.loads(server.answer("GET", "/whoami", "10.0.0.2")[1]) == {"node": "m1", "via": "10.0.0.2"}


def test_what_an_apiserver_does_not_know_is_404_and_what_it_does_not_do_405():
    server = apiserver.Apiserver("m1", delay=5)
    assert server.answer("GET", "/api", "")[0] == 404
    assert server.answer("DELETE", "/livez", "")[0] == 405


@pytest.fixture
def running(tmp_path):
    """(port, start(program, *options), the apiserver's process): everything is ended afterwards."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl")
    certificates.create(tmp_path, {"m1": ["127.0.0.1"]})
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = []

    def start(program, *options):
        started.append(subprocess.Popen([sys.executable, LAB / f"{program}.py", "--port", str(port), *options],
                                        stdout=subprocess.PIPE, text=True))
        return started[-1]

    server = start("apiserver", "--node", "m1", "--address", "127.0.0.1", "--delay", "0.5",
                   "--cert", str(tmp_path / "m1.crt"), "--key", str(tmp_path / "m1.key"))
    assert "serving" in server.stdout.readline()
    yield start, server, ("--address", "127.0.0.1", "--ca", str(tmp_path / "ca.crt"))
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_client_gets_answers_over_verified_tls_and_records_them_in_order(running):
    start, _, where = running
    asking = start("client", *where)
    records = [json.loads(asking.stdout.readline()) for _ in range(20)]
    assert [record[2:] for record in records] == [["m1", "127.0.0.1", ""]] * 20
    assert all(began < ended for began, ended, *_ in records)


def test_the_client_says_that_nobody_answers(running):
    start, server, where = running
    server.kill()
    server.wait()
    asking = start("client", *where)
    assert json.loads(asking.stdout.readline())[2:] == ["", "", "refused"]


def test_watches_are_held_ended_in_order_and_opened_again(running):
    start, server, where = running
    watching = start("watcher", *where, "--count", "5")
    opened = [json.loads(watching.stdout.readline())[1:] for _ in range(5)]
    assert sorted(opened) == [["open", n, "m1"] for n in range(5)]
    server.send_signal(signal.SIGTERM)
    lost = [json.loads(watching.stdout.readline())[1:] for _ in range(5)]
    assert sorted(lost) == [["lost", n, "ended"] for n in range(5)]
    assert server.wait(20) == 0


def test_a_watch_that_falls_silent_is_lost(running):
    start, server, where = running
    watching = start("watcher", *where, "--count", "1", "--silence", "1.5")
    assert json.loads(watching.stdout.readline())[1] == "open"
    server.send_signal(signal.SIGSTOP)
    assert json.loads(watching.stdout.readline())[1:] == ["lost", 0, "silent"]


def test_an_apiserver_goes_on_serving_until_its_delay_is_over(running, tmp_path):
    start, server, where = running
    server.send_signal(signal.SIGTERM)
    assert "500 from now on" in server.stdout.readline()
    asking = start("client", *where, "--interval", "20")
    record = json.loads(asking.stdout.readline())
    assert record[4] == "" or time.monotonic() > record[0]  # a slow machine may have been later than the delay
    assert server.wait(20) == 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(server.pid, 0)
        pytest.fail("it is still there")
