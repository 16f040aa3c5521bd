"""Conditions: what is known without a client, and what `monitor fail` counts."""

import pytest

from pyha.config.draft import Draft
from pyha.config.haproxy.acl import PREDEFINED, condition, declare, too_few_servers, truth
from pyha.config.haproxy.fetches import FETCHES
from pyha.config.haproxy.statement import Section, Statement
from pyha.config.origin import Origin

HERE = Origin("f", 1)


def section_with(*acls):
    section = Section("frontend", "f", HERE, Draft())
    for acl in acls:
        declare(section, Statement("acl", tuple(acl.split()), HERE))
    assert section.draft.problems == []
    return section


def read(text, *acls):
    section = section_with(*acls)
    subject = condition(section, Statement("monitor fail", (), HERE), tuple(text.split()))
    return subject, [problem.message for problem in section.draft.problems]


@pytest.mark.parametrize(("text", "value"), [
    ("if TRUE", True), ("if FALSE", False), ("unless FALSE", True), ("if !TRUE", False), ("if ! FALSE", True),
    ("if TRUE FALSE", False), ("if FALSE or TRUE", True), ("if FALSE || FALSE", False), ("if LOCALHOST", None),
    ("if TRUE LOCALHOST", None), ("if FALSE LOCALHOST", False), ("if TRUE or LOCALHOST", True),
    ("unless LOCALHOST", None), ("if { always_true }", True), ("if !{ always_false }", True), ("if never", False),
    ("if either", True), ("if unsure", None), ("if !either", False)])
def test_the_truth_of_a_condition(text, value):
    subject, problems = read(text, "never always_false", "either always_false", "either always_true",
                             "unsure always_false", "unsure src 10.0.0.1")
    assert problems == []
    assert truth(subject) is value


def test_no_condition_is_true():
    assert truth(None) is True


@pytest.mark.parametrize(("text", "pairs"), [
    ("if { nbsrv(b) lt 1 }", [("b", 1)]), ("if { nbsrv(b) le 1 }", [("b", 2)]), ("if { nbsrv(b) eq 0 }", [("b", 1)]),
    ("if { nbsrv(b) 0 }", [("b", 1)]), ("if { nbsrv(b) 0:2 }", [("b", 3)]), ("if ! { nbsrv(b) ge 2 }", [("b", 2)]),
    ("if ! { nbsrv(b) gt 2 }", [("b", 3)]), ("if !{ nbsrv(b) }", [("b", 1)]), ("unless { nbsrv(b) ge 2 }", [("b", 2)]),
    ("unless { nbsrv(b) ge 2 } { nbsrv(c) ge 1 }", [("b", 2), ("c", 1)]),
    ("if { nbsrv(b) lt 1 } or { nbsrv(c) lt 2 }", [("b", 1), ("c", 2)]), ("if few", [("b", 2), ("c", 1)]),
    ("if { nbsrv(b) gt 1 }", None), ("if { nbsrv(b) lt 0 }", None), ("if { nbsrv(b) lt x }", None),
    ("if { nbsrv(b) 1:2 }", None), ("if { nbsrv(b) 2 }", None), ("if { nbsrv(b) lt 1 } { nbsrv(c) lt 1 }", None),
    ("unless { nbsrv(b) lt 1 }", None), ("unless { nbsrv(b) ge 1 } or { nbsrv(c) ge 1 }", None),
    ("if { be_conn(b) lt 1 }", None), ("if !few", None), ("if { nbsrv(b) lt 1 2 }", None), ("if { nbsrv lt 1 }", None)])
def test_numbers_of_usable_servers_are_recognised(text, pairs):
    subject, problems = read(text, "few nbsrv(b) lt 2", "few nbsrv(c) lt 1")
    assert problems == []
    assert too_few_servers(subject) == pairs


@pytest.mark.parametrize(("text", "message"), [
    ("", "expects 'if' or 'unless' followed by a condition, nothing follows"), ("if", "got 'if'"), ("when TRUE",
    "got 'when"),
    ("if nosuch", "no such ACL: 'nosuch'"), ("if !", "'!' stands without a condition"), ("if TRUE or",
    "an 'or' stands"),
    ("if { }", "empty ACL expression"), ("if { src", "missing closing '}'"), ("if { scr 1 }",
    "unknown fetch method 'scr'"),
    ("if { ( }", "unknown fetch method '('")])
def test_a_wrong_condition_is_told(text, message):
    subject, problems = read(text)
    assert subject is None
    assert len(problems) == 1
    assert message in problems[0]


@pytest.mark.parametrize(("text", "http"), [
    ("if { path_beg /x }", True), ("if { hdr_end(host) x }", True), ("if { req.hdr(a) b }", True),
    ("if { src 10.0.0.1 }", False),
    ("if { req.ssl_sni x }", False), ("if METH_GET", True)])
def test_a_look_into_http_is_recognised(text, http):
    assert read(text)[0].looks_into_http() is http


def test_what_is_predefined_uses_known_fetches():
    assert {expression[0].partition("(")[0] for expression in PREDEFINED.values()} <= FETCHES


@pytest.mark.parametrize("word", ["src", "req.ssl_sni", "req_ssl_sni", "sc0_conn_cur", "src_conn_rate", "hdr_end",
                                  "path_beg",
                                  "base32+src", "unique-id", "nbsrv"])
def test_common_fetches_are_known(word):
    assert word in FETCHES
