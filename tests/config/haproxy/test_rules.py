"""Rules: what has no effect, what is refused where it stands, and which backend takes everything."""

import pytest

from pyha.config.haproxy import rules
from tests.config.haproxy.reading import CLIENT_TIMEOUT, SERVER_TIMEOUTS, TIMEOUTS, draft_of, errors, said, sentences


@pytest.mark.parametrize("line", [
    "tcp-request content accept if { req.ssl_hello_type 1 }", "tcp-request connection accept",
    "tcp-request inspect-delay 5s",
    "tcp-request content set-var(sess.x) src", "tcp-response content accept", "tcp-response content sc-inc-gpc0(0)"])
def test_rules_that_let_everything_through_have_no_effect(line):
    sentence, = said(line)
    assert sentence.startswith("ignored: ")


@pytest.mark.parametrize("line", [
    "tcp-request content expect-proxy layer4", "tcp-request connection expect-proxy", "tcp-response content reject",
    "tcp-response content silent-drop",
    "tcp-request content set-dst int(1)", "tcp-request content lua.x", "tcp-response content close",
    "tcp-request content use-service x"])
def test_rules_that_cannot_be_done_are_refused(line):
    sentence, = said(line)
    assert sentence.startswith("error: ")
    assert "is not supported" in sentence


def test_a_rule_that_can_never_apply_is_silent():
    assert said("tcp-request connection reject if FALSE\ntcp-request content reject unless TRUE") == []


def chosen(lines):
    text = f"frontend f\n    bind :1\n{CLIENT_TIMEOUT}" + "".join(f"    {line}\n" for line in lines.split("\n"))
    text += "".join(f"backend {name}\n{SERVER_TIMEOUTS}    server s 10.0.0.1:1 check\n" for name in "ab")
    draft = draft_of(text)
    return draft.data["frontends"][0].get("default_backend"), sentences(draft)


TAKES_ALL = "ignored: 'default_backend' has no effect: 'use_backend b' on line 4 takes every connection"


@pytest.mark.parametrize(("lines", "backend", "said_about_it"), [
    ("use_backend b", "b", []), ("use_backend b if TRUE", "b", []),
    ("use_backend a if FALSE\ndefault_backend b", "b", []), ("use_backend b unless FALSE\nuse_backend a", "b", []),
    ("use_backend b\ndefault_backend a", "b", [TAKES_ALL])])
def test_a_backend_without_condition_is_the_default(lines, backend, said_about_it):
    assert chosen(lines) == (backend, said_about_it)


@pytest.mark.parametrize(("line", "message"), [
    ("use_backend b if { path_beg /x }", "where TLS passes through it never matches"),
    ("use_backend b if { ssl_fc_sni x }", "TLS passes through here"),
    ("use_backend %[req.ssl_sni]", "cannot be named by an expression yet"),
    ("use_backend %[req.ssl_sni] if LOCALHOST", "cannot be named by an expression yet"), ("use_backend c",
    "there is no backend 'c'"),
    ("use_backend b wenn TRUE", "expects 'if' or 'unless'"), ("use_backend", "expects the name of a backend")])
def test_a_choice_that_needs_a_client_is_refused(line, message):
    found = [text for text in chosen(f"{line}\ndefault_backend a")[1] if text.startswith("error: ")]
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize("word", rules.HTTP_KEYWORDS)
def test_http_words_have_no_effect_in_tcp_mode_and_are_refused_in_http_mode(word):
    line = f"{word} set-header X y" if word.startswith("http-") else f"{word} x"
    sentence, = said(line)
    assert sentence.startswith("ignored: ")
    assert "has no effect: traffic is relayed as TCP" in sentence
    refused, _ = sorted(said(f"mode http\n{line}"))
    assert refused.startswith("error: ")
    assert "is not supported in HTTP mode" in refused


def test_forwardfor_of_defaults_is_told_once_for_all_its_heirs():
    text = f"defaults\n{TIMEOUTS}    option forwardfor\n"
    text += "".join(f"listen l{n}\n    bind :{n}\n    server a 10.0.0.1:1 check\n" for n in (1, 2, 3))
    assert [problem.origin.line for problem in draft_of(text).problems] == [5]


def test_http_rules_of_named_defaults_are_inherited():
    text = f"defaults d\n    mode http\n{TIMEOUTS}    http-request deny\n"
    text += "listen l from d\n    bind :1\n    server a 10.0.0.1:1 check\n"
    assert ["h.cfg:6: error: 'http-request deny'" in text for text in errors(draft_of(text))] == [True]


@pytest.mark.parametrize("line", ["http-request dney", "http-request", "tcp-request content acept",
                                  "tcp-request session"])
def test_an_unknown_action_is_told(line):
    sentence, = said(line)
    assert sentence.startswith("error: ")
    assert "expects an action" in sentence
