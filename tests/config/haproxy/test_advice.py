"""What is not wrong as such, but should be known."""

import pytest

from tests.config.haproxy.reading import CLIENT_TIMEOUT, SERVER_TIMEOUTS, TIMEOUTS, draft_of, sentences

SERVER = "    server a 10.0.0.1:1 check\n"


@pytest.mark.parametrize(("text", "beginning"), [
    (f"listen l\n bind :1\n{SERVER}{SERVER_TIMEOUTS}", "warning: missing timeouts for listen 'l': 'timeout client';"),
    (f"listen l\n bind :1\n{SERVER}{CLIENT_TIMEOUT}",
     "warning: missing timeouts for listen 'l': 'timeout connect' and 'timeout server';"),
    (f"listen l\n{TIMEOUTS}{SERVER}", "warning: listen 'l' has no 'bind' line"),
    (f"frontend f\n{CLIENT_TIMEOUT} default_backend b\nbackend b\n{SERVER_TIMEOUTS}{SERVER}",
     "warning: frontend 'f' has no 'bind' line"),
    (f"frontend f\n bind :1\n{CLIENT_TIMEOUT}", "warning: frontend 'f' has no default_backend"),
    (f"listen l\n bind :1\n{TIMEOUTS}", "warning: listen 'l' has no server"),
    (f"backend b\n{SERVER_TIMEOUTS} server a 10.0.0.1:1\n server b 10.0.0.2:1\n",
     "warning: no server of backend 'b' is checked"),
    (f"listen l\n bind :1\n{TIMEOUTS}{SERVER} option tcplog\n", "warning: the log format is not used for listen 'l'")])
def test_an_advice_is_given(text, beginning):
    sentence, = sentences(draft_of(text))
    assert sentence.startswith(beginning)


@pytest.mark.parametrize("text", [
    f"listen l\n bind :1\n{TIMEOUTS}{SERVER} server b 10.0.0.2:1\n",
    f"backend b\n{SERVER_TIMEOUTS} server a 10.0.0.1:1 disabled\n",
    "backend unused\n",
    f"listen l\n bind :1\n mode http\n{CLIENT_TIMEOUT}",
    f"global\n log stdout local0\nlisten l\n bind :1\n log global\n{TIMEOUTS}{SERVER} option tcplog\n"])
def test_nothing_is_said_without_need(text):
    assert sentences(draft_of(text)) == []


def test_what_follows_from_a_mistake_is_not_told_beside_it():
    text = ("listen l\n bind :99999\n timeout client soon\n timeout connect 1s\n timeout server 1s\n server a\n")
    assert [sentence.split(":")[0] for sentence in sentences(draft_of(text))] == ["error"] * 3
