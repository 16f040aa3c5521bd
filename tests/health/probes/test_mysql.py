import pytest

from pyha.config.model import Check, HealthDialogue
from pyha.health.probes.mysql import login, script
from pyha.health.verdict import Verdict
from tests.health.conversation import Conversation, verdict

GREETING = b"\x0a\x00\x00\x00\x0a8.0.35\x00ab"
FINE = b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00"
DENIED = b"\x09\x00\x00\x02\xff\x15\x04denied"


def check(**options):
    return script(HealthDialogue(kind="mysql", **options), Check())


@pytest.mark.parametrize(("answer", "expected"), [
    (GREETING, Verdict("L7OK", info="8.0.35")), (DENIED, Verdict("L7STS", 1045, "denied")),
    (GREETING[:9], Verdict("L7RSP")), (b"\x00\x00\x00\x00", Verdict("L7RSP")), (b"HTTP/1.0 400 Bad", Verdict("L7RSP")),
    (b"", Verdict("L7RSP", info="TCPCHK got an empty response at step 2")),
    (b"\x03\x00\x00\x00\x0aa\x1b", Verdict("L7OK", info="a?")),
])
def test_a_greeting_is_enough_without_a_user(answer, expected):
    assert verdict(check(), answer) == expected


@pytest.mark.parametrize(("answer", "expected"), [
    (GREETING + FINE, Verdict("L7OK", info="")), (GREETING + DENIED, Verdict("L7STS", 1045, "denied")),
    (DENIED, Verdict("L7STS", 1045, "denied")), (GREETING, Verdict("L7RSP")), (GREETING + FINE[:5], Verdict("L7RSP")),
])
def test_with_a_user_the_answer_to_the_login_counts(answer, expected):
    assert verdict(check(user="me"), answer).status == expected.status


def test_the_version_of_the_server_is_what_a_person_reads():
    assert verdict(check(user="me"), GREETING + FINE).info == "8.0.35"


def test_the_login_and_a_farewell_are_sent_at_once():
    assert Conversation(check(user="me", mysql_protocol="pre-41")).connected().said == login("me", "pre-41")
    assert login("me", "pre-41") == b"\x09\x00\x00\x01\x00\x80\x00\x00\x01me\x00\x00\x01\x00\x00\x00\x01"
