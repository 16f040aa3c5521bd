"""Rules in pyha's own language: what the model refuses, and names that lead nowhere."""

import pytest
from pydantic import ValidationError

from pyha.config.model import Config
from pyha.config.review import review
from pyha.config.rules_model import Criterion, Sample, TcpRule, number_range


def criterion(fetch="src", match="found", args=(), values=()):
    return {"sample": {"fetch": fetch, "args": args}, "match": match, "values": values}


def when(**options):
    return {"alternatives": [[{"any_of": [criterion(**options)]}]]}


@pytest.mark.parametrize(("match", "value"), [
    ("int", "x"), ("int", ""), ("int", ":"), ("len", "1:2:3"), ("ip", "10.0.0.0/33"), ("ip", "host"), ("reg", "("),
    ("bin", "4"), ("bin", "zz")])
def test_values_that_nothing_can_match(match, value):
    with pytest.raises(ValidationError):
        Criterion.model_validate(criterion(match=match, values=[value]))


@pytest.mark.parametrize(("text", "bounds"), [
    ("5", (5, 5)), ("1:9", (1, 9)), (":9", (None, 9)), ("1:", (1, None)), ("-3", (-3, -3))])
def test_ranges(text, bounds):
    assert number_range(text) == bounds


@pytest.mark.parametrize("data", [
    {"fetch": "nosuch"}, {"fetch": "src", "converters": [["nosuch"]]}, {"fetch": "src", "converters": [["ipmask"]]},
    {"fetch": "src", "converters": [[]]}])
def test_samples_that_do_not_exist(data):
    with pytest.raises(ValidationError):
        Sample.model_validate(data)


@pytest.mark.parametrize("data", [{"action": "track"}, {"action": "track", "sample": {"fetch": "src"}},
                                  {"action": "track", "table": "t"}])
def test_to_track_takes_a_sample_and_a_table(data):
    with pytest.raises(ValidationError, match="track needs"):
        TcpRule.model_validate(data)


def said(*, frontend=None, backend=None):
    config = Config.model_validate({
        "frontends": [{"name": "f", "rules": frontend or {}}],
        "backends": [{"name": "b", "servers": [{"name": "s", "host": "10.0.0.1", "port": 1}], "rules": backend or {}}],
        "tables": [{"name": "t"}]})
    return [problem.message for problem in review(config, {})]


TRACK = {"action": "track", "sample": {"fetch": "src"}}


@pytest.mark.parametrize(("frontend", "message"), [
    ({"backends": [{"backend": "x"}]}, "there is no backend 'x'"),
    ({"backends": [{"backend": "b", "when": when(fetch="nbsrv", args=["x"])}]}, "there is no backend 'x'"),
    ({"content": [{"action": "reject", "when": when(fetch="srv_is_up", args=["b/x"])}]}, "there is no server 'b/x'"),
    ({"session": [{"action": "reject", "when": when(fetch="fe_conn", args=["x"])}]}, "there is no frontend 'x'"),
    ({"connection": [TRACK | {"table": "x"}]}, "there is no table 'x'"),
    ({"connection": [{"action": "reject", "when": when(fetch="sc_conn_cur", args=["0", "x"])}]},
     "there is no table 'x'"),
    ({"connection": [{"action": "reject", "when": when(fetch="src_conn_cur", args=["x"])}]}, "there is no table 'x'")])
def test_names_in_a_frontend_that_lead_nowhere(frontend, message):
    assert said(frontend=frontend) == [message]


@pytest.mark.parametrize(("backend", "message"), [
    ({"servers": [{"server": "x"}]}, "there is no server 'b/x'"),
    ({"stick": [{"sample": {"fetch": "src"}, "table": "x"}]}, "there is no table 'x'"),
    ({"content": [TRACK | {"table": "x"}]}, "there is no table 'x'")])
def test_names_in_a_backend_that_lead_nowhere(backend, message):
    assert said(backend=backend) == [message]


def test_what_the_monitor_counts_must_exist():
    http = {"monitor_uri": "/x", "monitor_when": [when(fetch="nbsrv", args=["x"])]}
    config = Config.model_validate({"frontends": [{"name": "f", "http": http}]})
    assert [problem.message for problem in review(config, {})] == ["there is no backend 'x'"]


def test_names_that_lead_somewhere():
    assert said(
        frontend={"connection": [TRACK | {"table": "t"}],
                  "backends": [{"backend": "b", "when": when(fetch="sc_conn_cur", args=["0"])}]},
        backend={"servers": [{"server": "s", "when": when(fetch="req.ssl_sni")}],
                 "stick": [{"sample": {"fetch": "src"}, "table": "t"}]}) == []
