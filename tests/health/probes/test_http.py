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
from pyha.health.dialogue import Connect
from pyha.health.probes.http import complete, request, script
from pyha.health.verdict import Verdict
from tests.health.conversation import Conversation, verdict

OK = b"HTTP/1.0 200 OK\r\n\r\n"


def http(*steps, check=None, **options):
    return script(HealthDialogue(kind="http", steps=steps, **options), check or Check())


@pytest.mark.parametrize(("step", "data"), [  # measured with haproxy 2.6
    (CheckSend(), b"OPTIONS / HTTP/1.0\r\n\r\n"),
    (CheckSend(method="GET", uri="/healthz"), b"GET /healthz HTTP/1.0\r\n\r\n"),
    (CheckSend(method="GET", uri="/livez", version="HTTP/1.1", headers=(("Host", "api.example.com"),)),
     b"GET /livez HTTP/1.1\r\nhost: api.example.com\r\nconnection: close\r\n\r\n"),
    (CheckSend(method="POST", uri="/x", version="HTTP/1.1", headers=(("Host", "a.b"), ("X-Y", "Z")), body="hé"),
     b"POST /x HTTP/1.1\r\nhost: a.b\r\nx-y: Z\r\ncontent-length: 3\r\nconnection: close\r\n\r\nh\xc3\xa9"),
])
def test_requests_are_haproxys_to_the_byte(step, data):
    assert request(step) == data
    assert Conversation(http(step)).connected().said == data


def test_without_rules_it_asks_options_and_expects_2xx_or_3xx():
    assert Conversation(http()).connected().said == b"OPTIONS / HTTP/1.0\r\n\r\n"
    assert verdict(http(), OK) == Verdict("L7OK", 200)
    assert verdict(http(), b"HTTP/1.1 302 Found\r\n\r\n") == Verdict("L7OK", 302)
    assert verdict(http(), b"HTTP/1.1 500 Internal Server Error\r\n\r\n") == Verdict(
        "L7STS", 500, "Internal Server Error")


def test_a_request_is_added_before_the_first_expectation_and_an_expectation_at_the_end():
    expect = CheckExpect(match="status", pattern="204")
    assert complete((CheckConnect(), expect)) == (CheckConnect(), CheckSend(), expect)
    assert complete((CheckConnect(),)) == (
        CheckConnect(), CheckSend(), CheckExpect(match="status", pattern="200-399"))
    raw = CheckSendRaw(data="x")
    assert complete((raw, expect)) == (raw, expect)


def test_raw_bytes_can_be_sent():
    talk = Conversation(http(CheckSendRaw(data="\xff\x00"), CheckExpect(match="string", pattern="x")))
    assert talk.connected().said == b"\xff\x00"


def test_a_404_lets_a_server_finish_what_it_has():
    not_found = b"HTTP/1.1 404 Not Found\r\n\r\n"
    assert verdict(http(), not_found) == Verdict("L7STS", 404, "Not Found")
    assert verdict(http(disable_on_404=True), not_found) == Verdict(
        "L7OKC", 404, otherwise=Verdict("L7STS", 404, "Not Found"))
    assert verdict(http(disable_on_404=True), OK) == Verdict("L7OK", 200)


def test_connect_ssl_speaks_tls_with_what_the_server_line_says_about_verification():
    check = Check(tls_options=Tls(verify="required", ca_file="/ca.pem", sni="line", alpn=("h2",)))
    steps = (CheckConnect(tls=True), CheckSend(), CheckExpect(match="status", pattern="200"))
    assert Conversation(http(*steps, check=check)).connects == [Connect(tls=Tls(verify="required", ca_file="/ca.pem"))]


def test_a_rule_may_name_another_port_and_another_name():
    step = CheckConnect(tls=True, port=99, host="10.0.0.9", sni="rule", alpn=("http/1.1",))
    connect = Conversation(http(step, check=Check(port=1, tls_options=Tls(verify="none")))).connects[0]
    assert connect == Connect("10.0.0.9", 99, Tls(verify="none", sni="rule", alpn=("http/1.1",)))


def test_a_connection_to_be_kept_is_asked_for_in_http_1_1_which_needs_a_host():
    assert request(CheckSend(), keep=True) == b"OPTIONS / HTTP/1.1\r\nhost: localhost\r\n\r\n"
    named = CheckSend(headers=(("Host", "api"),))
    assert request(named, keep=True) == b"OPTIONS / HTTP/1.1\r\nhost: api\r\n\r\n"


def test_comments_are_for_the_reader():
    steps = (CheckRemark(comment="ask"), CheckSend(), CheckExpect(match="status", pattern="200", comment="c"))
    assert verdict(http(*steps), OK) == Verdict("L7OK", 200)
