import pytest

from pyha.config.model import (
    Check,
    CheckConnect,
    CheckExpect,
    CheckRemark,
    CheckSend,
    CheckSendRaw,
    HealthDialogue,
    Tls,
)
from pyha.health.probes.tcp import content_expectation, script
from pyha.health.verdict import Verdict
from tests.health.conversation import Conversation, verdict

TLS = Check(tls=Tls(verify="none"))
DEFAULT = CheckConnect(default=True)
PASSED = Verdict("L7OK", info="(tcp-check)")


def tcp(*steps, check=None):
    return script(HealthDialogue(steps=steps), check or Check())


def expect(match, pattern, negate=False):
    return CheckExpect(match=match, pattern=pattern, negate=negate)


@pytest.mark.parametrize(("steps", "check", "expected"), [
    ((), Check(), Verdict("L4OK")),
    ((), TLS, Verdict("L6OK")),
    ((CheckConnect(),), Check(), Verdict("L4OK", info="(tcp-check)")),
    ((CheckConnect(tls=True),), Check(), Verdict("L6OK", info="(tcp-check)")),
    ((DEFAULT,), TLS, Verdict("L6OK", info="(tcp-check)")),
])
def test_connecting_is_enough(steps, check, expected):
    assert Conversation(tcp(*steps, check=check)).connected().verdict == expected


def test_ping_and_pong():
    ping = (CheckConnect(), CheckSendRaw(data="PING\r\n"), expect("string", "+PONG"))
    talk = Conversation(tcp(*ping)).connected()
    assert (talk.said, talk.verdict) == (b"PING\r\n", None)
    assert talk.hears(b"+PO", b"NG\r\n").verdict == PASSED


def test_a_check_that_only_sends_passes():
    assert Conversation(tcp(CheckSendRaw(data="x"))).connected().verdict == PASSED


def test_an_http_request_may_be_sent_too():
    assert Conversation(tcp(CheckSend())).connected().said == b"OPTIONS / HTTP/1.0\r\n\r\n"


@pytest.mark.parametrize(("rule", "good", "bad", "shown"), [
    (("string", "+OK"), b"+OK ready", b"-ERR", "'+OK'"),
    (("string", "gr\xfcn"), "grün".encode(), b"gr\xfcn", "'gr\xfcn'"),
    (("rstring", "^[+]O.$"), b"+OK", b"-OK", "(regex)"),
    (("binary", "2b4f"), b"x+Ox", b"2b4f", "(binary)"),
    (("rbinary", "2B(00)*4F"), b"+\x00\x00O", b"+x", "(binary regex)"),
])
def test_what_is_expected_is_found_or_not_or_unwanted(rule, good, bad, shown):
    assert verdict(tcp(expect(*rule)), good) == PASSED
    assert verdict(tcp(expect(*rule)), bad) == Verdict(
        "L7RSP", info=f"TCPCHK did not match content {shown} at step 1")
    assert verdict(tcp(expect(*rule, negate=True)), bad) == PASSED
    assert verdict(tcp(expect(*rule, negate=True)), good) == Verdict(
        "L7RSP", info=f"TCPCHK matched unwanted content {shown} at step 1")


def test_the_connection_that_the_translators_write_down_does_not_shift_the_numbers():
    for steps in ((DEFAULT, expect("string", "X")), (expect("string", "X"),)):
        assert verdict(tcp(*steps)).info == "TCPCHK got an empty response at step 1"
    assert verdict(tcp(CheckConnect(), expect("string", "X"))).info == "TCPCHK got an empty response at step 2"


@pytest.mark.parametrize(("rule", "label"), [
    (("string", "X"), "expect string 'X'"), (("rstring", "X"), "expect regex"),
    (("binary", "2b50"), "expect binary '+P'"), (("rbinary", "2B"), "expect binary regex")])
def test_a_failure_says_at_which_step(rule, label):
    talk = Conversation(tcp(CheckSendRaw(data="a"), expect(*rule))).connected()
    assert talk.expired("exchange") == Verdict("L7TOUT", info=f" at step 2 of tcp-check ({label})")


def test_a_check_without_rules_does_not_speak_of_steps():
    assert Conversation(tcp()).failed("connect", "Connection refused").info == "Connection refused"


@pytest.mark.parametrize(("rule", "why"), [
    (("status", "200"), "a tcp-check cannot expect 'status'"), (("rstring", "("), "is not a regular expression"),
    (("binary", "2b5"), "hexadecimal")])
def test_what_cannot_be_read_is_refused(rule, why):
    with pytest.raises(ValueError, match=why):
        content_expectation(expect(*rule), 1)


def test_comments_count_as_steps_and_those_of_a_rule_are_told():
    steps = (CheckRemark(comment="one"), CheckConnect(), CheckExpect(match="string", pattern="x", comment="three"))
    talk = Conversation(tcp(*steps)).connected()
    assert talk.expired("exchange").info == " at step 3 of tcp-check (expect string 'x') comment: 'three'"
    assert verdict(tcp(*steps), b"abc").info == "TCPCHK did not match content 'x' at step 3 comment: three"


def test_comments_after_a_connection_change_nothing():
    assert Conversation(tcp(CheckConnect(), CheckRemark(comment="last"))).connected().verdict.status == "L4OK"


def test_from_min_recv_on_a_mismatch_is_final():
    rule = CheckExpect(match="string", pattern="xyz", min_recv=1)
    assert verdict(tcp(rule), b"ab", end=False) is None
    assert verdict(tcp(rule), b"abc", end=False).status == "L7RSP"


def test_a_connection_may_begin_with_a_proxy_protocol_header():
    assert Conversation(tcp(CheckConnect(send_proxy=True))).connects[0].proxy == "v1"
    assert Conversation(tcp(check=Check(send_proxy="v2"))).connects[0].proxy == "v2"
    assert Conversation(tcp(CheckConnect(), check=Check(send_proxy="v1"))).connects[0].proxy == "no"
    assert Conversation(tcp(CheckConnect(default=True), check=Check(send_proxy="v1"))).connects[0].proxy == "v1"
