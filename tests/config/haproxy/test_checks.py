"""Health checks: what is said to a server, in order."""

import pytest

from tests.config.haproxy.reading import backend, said


def steps(lines):
    return backend(f"{lines}\nserver a 10.0.0.1:1 check verify none").get("health", {}).get("steps", [])


CONNECT = {"action": "connect", "default": True}
GOOD = {"action": "expect", "match": "status", "pattern": "200-399"}


@pytest.mark.parametrize(("lines", "expected"), [
    ("option httpchk", []),
    ("option httpchk /x", [CONNECT, {"action": "send", "uri": "/x"}, GOOD]),
    ("option httpchk GET /x", [CONNECT, {"action": "send", "method": "GET", "uri": "/x", "version": "HTTP/1.0"}, GOOD]),
    ("option httpchk\nhttp-check expect status 200",
     [CONNECT, {"action": "send"}, {"action": "expect", "match": "status", "pattern": "200"}]),
    ("option httpchk\nhttp-check connect ssl\nhttp-check send meth GET uri /healthz\nhttp-check expect status 200",
     [{"action": "connect", "tls": True}, {"action": "send", "method": "GET", "uri": "/healthz"},
      {"action": "expect", "match": "status", "pattern": "200"}]),
    ("option httpchk\nhttp-check expect ! string bad",
     [CONNECT, {"action": "send"}, {"action": "expect", "match": "string", "pattern": "bad", "negate": True}]),
    ("option tcp-check", []),
    ("option tcp-check\ntcp-check send-binary 4142\ntcp-check expect string +PONG",
     [CONNECT, {"action": "send-raw", "data": "AB"}, {"action": "expect", "match": "string", "pattern": "+PONG"}])])
def test_rules_become_steps(lines, expected):
    assert steps(lines) == expected


def test_the_last_check_option_wins_and_the_others_are_told():
    lines = "option httpchk\nhttp-check expect status 200\noption ssl-hello-chk"
    assert backend(lines)["health"] == {"kind": "ssl-hello"}
    sentences = said(lines)
    assert [sentence.split(":")[0] for sentence in sentences] == ["ignored", "ignored"]
    assert "'option httpchk' has no effect" in sentences[0]


def test_rules_of_defaults_are_replaced_by_those_of_the_section():
    before = "defaults\n    option httpchk\n    http-check expect status 200\n"
    health = backend("http-check expect status 204", before=before)["health"]
    assert [step["pattern"] for step in health["steps"] if step["action"] == "expect"] == ["204"]


def test_headers_in_the_version_are_taken_with_a_warning():
    lines = "option httpchk GET / HTTP/1.1\\r\\nHost:\\ api"
    assert steps(lines)[1]["headers"] == [("Host", "api")]
    assert said(lines)[0].startswith("warning: headers in the version of 'option httpchk' are deprecated")


@pytest.mark.parametrize(("line", "message"), [
    ("http-check expect status 99", "is not a status code"), ("http-check expect", "expects one of"),
    ("http-check expect stauts 200", "did you mean 'status'?"), ("http-check expect status", "expects a pattern"),
    ("http-check expect string a b", "unexpected argument 'b'"), ("http-check expect hdr a", "the name of a header"),
    ("http-check send uri", "expects a value"), ("http-check send hdr a", "a name and a value"),
    ("http-check send uri-lf /%ci", "cannot be told in a check"),
    ("http-check connect porrt 1", "did you mean 'port'?"),
    ("http-check connect port x", "between 1 and 65535"), ("http-check connect via-socks4", "is not supported"),
    ("tcp-check send", "expects what to send"), ("tcp-check send-binary 5", "hexadecimal"),
    ("option tcp-check x", "unexpected argument 'x'"), ("option httpchk a b c d", "unexpected argument 'd'")])
def test_a_wrong_rule_is_told(line, message):
    option = "option httpchk" if line.startswith("http") else "option tcp-check"
    sentences = said(f"{option}\n{line}" if "option" not in line else line)
    assert len(sentences) == 1
    assert sentences[0].startswith("error: ")
    assert message in sentences[0]


def test_flags_of_the_dialogue():
    health = backend("option httpchk\noption log-health-checks\nhttp-check disable-on-404")["health"]
    assert (health["log_health_checks"], health["disable_on_404"]) == (True, True)
