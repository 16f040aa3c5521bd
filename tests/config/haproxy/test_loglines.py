"""`log` lines."""

import pytest

from tests.config.haproxy.reading import draft_of, said


def target(line):
    draft = draft_of(f"global\n    log {line}\n")
    assert draft.problems == []
    found, = draft.data["settings"]["log"]
    return found


@pytest.mark.parametrize(("line", "data"), [
    ("/dev/log local0", {"kind": "unix", "path": "/dev/log", "facility": "local0"}),
    ("unix@/dev/log local0", {"kind": "unix", "path": "/dev/log", "facility": "local0"}),
    ("127.0.0.1 local2 info", {"kind": "udp", "host": "127.0.0.1", "facility": "local2", "level": "info"}),
    ("udp@10.0.0.1:1514 user err alert",
     {"kind": "udp", "host": "10.0.0.1", "port": 1514, "facility": "user", "level": "err", "minlevel": "alert"}),
    ("udp6@[::1]:514 user", {"kind": "udp", "host": "::1", "port": 514, "facility": "user"}),
    ("stdout format raw local0", {"kind": "stdout", "format": "raw", "facility": "local0"}),
    ("stderr len 2048 format rfc5424 daemon",
     {"kind": "stderr", "length": 2048, "format": "rfc5424", "facility": "daemon"}),
    ("fd@5 local0", {"kind": "fd", "fd": 5, "facility": "local0"})])
def test_a_target_is_read(line, data):
    assert target(line) == data


@pytest.mark.parametrize(("line", "message"), [
    ("log", "expects an address and a facility"), ("log /dev/log", "expects an address and a facility"),
    ("log /dev/log locla0", "did you mean 'local0'?"), ("log /dev/log local0 inof", "did you mean 'info'?"),
    ("log /dev/log local0 info err x", "unexpected argument 'x'"),
    ("log /dev/log len 5 local0", "between 80 and 65535"),
    ("log /dev/log format x local0", "expects one of 'local'"), ("log ring@r local0", "rings and over TCP"),
    ("log 10.0.0.300 local0", "neither an IP address"), ("log /dev/log len 100", "log facility")])
def test_mistakes_are_told(line, message):
    sentence, = said(line, "global")
    assert sentence.startswith("error: ")
    assert message in sentence


def test_no_log_forgets_what_was_said_before():
    text = ("global\n log /dev/log local0\ndefaults\n log global\n log 10.0.0.1 local0\nlisten a\n no log\n bind :1\n"
            "listen b\n no log\n log global\n log global\n bind :2\n")
    first, second = draft_of(text).data["frontends"]
    assert "log" not in first
    assert [found["kind"] for found in second["log"]["targets"]] == ["unix"]
