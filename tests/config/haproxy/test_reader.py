"""Sections, prefixes, and which word may stand where."""

import pytest

from pyha.config.haproxy import matrix, reader, treatments
from pyha.config.haproxy.lexer import Line
from pyha.config.origin import Origin
from tests.config.haproxy.reading import SERVER_TIMEOUTS, TIMEOUTS, draft_of, errors, said, sentences

SERVER = "    server a 10.0.0.1:1 check\n"


@pytest.mark.parametrize(("words", "expected"), [
    ("timeout client 5s", ("timeout client", ("5s",), "")), ("no option redispatch", ("option redispatch", (), "no")),
    ("default option redispatch", ("option redispatch", (), "default")), ("mode tcp", ("mode", ("tcp",), "")),
    ("option", ("option", (), "")), ("no", ("no", (), "")), ("http-request deny if x", ("http-request", ("deny", "if",
    "x"), "")),
    ("tcp-request content accept", ("tcp-request content", ("accept",), ""))])
def test_a_keyword_has_one_word_or_two(words, expected):
    statement = reader.keyword(Line(tuple(words.split()), Origin("f", 1)), matrix.PREFIXES)
    assert (statement.keyword, statement.args, statement.prefix) == expected


def timeouts_of(text):
    return {item["name"]: item.get("timeout_client") for item in draft_of(text).data["frontends"]}


def test_the_last_defaults_section_applies_even_with_a_name():
    text = ("defaults\n timeout client 1s\nfrontend a\n bind :1\ndefaults x\n timeout client 2s\nfrontend b\n bind :2\n"
            "defaults\nfrontend c\n bind :3\nfrontend d from x\n bind :4\n")
    assert timeouts_of(text) == {"a": 1000, "b": 2000, "c": None, "d": 2000}


def test_an_anonymous_defaults_section_starts_afresh_and_from_does_not():
    text = ("defaults x\n timeout client 1s\n maxconn 5\ndefaults y from x\n timeout client 2s\nfrontend a\n bind :1\n"
            "defaults\n timeout client 3s\nfrontend b\n bind :2\n")
    first, second = draft_of(text).data["frontends"]
    assert (first["timeout_client"], first["maxconn"]) == (2000, 5)
    assert (second["timeout_client"], second.get("maxconn")) == (3000, None)


@pytest.mark.parametrize("order", [("frontend a from x", "frontend b"), ("frontend b", "frontend a from x")])
def test_mixed_use_of_named_defaults_is_told(order):
    first, second = order
    text = f"backend z\n{SERVER_TIMEOUTS}{SERVER}defaults x\n timeout client 1s\n default_backend z\n"
    sentence, = sentences(draft_of(f"{text}{first}\n bind :1\n{second}\n bind :2\n"))
    assert sentence.startswith("warning: defaults section 'x' is used with 'from' by one proxy, and by another only")


def test_what_a_section_says_does_not_leak_into_the_next():
    text = f"defaults\n{TIMEOUTS} log 10.0.0.1 local0\n http-check expect status 200\n option httpchk\n"
    text += f"listen a\n bind :1\n log 10.0.0.2 local0\n http-check send uri /\n{SERVER}listen b\n bind :2\n{SERVER}"
    draft = draft_of(text)
    assert [len(item["log"]["targets"]) for item in draft.data["frontends"]] == [2, 1]
    assert [step["action"] for step in draft.data["backends"][1]["health"]["steps"]] == ["connect", "send", "expect"]


@pytest.mark.parametrize(("text", "message"), [
    ("maxconn 5\n", "1: error: unknown keyword 'maxconn' out of section"),
    ("globl\n", "1: error: unknown keyword 'globl' out of section; did you mean 'global'?"),
    ("global x\n", "1: error: 'global' cannot handle unexpected argument 'x'"),
    ("listen\n", "1: error: 'listen' expects a name as argument"),
    ("frontend a from x\n bind :1\n", "1: error: there is no defaults section 'x' above"),
    ("backend a b\n", "1: error: 'backend a' cannot handle unexpected argument 'b'"),
    ("listen a 10.0.0.1:80\n", "write the address as 'bind ADDRESS:PORT'"),
    ("backend a/b\n", "character '/' is not permitted in the name 'a/b'"),
    ("backend " + "a" * 201 + "\n", "has at most 200 characters"),
    ("backend a\nbackend a\n", "2: error: backend 'a' has the same name as the backend declared at h.cfg:1"),
    ("listen a\nbackend a\n", "2: error: backend 'a' has the same name as the listen declared at h.cfg:1"),
    ("resolvers r\n nonsense 5\n", "2: error: unknown keyword 'nonsense' in section 'resolvers'"),
    ("log-forward x\n", "1: error: section 'log-forward' is not supported")])
def test_a_wrong_section_is_told(text, message):
    assert any(message in text for text in errors(draft_of(text))), errors(draft_of(text))


def test_a_frontend_and_a_backend_may_share_a_name():
    assert errors(draft_of("frontend a\n bind :1\n default_backend a\nbackend a\n")) == []


@pytest.mark.parametrize(("lines", "sentence"), [
    ("no retries", "error: 'no' cannot stand before 'retries'; only before options and before log"),
    ("no option tcplog", "error: 'no' cannot stand before 'option tcplog'"),
    ("optoin dontlognull", "error: unknown keyword 'optoin' in 'listen' section; did you mean 'option'?"),
    ("option dontlognul",
    "error: unknown keyword 'option dontlognul' in 'listen' section; did you mean 'dontlognull'?"),
    ("timeout http-request", "error: 'timeout http-request' expects a time such as 500ms, 10s or 1h"),
    ("tcp-request contnt x",
     "error: unknown keyword 'tcp-request contnt' in 'listen' section; did you mean 'content'?")])
def test_a_wrong_line_is_told(lines, sentence):
    assert said(lines) == [sentence]


def test_words_in_the_wrong_section_are_told_as_haproxy_does():
    assert said("retries 3", "frontend") == [
        "ignored: 'retries' is ignored because frontend 'api' has no backend capability"]
    assert said("bind :1", "backend") == ["ignored: 'bind' is ignored because backend 'api' has no frontend capability"]
    assert said("server a 10.0.0.1:1",
    "frontend")[0].startswith("error: 'server' is not allowed because frontend 'api'")
    assert said("bind :1", "defaults") == [
        "error: 'bind' is not allowed in a 'defaults' section; move it into the proxies"]
    assert said("acl a src 10.0.0.1",
    "defaults")[0].startswith("error: 'acl' is not allowed in a 'defaults' section without")


@pytest.mark.parametrize("word", treatments.REFUSED)
def test_refused_words_give_their_reason_and_advice(word):
    kind = "backend" if "backend" in matrix.PLACES[word] else "listen"
    sentence, = said(f"{word} x", kind)
    assert sentence == f"error: '{word}' is not supported: {'; '.join(treatments.REFUSED[word])}"


@pytest.mark.parametrize("word", treatments.IGNORED)
def test_words_without_effect_give_their_reason(word):
    sentence, = said(f"{word} 10s")
    assert sentence == f"ignored: '{word}' has no effect: {treatments.IGNORED[word]}"


@pytest.mark.parametrize("word", treatments.REMOVED)
def test_words_of_old_versions_say_what_took_their_place(word):
    assert said(f"{word} 10s") == [f"error: '{word}' does not exist any more; {treatments.REMOVED[word]}"]


@pytest.mark.parametrize("word", sorted(word for word in matrix.NEGATABLE if word in treatments.IGNORED))
def test_switching_off_what_has_no_effect_is_silent(word):
    assert said(f"no {word}") == said(f"default {word}") == []


def test_words_with_one_reason_are_told_in_one_sentence():
    sentence, = said("option http-server-close\ntimeout http-request 10s\noption httpclose", "defaults")
    assert sentence == ("ignored: 'option http-server-close', 'timeout http-request' (line 3) and 'option httpclose' "
                        f"(line 4) have no effect: {treatments.HTTP}")


def test_the_environment_can_be_set_for_the_lines_below():
    text = ('global\n setenv P 5\n presetenv P 6\n presetenv Q 7\n description "${P} ${Q} ${R-none}"\n unsetenv P\n'
            ' node "n${P}"\n resetenv H\n log-tag "t${Q}${H}"\n')
    assert draft_of(text, {"H": "h"}).data["settings"] == {"log_tag": "th", "node": "n", "description": "5 7 none"}
    assert sentences(draft_of("global\n setenv P\n")) == ["error: 'setenv' expects a name and a value as arguments"]
