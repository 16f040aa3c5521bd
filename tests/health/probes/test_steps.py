import pytest

from pyha.config.model import Check, CheckConnect, CheckSend, Tls
from pyha.health.dialogue import Connect
from pyha.health.probes.steps import begins_with_connect, compiled, connect, first_connect

LINE = Tls(verify="none", sni="line", alpn=("h2",))


def test_the_connection_that_no_rule_asks_for_follows_the_server_line():
    assert first_connect(Check(host="::1", port=7, tls=LINE)) == Connect("::1", 7, LINE, explicit=False)


@pytest.mark.parametrize(("step", "check", "tls"), [
    (CheckConnect(), Check(tls=LINE), None),  # a rule is plain unless it says ssl
    (CheckConnect(default=True), Check(tls=LINE), LINE),
    (CheckConnect(default=True), Check(), None),
    (CheckConnect(tls=True), Check(tls=LINE), Tls(verify="none")),  # names of the line count with `default` only
    (CheckConnect(tls=True, default=True), Check(tls=LINE), LINE),
    (CheckConnect(tls=True, default=True, sni="rule", alpn=("x",)), Check(tls=LINE),
     Tls(verify="none", sni="rule", alpn=("x",))),
    (CheckConnect(tls=True), Check(tls_options=LINE), Tls(verify="none")),
])
def test_what_a_connect_rule_says_about_tls(step, check, tls):
    assert connect(step, check) == Connect(tls=tls)


def test_the_connection_that_translators_write_down_is_no_step():
    assert connect(CheckConnect(default=True), Check(port=7), first=True) == first_connect(Check(port=7))
    assert connect(CheckConnect(default=True), Check(port=7)).explicit
    assert connect(CheckConnect(), Check(), first=True).explicit


def test_a_pattern_that_cannot_be_read_is_named():
    assert compiled("a.c").search(b"xabcx")
    with pytest.raises(ValueError, match=r"'\(' is not a regular expression: "):
        compiled("(")


def test_whether_the_rules_connect_first():
    assert begins_with_connect((CheckConnect(),))
    assert not begins_with_connect((CheckSend(), CheckConnect()))
    assert not begins_with_connect(())
