"""The statistics page and the monitor URI."""

import pytest

from tests.config.haproxy.reading import TIMEOUTS, draft_of, errors, sentences


def page(lines, before=""):
    text = f"{before}listen page\n    mode http\n    bind :1\n{TIMEOUTS}"
    text += "".join(f"    {line}\n" for line in lines.split("\n"))
    text += f"backend masters\n{TIMEOUTS}    server a 10.0.0.1:1 check\n"
    draft = draft_of(text)
    assert not errors(draft), errors(draft)
    return draft.data["frontends"][0]["http"]


@pytest.mark.parametrize(("line", "key", "value"), [
    ("stats enable", "stats_uri", "/haproxy?stats"), ("stats uri /x", "stats_uri", "/x"), ("stats realm A\\ b",
    "stats_realm", "A b"),
    ("stats refresh 5", "stats_refresh", 5000), ("stats refresh 1m", "stats_refresh", 60_000),
    ("stats hide-version", "stats_hide_version", True), ("stats show-legends", "stats_show_legends", True),
    ("stats show-node n 1", "stats_show_node", "n"), ("stats show-desc a b", "stats_show_desc", "a b"),
    ("stats admin if TRUE", "stats_admin", "always"), ("stats admin if LOCALHOST", "stats_admin", "localhost"),
    ("stats admin if FALSE", "stats_admin", "never"), ("stats admin if { src 10.0.0.1 }", "stats_admin", "never"),
    ("stats auth a:b\nstats auth c:d", "stats_auth", ["a:b", "c:d"]), ("monitor-uri /ready", "monitor_uri", "/ready"),
    ("monitor fail if { nbsrv(masters) lt 1 }", "monitor_fail", [("masters", 1)])])
def test_a_word_becomes_a_field(line, key, value):
    assert page(line)[key] == value


def test_any_word_about_the_page_switches_it_on():
    assert page("stats hide-version")["stats_uri"] == "/haproxy?stats"
    assert page("retries 3") == {}


def test_the_names_of_the_global_section_are_the_default():
    before = "global\n    node lb1\n    description the lab\n"
    data = page("stats show-node\nstats show-desc", before)
    assert (data["stats_show_node"], data["stats_show_desc"]) == ("lb1", "the lab")


def test_own_words_replace_the_whole_page_of_defaults():
    before = "defaults\n    stats auth a:b\n    stats uri /inherited\n"
    assert page("retries 3", before) == {"stats_uri": "/inherited", "stats_auth": ["a:b"]}
    assert page("stats hide-version", before) == {"stats_uri": "/haproxy?stats", "stats_hide_version": True}


def test_a_page_beside_servers_is_refused():
    text = f"listen x\n    mode http\n    bind :1\n{TIMEOUTS}    stats enable\n    server a 10.0.0.1:1 check\n"
    draft = draft_of(text)
    assert ["'stats' is not supported in listen 'x'" in text for text in errors(draft)] == [True]


def test_a_page_in_tcp_mode_has_no_effect():
    draft = draft_of(f"listen x\n    bind :1\n{TIMEOUTS}    stats enable\n    server a 10.0.0.1:1 check\n")
    sentence, = sentences(draft)
    assert sentence == "ignored: 'stats' is ignored for listen 'x', because it requires HTTP mode; write 'mode http'"


def test_a_page_that_nobody_reaches_is_silent():
    draft = draft_of("backend b\n    mode http\n    stats enable\n")
    assert (draft.data, draft.problems) == ({}, [])


def test_the_backend_of_a_listener_may_hold_the_page():
    text = (f"defaults\n    mode http\n{TIMEOUTS}frontend f\n    bind :1\n    default_backend b\n"
            "backend b\n    stats uri /x\n")
    draft = draft_of(text)
    assert draft.problems == []
    assert draft.data["frontends"][0]["http"] == {"stats_uri": "/x"}
    assert "backends" not in draft.data
