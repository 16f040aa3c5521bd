"""Log targets: every format, every kind of target, and that none of them is ever waited for."""

import os
import re
import socket
import stat

import pytest

from pyha.config.model import Global, LogTarget
from pyha.runtime.syslog import Syslog

SYSLOG_DATE = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d"
PID = os.getpid()


@pytest.fixture
def syslog():
    result = Syslog()
    yield result
    result.close()


@pytest.fixture
def receiver():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(5)
        yield sock


def udp(receiver, **options):
    return LogTarget(kind="udp", host="127.0.0.1", port=receiver.getsockname()[1], **options)


def said(syslog, receiver, level=6, settings=None, text="hello", **options):
    target = udp(receiver, **options)
    syslog.configure(settings or Global(), [target])
    syslog.send([target], level, text)
    return receiver.recv(70000).decode()


@pytest.mark.parametrize(("name", "expected"), [
    ("local", rf"<134>{SYSLOG_DATE} haproxy\[{PID}\]: hello\n"),
    ("rfc3164", rf"<134>{SYSLOG_DATE} localhost haproxy\[{PID}\]: hello\n"),
    ("rfc5424", rf"<134>1 {ISO} - haproxy {PID} - - hello\n"),
    ("priority", r"<134>hello\n"),
    ("short", r"<6>hello\n"),
    ("timed", rf"<6>{ISO} hello\n"),
    ("iso", rf"{ISO} hello\n"),
    ("raw", r"hello\n"),
])  # fmt: skip
def test_formats(syslog, receiver, name, expected):
    assert re.fullmatch(expected, said(syslog, receiver, format=name))


def test_facility_and_levels(syslog, receiver):
    assert said(syslog, receiver, 3, facility="local7", format="priority").startswith("<187>")
    assert said(syslog, receiver, 2, minlevel="notice", format="short").startswith("<5>")
    target = udp(receiver, level="notice", format="short")
    syslog.configure(Global(), [target])
    syslog.send([target], 6, "dropped by its level")
    syslog.send([target], 5, "wanted")
    assert receiver.recv(1000) == b"<5>wanted\n"
    assert syslog.dropped == 0


def test_tag_and_hostname(syslog, receiver):
    settings = Global(log_tag="lb", log_send_hostname="node1")
    assert re.fullmatch(rf"<134>{SYSLOG_DATE} node1 lb\[{PID}\]: hello\n", said(syslog, receiver, settings=settings))
    assert " node1 lb " in said(syslog, receiver, settings=settings, format="rfc5424")


def test_length(syslog, receiver):
    assert said(syslog, receiver, text="x" * 500, length=100, format="raw") == "x" * 100 + "\n"


def test_a_unix_socket_that_comes_later_and_comes_again(syslog, tmp_path):
    path = tmp_path / "log"
    target = LogTarget(kind="unix", path=str(path), format="raw")
    syslog.configure(Global(), [target])
    syslog.send([target], 6, "nobody there")
    assert syslog.dropped == 1
    for text in ("first", "second"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
            daemon.bind(str(path))
            syslog.send([target], 6, text)
            assert daemon.recv(100) == text.encode() + b"\n"
        path.unlink()


def test_a_syslog_daemon_that_does_not_read_holds_nothing_up(syslog, tmp_path):
    path = str(tmp_path / "log")
    target = LogTarget(kind="unix", path=path, format="raw")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(path)
        syslog.configure(Global(), [target])
        for _ in range(2000):
            syslog.send([target], 6, "x" * 1000)
        assert syslog.dropped > 0


def test_nobody_listens_on_udp(syslog, receiver):
    target = udp(receiver, format="raw")
    receiver.close()
    syslog.configure(Global(), [target])
    for _ in range(5):
        syslog.send([target], 6, "x")  # an unconnected socket is not even told


def stream():
    return [sock.detach() for sock in socket.socketpair()]


@pytest.mark.parametrize("make", [os.pipe, stream], ids=["pipe", "socket"])
def test_a_descriptor_whose_reader_is_slow_loses_lines_and_no_time(syslog, make):
    reading, writing = make()
    target = LogTarget(kind="fd", fd=writing, format="raw")
    syslog.configure(Global(), [target])
    syslog.send([target], 6, "hello")
    assert os.read(reading, 100) == b"hello\n"
    for _ in range(5000):
        syslog.send([target], 6, "x" * 1000)
    assert syslog.dropped > 0
    assert os.get_blocking(writing)  # others share it
    for fd in (reading, writing):
        os.close(fd)


def test_a_file(syslog, tmp_path):
    path = tmp_path / "out"
    with path.open("wb") as file:
        target = LogTarget(kind="fd", fd=file.fileno(), format="raw")
        syslog.configure(Global(), [target])
        syslog.send([target], 6, "hello")
        assert stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    assert path.read_bytes() == b"hello\n"


def test_a_descriptor_that_is_not_open(syslog):
    target = LogTarget(kind="fd", fd=987, format="raw")
    syslog.configure(Global(), [target])
    syslog.send([target], 6, "hello")
    assert syslog.dropped == 1


def test_a_host_that_does_not_exist(syslog):
    target = LogTarget(kind="udp", host="log.invalid", format="raw")
    syslog.configure(Global(), [target])
    syslog.send([target], 6, "hello")
    assert syslog.dropped == 1


def test_targets_that_stay_keep_their_socket_and_others_are_closed(syslog, receiver):
    stays, goes = udp(receiver, format="raw"), udp(receiver, format="short")
    syslog.configure(Global(), [stays, goes])
    syslog.configure(Global(), [stays])
    syslog.send([stays, goes], 6, "hello")
    assert receiver.recv(100) == b"hello\n"
    receiver.setblocking(False)
    with pytest.raises(BlockingIOError):
        receiver.recv(100)
