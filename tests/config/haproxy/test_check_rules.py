"""What rules of checks say besides what they send and expect."""

import pytest

from tests.config.haproxy.reading import backend, said
from tests.config.haproxy.test_checks import steps


@pytest.mark.parametrize(("rule", "step"), [
    ("http-check expect ! ! status 200", {"match": "status", "pattern": "200"}),
    ("http-check expect min-recv -1 status 200", {"match": "status", "pattern": "200"}),
    ("http-check expect hdr name a value b comment c",
     {"match": "hdr", "name": "a", "pattern": "b", "comment": "c"}),
    ("http-check expect string-lf a%%", {"match": "string", "pattern": "a%"}),
    ("http-check expect on-error 100%% status 200", {"match": "status", "pattern": "200", "on_error": "100%%"}),
])
def test_an_expectation_and_what_it_says_about_itself(rule, step):
    assert steps(f"option httpchk\n{rule}")[-1] == {"action": "expect"} | step


@pytest.mark.parametrize(("rule", "message"), [
    ("http-check expect hdr name a nonsense", "unexpected argument 'nonsense'"),
    ("http-check expect hdr name a comment", "unexpected argument 'comment'"),
    ("http-check expect hdr name", "the name of a header"), ("http-check expect string-lf %ci", "cannot be told"),
    ("http-check expect comment", "expects one of"),
])
def test_a_wrong_one_is_told(rule, message):
    sentence, = said(f"option httpchk\n{rule}")
    assert sentence.startswith("error: ")
    assert message in sentence


def test_rules_of_a_proxy_replace_those_of_defaults():
    rules = steps("option tcp-check\ntcp-check send a\ntcp-check comment x")
    assert [rule["action"] for rule in rules] == ["connect", "send-raw", "comment"]


def test_a_program_must_be_allowed():
    text = "option external-check\nexternal-check command /probe"
    assert "does not allow" in said(text)[0]
    allowed = "global\n    external-check preserve-env\n"
    assert backend(text, before=allowed)["health"] == {"kind": "external", "command": "/probe"}
    assert "unexpected argument 'x'" in said("external-check x", kind="global", name="")[0]


def test_the_host_name_in_mails_is_only_said_where_it_is_given():
    mailers = "mailers m\n    mailer a 10.0.0.1\n"
    text = "email-alert mailers m\nemail-alert from a@b\nemail-alert to c@d"
    assert backend(text, before=mailers)["email_alert"] == {
        "mailers": [{"name": "a", "host": "10.0.0.1", "port": 25}], "sender": "a@b", "to": "c@d"}
