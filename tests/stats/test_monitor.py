"""`monitor fail` with more than one number in it."""

import pytest

from pyha.config.model import HttpService
from pyha.config.rules_model import Condition
from pyha.stats.monitor import holds
from tests.proxy.rules_lab import config_of
from tests.stats.test_service import get

USABLE = {"a": 0, "b": 2}


def condition(text):
    config = config_of(f"frontend f\n mode http\n bind :1\n monitor-uri /x\n monitor fail {text}\n"
                       "backend a\n server s 10.0.0.1:1\nbackend b\n server s 10.0.0.1:1\n")
    found, = config.frontends[0].http.monitor_when
    return found


@pytest.mark.parametrize(("text", "value"), [
    ("if { nbsrv(a) lt 1 } { nbsrv(b) lt 1 }", False), ("if { nbsrv(a) lt 1 } { nbsrv(b) lt 3 }", True),
    ("if { nbsrv(a) lt 1 } !{ nbsrv(b) lt 1 }", True), ("if { nbsrv(b) gt 1 }", True), ("if { nbsrv(b) 1 5:6 }", False),
    ("unless { nbsrv(a) gt 0 } or { nbsrv(b) gt 0 }", False), ("unless { nbsrv(a) gt 0 } or { nbsrv(b) gt 5 }", True),
    ("if { nbsrv(b) gt 1 } { always_true }", True), ("if { nbsrv(b) gt 1 } !TRUE or { nbsrv(a) -m found }", True),
    ("if { nbsrv(b) -m bool } !{ nbsrv(a) -m bool }", True), ("if { nbsrv(b) -m str 2 } or { nbsrv(b) 9: }", False)])
def test_whether_a_condition_holds(text, value):
    assert holds(condition(text), USABLE.__getitem__) is value


@pytest.mark.parametrize(("unless", "status"), [(False, 200), (True, 503)])
def test_the_answer_follows_the_condition(unless, status):
    never = Condition.model_validate({"alternatives": [[{"any_of": [
        {"sample": {"fetch": "always_false"}, "match": "bool"}]}]], "unless": unless})
    assert get("/healthz", HttpService(monitor_uri="/healthz", monitor_when=(never,))).code == status
