"""`stats socket` and `unix-bind`."""

import pytest

from tests.config.haproxy.reading import draft_of, said


def sockets(lines):
    draft = draft_of("global\n" + "".join(f"    {line}\n" for line in lines.split("\n")))
    assert not [problem for problem in draft.problems if problem.fatal]
    return draft.data["settings"]["stats_sockets"]


def test_options_become_fields():
    assert sockets("stats socket /a mode 660 level admin user u group g expose-fd listeners") == [
        {"path": "/a", "mode": 0o660, "level": "admin", "user": "u", "group": "g", "expose_fd": True}]


def test_several_sockets_and_what_is_common_to_them():
    assert sockets("stats socket /a mode 600\nunix-bind prefix /srv mode 640 user u\nstats socket unix@/b") == [
        {"path": "/srv/a", "mode": 0o600, "user": "u"}, {"path": "/srv/b", "mode": 0o640, "user": "u"}]


@pytest.mark.parametrize("address", ["127.0.0.1:9999", "ipv4@127.0.0.1:9999", "fd@3", "abns@x", "relative.sock"])
def test_what_is_no_unix_socket_has_no_effect(address):
    sentence, = said(f"stats socket {address} level admin", "global")
    assert sentence.startswith("ignored: 'stats socket' has no effect")


@pytest.mark.parametrize(("line", "message"), [
    ("stats socket", "expects a path"), ("stats socket /a mode 888", "octal"), ("stats socket /a mode",
    "expects a value"),
    ("stats socket /a level root", "'user', 'operator', 'admin'"), ("stats socket /a expose-fd all", "'listeners'"),
    ("stats socket /a levle admin", "did you mean 'level'?"), ("stats socket /a nonsense",
    "unknown keyword 'nonsense'")])
def test_mistakes_are_told(line, message):
    sentence, = said(line, "global")
    assert sentence.startswith("error: ")
    assert message in sentence
