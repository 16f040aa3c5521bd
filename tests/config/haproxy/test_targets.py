"""Which backend a frontend leads to, and which listeners answer themselves."""

import pytest

from tests.config.haproxy.reading import TIMEOUTS, draft_of, errors, sentences

SERVER = "    server a 10.0.0.1:1 check\n"
DEFAULTS = f"defaults\n{TIMEOUTS}"


def first(text):
    item = draft_of(DEFAULTS + text).data["frontends"][0]
    return item.get("default_backend"), "http" in item


@pytest.mark.parametrize(("text", "found"), [
    (f"listen l\n bind :1\n{SERVER}", ("l", False)),
    ("listen l\n bind :1\n", ("l", False)),
    (f"listen l\n bind :1\n default_backend b\n{SERVER}backend b\n{SERVER}", ("b", False)),
    ("listen l\n bind :1\n mode http\n", (None, True)),
    (f"listen l\n bind :1\n mode http\n{SERVER}", ("l", False)),
    ("listen l\n bind :1\n mode http\n server broken\n", ("l", False)),
    (f"frontend f\n bind :1\n default_backend b\nbackend b\n{SERVER}", ("b", False)),
    ("frontend f\n bind :1\n mode http\n", (None, True)),
    ("frontend f\n bind :1\n", (None, False)),
    ("frontend f\n bind :1\n mode http\n default_backend b\nbackend b\n mode http\n", (None, True)),
    ("frontend f\n bind :1\n mode http\n use_backend b if { path /x }\nbackend b\n mode http\n", (None, False)),
    (f"frontend f\n bind :1\n mode http\n default_backend b\nbackend b\n mode http\n{SERVER}", ("b", False)),
    ("frontend f\n bind :1\n default_backend nosuch\n", ("nosuch", False))])
def test_where_a_listener_leads(text, found):
    assert first(text) == found


def test_http_servers_are_relayed_to_with_a_warning():
    text = f"{DEFAULTS} mode http\nfrontend f\n bind :1\n default_backend b\nbackend b\n{SERVER}"
    sentence, = sentences(draft_of(text))
    assert sentence.startswith("ignored: 'mode http' of frontend 'f': connections are relayed as TCP;")


def test_a_tcp_frontend_before_an_http_backend_is_relayed_with_a_warning():
    text = f"{DEFAULTS}frontend f\n bind :1\n default_backend b\nbackend b\n mode http\n{SERVER}"
    sentence, = sentences(draft_of(text))
    assert sentence.startswith("ignored: 'mode http' of backend 'b'")


def test_an_http_frontend_before_a_tcp_backend_is_an_error_as_in_haproxy():
    text, = errors(draft_of(f"{DEFAULTS}frontend f\n mode http\n bind :1\n default_backend b\nbackend b\n{SERVER}"))
    assert "h.cfg:8: error: frontend 'f' is in HTTP mode, but its backend 'b' is in TCP mode" in text


def test_a_backend_that_does_not_exist_is_named_with_the_nearest():
    text, = errors(draft_of(f"{DEFAULTS}frontend f\n bind :1\n default_backend mastres\nbackend masters\n{SERVER}"))
    assert text == ("h.cfg:7: error: frontend 'f': unable to find the default_backend 'mastres'; "
                    "did you mean 'masters'?")
