import pytest

from pyha.config.model import Check, HealthDialogue, Tls
from pyha.health.dialogue import Send
from pyha.health.probes.apiserver import script
from pyha.health.verdict import Verdict
from tests.health.conversation import Conversation, verdict


def check(tls=None, **options):
    return script(HealthDialogue(kind="apiserver", **options), Check(tls_options=tls or Tls(ca_file="/ca")))


def answer(code, reason="X"):
    return f"HTTP/1.1 {code} {reason}\r\nContent-Length: 2\r\n\r\nok".encode()


@pytest.mark.parametrize(("code", "unauthorized", "status"), [
    (200, "down", "L7OK"), (401, "up", "L7OK"), (403, "down", "L7STS"), (404, "up", "L7STS"), (500, "down", "L7OKC")])
def test_what_its_answers_mean(code, unauthorized, status):
    found = verdict(check(unauthorized=unauthorized), answer(code))
    assert (found.status, found.code) == (status, code)


def test_not_ready_is_no_reason_to_come_up():
    assert verdict(check(), answer(500, "No")).otherwise == Verdict("L7STS", 500, "No")


@pytest.mark.parametrize("garbage", [b"SSH-2.0\r\n", b"", b"HTTP/1.1 200"])
def test_something_else_is_no_apiserver(garbage):
    assert verdict(check(), garbage) == Verdict("L7RSP")


def test_it_is_asked_as_kubernetes_unless_another_name_is_given():
    def names(tls):
        talk = Conversation(check(tls)).connected()
        return talk.connects[0].tls.sni, talk.said.split(b"\r\n")[1]
    assert names(Tls(ca_file="/ca")) == ("kubernetes", b"host: kubernetes")
    assert names(Tls(ca_file="/ca", verifyhost="api")) == ("api", b"host: api")
    assert names(Tls(ca_file="/ca", sni="api", verifyhost="b")) == ("api", b"host: api")
    assert names(Tls(verify="none")) == (None, b"host: kubernetes")


def test_without_keeping_the_connection_it_says_so():
    assert b"connection: close\r\n" in Conversation(check()).connected().said
    assert b"connection" not in Conversation(check(keep_alive=True)).connected().said


def test_a_connection_to_be_kept_is_read_to_the_end_of_the_answer():
    talk = Conversation(check(keep_alive=True)).connected().hears(answer(200)[:-1])
    assert talk.verdict is None
    assert talk.hears(b"k").verdict.status == "L7OK"


def test_the_token_is_left_to_whoever_sends_it():
    send = next(step for step in check(token_file="/token").steps if isinstance(step, Send))
    assert send.token_file == "/token"
    assert b"authorization: Bearer \0token\0\r\n" in send.data
