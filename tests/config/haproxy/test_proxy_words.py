"""The translated words of the proxy sections."""

import pytest

from tests.config.haproxy.reading import backend, frontend, said


@pytest.mark.parametrize(("lines", "key", "value"), [
    ("maxconn 5", "maxconn", 5), ("timeout client 5s", "timeout_client", 5000),
    ("timeout client-fin 1s", "timeout_client_fin", 1000),
    ("option clitcpka", "clitcpka", True), ("option tcpka", "clitcpka", True),
    ("option clitcpka\nno option clitcpka", "clitcpka", False),
    ("disabled", "disabled", True), ("disabled\nenabled", "disabled", False)])
def test_a_word_becomes_a_field_of_the_frontend(lines, key, value):
    assert frontend(lines)[key] == value


@pytest.mark.parametrize(("lines", "key", "value"), [
    ("retries 0", "retries", 0), ("option redispatch", "redispatch", True), ("option redispatch 1", "redispatch", True),
    ("option redispatch 0", "redispatch", False), ("no option redispatch", "redispatch", False),
    ("option allbackups", "allbackups", True), ("fullconn 9", "fullconn", 9),
    ("timeout connect 9", "timeout_connect", 9),
    ("timeout server 1d", "timeout_server", 86_400_000), ("timeout server-fin 1s", "timeout_server_fin", 1000),
    ("timeout tunnel 24h", "timeout_tunnel", 86_400_000), ("timeout queue 2m", "timeout_queue", 120_000),
    ("timeout check 100us", "timeout_check", 1), ("option tcpka", "srvtcpka", True),
    ("option srvtcpka", "srvtcpka", True)])
def test_a_word_becomes_a_field_of_the_backend(lines, key, value):
    assert backend(lines)[key] == value


@pytest.mark.parametrize("line", ["description x y", "option contstats", "option splice-auto", "http-check comment x",
                                  "no option splice-request"])
def test_what_pyha_fulfils_is_silent(line):
    assert said(line) == []


def test_default_forgets_what_was_said():
    assert "redispatch" not in backend("option redispatch\ndefault option redispatch")
    assert "clitcpka" not in frontend("option clitcpka\ndefault option clitcpka")


def test_zero_means_no_timeout_and_no_limit():
    assert "timeout_tunnel" not in backend("timeout tunnel 5s\ntimeout tunnel 0")
    assert "maxconn" not in frontend("maxconn 5\nmaxconn 0")


@pytest.mark.parametrize(("line", "message"), [
    ("mode htpp", "did you mean 'http'?"), ("mode health", "does not exist any more"), ("mode", "expects one of"),
    ("default_backend", "expects the name of a backend"), ("default_backend a b", "unexpected argument 'b'"),
    ("retries many", "expects an integer"), ("option redispatch x", "expects an integer"),
    ("option tcplog clf", "is not supported"),
    ("option dontlognull x", "unexpected argument 'x'"), ("timeout client 1s 2s", "unexpected argument '2s'"),
    ("option tcplog x", "unexpected argument 'x'"), ("option httplog clf x", "unexpected argument 'x'"),
    ("option tcpka x", "unexpected argument 'x'"), ("disabled x", "unexpected argument 'x'"),
    ("timeout client 30d", "is too long"), ("maxconn x", "expects an integer")])
def test_mistakes_are_told(line, message):
    sentence, *_ = said(line)
    assert sentence.startswith("error: ")
    assert message in sentence


def test_tcplog_in_a_backend_has_no_effect():
    assert said("option tcplog", "backend") == [
        "ignored: 'option tcplog' has no effect: backends do not log sessions, their frontends do"]
