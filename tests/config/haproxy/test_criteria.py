"""ACL expressions: what they become, and that nothing which can be written breaks the translator."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyha.config.draft import Draft
from pyha.config.haproxy.criteria import Reference, Scope, Trouble, criterion, sample
from pyha.config.haproxy.statement import Section
from pyha.config.origin import Origin
from pyha.config.rules_model import Criterion, Sample
from pyha.config.samples import CONVERTERS, FETCHES
from tests.config.haproxy.reading import draft_of


def scope(kind="listen", files=None):
    def read(path):
        if path not in (files or {}):
            raise FileNotFoundError(2, "No such file or directory")
        return files[path]
    return Scope(Section(kind, "here", Origin("f", 1), Draft(), None, None if files is None else read), [], [])


@pytest.mark.parametrize(("text", "data", "kind"), [
    ("src", {"fetch": "src"}, "ip"), ("req_ssl_sni", {"fetch": "req.ssl_sni"}, "str"),
    ("nbsrv", {"fetch": "nbsrv", "args": ["here"]}, "int"), ("nbsrv(b)", {"fetch": "nbsrv", "args": ["b"]}, "int"),
    ("sc0_conn_rate", {"fetch": "sc_conn_rate", "args": ["0"]}, "int"),
    ("sc2_conn_rate(t)", {"fetch": "sc_conn_rate", "args": ["2", "t"]}, "int"),
    ("src,ipmask(24)", {"fetch": "src", "converters": [["ipmask", "24"]]}, "ip"),
    ("req.ssl_sni,lower,length", {"fetch": "req.ssl_sni", "converters": [["lower"], ["length"]]}, "int"),
    ("src_port,not", {"fetch": "src_port", "converters": [["not"]]}, "bool"),
    ("srv_is_up(a)", {"fetch": "srv_is_up", "args": ["here/a"]}, "bool")])
def test_samples(text, data, kind):
    assert sample(scope(), text) == (data, kind)
    Sample.model_validate(data)


def test_what_it_refers_to_is_noted():
    here = scope()
    for text in ("nbsrv(b)", "fe_conn(f)", "srv_conn(b/s)", "table_cnt", "sc0_conn_cur(t)"):
        sample(here, text)
    assert here.references == [Reference("backend", "b"), Reference("frontend", "f"), Reference("server", "b/s"),
                               Reference("table", "here"), Reference("table", "t")]


def test_files_are_read_through_what_was_given():
    here = scope(files={"x": "# no\n10.0.0.1\n\n 10.0.0.2 \n"})
    assert criterion(here, ["src", "-f", "x", "-n", "10.0.0.3"])["values"] == [
        "10.0.0.1/32", "10.0.0.2/32", "10.0.0.3/32"]
    with pytest.raises(Trouble, match="cannot be read: No such file"):
        criterion(here, ["src", "-f", "y"])
    with pytest.raises(Trouble, match="cannot be read here"):
        criterion(scope(), ["src", "-f", "x"])


def test_a_file_is_told_as_any_other_mistake():
    text = ("frontend f\n    bind :1\n    timeout client 1s\n    tcp-request connection reject if { src -f x }\n")
    assert ["'x' cannot be read here" in problem.message for problem in draft_of(text).problems if problem.fatal] == [
        True]


def test_nothing_to_compare_with_is_told():
    here = scope()
    assert "values" not in criterion(here, ["src"])
    assert criterion(here, ["src_port", "-m", "bool"])["match"] == "bool"
    assert here.warnings == ["'src' never matches: there is nothing to compare with"]


WORDS = st.sampled_from([
    "-i", "-m", "-f", "-n", "--", "-M", "str", "beg", "reg", "int", "len", "ip", "bin", "found", "bool", "gt", "le",
    "5", "1:2", ":", "10.0.0.0/8", "::/0", "[", "x", "3.1", "4142", ""])
HEADS = st.builds(lambda name, args, converters: name + args + converters,
                  st.sampled_from([*sorted(FETCHES), "sc0_conn_cur", "req_len", "hdr"]),
                  st.sampled_from(["", "(b)", "(0)", "(1,t)", "(", "(a/b)", "(0,4)", "(,)"]),
                  st.sampled_from(["", ",", *(f",{name}{args}" for name in CONVERTERS
                                              for args in ("", "(1)", "(1,.)"))]))


@settings(max_examples=400)
@given(HEADS | st.text(max_size=20), st.lists(WORDS | st.text(max_size=10), max_size=6))
def test_every_expression_is_translated_or_told(head, words):
    try:
        data = criterion(scope(files={}), [head, *words])
    except Trouble as trouble:
        assert str(trouble)
    else:
        Criterion.model_validate(data)


@settings(max_examples=100)
@given(st.lists(st.sampled_from(["if", "unless", "{", "}", "!", "or", "||", "src", "10.0.0.1", "TRUE", "a", "-m",
                                 "{ src }", "req.ssl_sni", "!a"]), max_size=10))
def test_every_condition_is_translated_or_told(words):
    text = ("frontend f\n    bind :1\n    timeout client 1s\n    acl a src 10.0.0.1\n"
            f"    tcp-request connection reject {' '.join(words)}\n")
    draft_of(text)
