import pytest

from pyha.health.verdict import DESCRIPTIONS, Verdict


@pytest.mark.parametrize("status", ["L4OK", "L6OK", "L7OK", "L7OKC", "PROCOK"])
def test_these_let_a_server_live(status):
    assert Verdict(status).passed


@pytest.mark.parametrize("status", sorted(DESCRIPTIONS.keys() - {"L4OK", "L6OK", "L7OK", "L7OKC", "PROCOK"}))
def test_everything_else_is_a_failure(status):
    assert not Verdict(status).passed


def test_only_one_pass_is_conditional():
    assert [status for status in DESCRIPTIONS if Verdict(status).conditional] == ["L7OKC"]


@pytest.mark.parametrize(("verdict", "text"), [
    (Verdict("L4OK"), "reason: Layer4 check passed, check duration: 3ms"),
    (Verdict("L7OK", 200), "reason: Layer7 check passed, code: 200, check duration: 3ms"),
    (Verdict("L7OK", info="(tcp-check)"),
     'reason: Layer7 check passed, code: 0, info: "(tcp-check)", check duration: 3ms'),
    (Verdict("L7STS", 401, "Unauthorized"),
     'reason: Layer7 wrong status, code: 401, info: "Unauthorized", check duration: 3ms'),
    (Verdict("L4CON", info="Connection refused"),
     'reason: Layer4 connection problem, info: "Connection refused", check duration: 3ms'),
])
def test_reasons_are_worded_as_haproxy_does(verdict, text):
    assert verdict.reason(3) == text


def test_an_unknown_status_describes_itself():
    assert Verdict("L8OK").description == "L8OK"


def test_after_an_answer_the_connection_may_be_used_again():
    assert Verdict("L7STS", 500).answered
    assert not Verdict("L7TOUT").answered
