"""`log-format` strings and which format a session is logged in."""

import pytest

from pyha.config.haproxy.logformat import HTTP_VARIABLES, TCP_VARIABLES
from pyha.proxy import logformat
from tests.config.haproxy.reading import frontend, said

BEFORE = "global\n    log stdout local0\ndefaults\n    log global\n"


def log(lines):
    return frontend(lines, before=BEFORE)["log"]


@pytest.mark.parametrize(("lines", "form"), [
    ("option tcplog", "tcplog"), ("option httplog", "tcplog"), ("option httpslog", "tcplog"),
    ("log-format %ci", "custom"),
    ("option tcplog\nlog-format %ci", "custom"), ("log-format %ci\noption tcplog", "tcplog")])
def test_the_last_word_decides(lines, form):
    assert log(lines)["format"] == form


def test_the_string_is_kept_as_it_is():
    text = "%{+Q}o %ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq 100%%"
    assert log(f'log-format "{text}"') == {"targets": [{"kind": "stdout", "facility": "local0"}], "format": "custom",
                                           "custom": text}


def test_without_a_format_the_default_of_the_model_applies():
    assert "format" not in log("retries 1")


@pytest.mark.parametrize(("line", "beginning"), [
    ("log-format %cix", "error: 'log-format': no such format variable '%cix'"),
    ("log-format", "error: 'log-format' expects"),
    ("log-format a b", "error: 'log-format' cannot handle unexpected argument 'b'"), ("log-format 5%", "error: "),
    ("log-format %[src]", "ignored: '%[...] in a log format' has no effect"),
    ("log-format %r", "ignored: '%r in a log format' has no effect"),
    ("error-log-format %ci", "ignored: 'error-log-format'"),
    ("log-format-sd %ci", "ignored: 'log-format-sd'")])
def test_what_cannot_be_logged_is_told(line, beginning):
    sentence, = said(line, before=BEFORE)
    assert sentence.startswith(beginning)


def test_every_variable_that_is_logged_is_known():
    assert set(logformat.TEXT) | set(logformat.NUMBERS) <= TCP_VARIABLES | HTTP_VARIABLES
    assert not TCP_VARIABLES & HTTP_VARIABLES
