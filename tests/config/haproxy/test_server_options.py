"""The options of `server`, one by one."""

import pytest

from pyha.config.haproxy import server_options
from tests.config.haproxy.reading import backend, said


def server(options):
    return backend(f"server a 10.0.0.1:1 {options}")["servers"][0]


@pytest.mark.parametrize(("options", "field", "value"), [
    ("weight 0", "weight", 0), ("weight 256", "weight", 256), ("backup", "backup", True), ("backup no-backup",
    "backup", False),
    ("disabled", "disabled", True), ("disabled enabled", "disabled", False), ("maxconn 5", "maxconn", 5),
    ("minconn 3", "minconn", 3), ("maxqueue 9", "maxqueue", 9), ("slowstart 1m", "slowstart", 60_000),
    ("on-marked-down shutdown-sessions", "on_marked_down", "shutdown-sessions"),
    ("on-marked-up shutdown-backup-sessions", "on_marked_up", "shutdown-backup-sessions"),
    ("init-addr last,libc,10.0.0.9", "init_addr", ("last", "libc", "10.0.0.9"))])
def test_an_option_becomes_a_field(options, field, value):
    assert server(options)[field] == value


@pytest.mark.parametrize(("options", "field", "value"), [
    ("inter 100us", "inter", 1), ("fastinter 1s", "fastinter", 1000), ("downinter 5s", "downinter", 5000), ("rise 3",
    "rise", 3),
    ("fall 4", "fall", 4), ("port 80", "port", 80), ("addr 10.9.9.9", "host", "10.9.9.9"), ("addr 10.9.9.9:8",
    "port", 8)])
def test_an_option_becomes_a_field_of_the_check(options, field, value):
    assert server(f"check {options}")["check"][field] == value
    assert "check" not in server(options)


@pytest.mark.parametrize(("options", "field", "value"), [
    ("verify none", "verify", "none"), ("check-sni api", "sni", "api"), ("check-alpn h2,http/1.1", "alpn", ("h2",
    "http/1.1")),
    ("verifyhost api", "verifyhost", "api"), ("crt /c", "crt", "/c")])
def test_an_option_becomes_a_field_of_tls(options, field, value):
    check = server(f"check check-ssl ca-file /ca {options}")["check"]
    assert check["tls"][field] == check["tls_options"][field] == value


@pytest.mark.parametrize(("options", "message"), [
    ("weight 257", "expects an integer between 0 and 256, got '257'"), ("weight",
    "expects an integer between 0 and 256"),
    ("inter 0", "must be at least 1 ms"), ("inter soon", "is not a time"), ("port 0", "between 1 and 65535"),
    ("rise 0", "at least 1"), ("on-marked-down x", "expects one of 'shutdown-sessions'"), ("verify maybe",
    "'none', 'required'"),
    ("addr", "expects an IP address"), ("addr 300.0.0.1", "neither"), ("init-addr x,,", "unknown method"),
    ("init-addr a:b:c", "unknown method"),
    ("check-alpn ,", "protocol names"), ("ca-file", "expects a file name"), ("check-sni", "expects a host name")])
def test_a_wrong_value_is_told_once(options, message):
    sentences = said(f"server a 10.0.0.1:1 check {options}")
    assert len(sentences) == 1
    assert sentences[0].startswith("error: ")
    assert message in sentences[0]


def test_no_word_is_in_two_registries():
    assert len(set(server_options.KNOWN)) == len(server_options.KNOWN)


def test_how_many_values_follow():
    assert [server_options.arity(word) for word in ("weight", "check", "cookie", "send-proxy",
    "track", None)] == [1, 0, 1, 0, 1, 0]
