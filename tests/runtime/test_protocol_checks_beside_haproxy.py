"""Checks that speak a protocol, and what rules may say about an answer: the same beside haproxy."""

import re

import pytest

from tests.runtime.haproxy_lab import HAPROXY
from tests.runtime.standins import Refusing, closing, http, resetting, silent, status
from tests.runtime.test_checks_beside_haproxy import OK, compare, seen_by_haproxy, seen_by_pyha

pytestmark = [pytest.mark.peer, pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")]


def says(*turns):
    """Waits for some bytes, then says something, several times; then listens."""
    def behaviour(talk):
        for wait, answer in turns:
            if not talk.read_until(wait):
                return
            talk.say(answer)
        talk.read_all()
    return behaviour


def last_words(wait, answer):
    """Waits for some bytes, says something and hangs up."""
    def behaviour(talk):
        if talk.read_until(wait):
            talk.say(answer)
    return behaviour


def packet(number, body):
    """A packet of MySQL's protocol."""
    return len(body).to_bytes(3, "little") + bytes([number]) + body



PING = b"PING\r\n"
REDIS = {
    "redis": ("option redis-check", says((PING, b"+PONG\r\n"))),
    "redis-password": ("option redis-check", says((PING, b"-NOAUTH Authentication required.\r\n"))),
    "redis-silent": ("option redis-check", silent),
    "redis-nothing": ("option redis-check", last_words(PING, b"")),
    "redis-part": ("option redis-check", last_words(PING, b"+PON")),
    "redis-reset": ("option redis-check", resetting),
    "redis-refused": ("option redis-check", Refusing),
}

HI, BYE = b"220 hi there\r\n", b"221 bye\r\n"
SMTP = {
    "smtp": ("option smtpchk", says((b"", HI), (b"HELO", b"250 mail.example.com\r\n"), (b"QUIT", BYE))),
    "smtp-ehlo": ("option smtpchk EHLO me.example.com",
                  says((b"", HI), (b"EHLO", b"250-mail.example.com\r\n250 SIZE\r\n"), (b"QUIT", BYE))),
    "smtp-other": ("option smtpchk FOO x", says((b"", HI), (b"\r\n", b"250 me\r\n"), (b"QUIT", BYE))),
    "smtp-rude": ("option smtpchk", says((b"", HI), (b"HELO", b"250 mail.example.com\r\n"))),
    "smtp-gone": ("option smtpchk", says((b"", b"554 no service\r\n"))),
    "smtp-garbage": ("option smtpchk", says((b"", b"SSH-2.0 no service\r\n"))),
    "smtp-refuses": ("option smtpchk", says((b"", HI), (b"HELO", b"501 syntax\r\n"))),
    "smtp-refuses-ends": ("option smtpchk", lambda talk: (talk.say(HI), last_words(b"HELO", b"501 syntax\r\n")(talk))),
    "smtp-quit-ends": ("option smtpchk", lambda talk: (talk.say(HI), talk.read_until(b"HELO"), talk.say(b"250 me\r\n"),
                                                      talk.read_until(b"QUIT"))),
    "smtp-silent": ("option smtpchk", silent),
    "smtp-closed": ("option smtpchk", closing),
}

BIND = b"\x80\0"
LDAP = {
    "ldap": ("option ldap-check", says((BIND, bytes.fromhex("300c02010161070a010004000400")))),
    "ldap-refused": ("option ldap-check", says((BIND, bytes.fromhex("300c02010161070a013104000400")))),
    "ldap-garbage": ("option ldap-check", says((BIND, b"HTTP/1.0 400 Bad request\r\n"))),
    "ldap-too-long": ("option ldap-check", says((BIND, b"0123456789012345678901234"))),
    "ldap-silent": ("option ldap-check", silent),
    "ldap-nothing": ("option ldap-check", last_words(BIND, b"")),
    "ldap-cut": ("option ldap-check", last_words(BIND, bytes.fromhex("300c02010161070a"))),
    "ldap-other": ("option ldap-check", says((BIND, bytes.fromhex("300c02010165070a010004000400")))),
    "ldap-long-form": ("option ldap-check",
                       says((BIND, bytes.fromhex("3084000000100201016184000000070a010004000400")))),
}

FOO = b"foo\0\0"
PGSQL = {
    "pgsql": ("option pgsql-check user foo", says((FOO, bytes.fromhex("520000000800000000")))),
    "pgsql-md5": ("option pgsql-check user foo", says((FOO, bytes.fromhex("520000000c00000005") + b"salt"))),
    "pgsql-error": ("option pgsql-check user foo",
                    says((FOO, b"E\0\0\0\x50SFATAL\0C28000\0Mno pg_hba.conf entry\0\0"))),
    "pgsql-garbage": ("option pgsql-check user foo", says((FOO, b"HTTP/1.0 400 Bad request\r\n"))),
    "pgsql-unknown": ("option pgsql-check user foo", says((FOO, bytes.fromhex("520000000800000063")))),
    "pgsql-silent": ("option pgsql-check user foo", silent),
    "pgsql-nothing": ("option pgsql-check user foo", last_words(FOO, b"")),
    "pgsql-cut": ("option pgsql-check user foo", last_words(FOO, bytes.fromhex("52000000"))),
}

GREETING = packet(0, b"\x0a5.5.5-10.5.8-MariaDB\0" + bytes(50))
FINE = packet(2, b"\0\0\0\2\0\0\0")
DENIED = b"\xff\x6a\x04Host '1.2.3.4' is not allowed to connect"
LOGIN = "option mysql-check user foo"
MYSQL = {
    "mysql": ("option mysql-check", says((b"", GREETING))),
    "mysql-error": ("option mysql-check", says((b"", packet(0, DENIED)))),
    "mysql-garbage": ("option mysql-check", says((b"", b"HTTP/1.0 400 Bad request\r\n"))),
    "mysql-garbage-ends": ("option mysql-check", last_words(b"", b"HTTP/1.0 400 Bad request\r\n")),
    "mysql-silent": ("option mysql-check", silent),
    "mysql-closed": ("option mysql-check", closing),
    "mysql-cut": ("option mysql-check", last_words(b"", GREETING[:40])),
    "mysql-user": (LOGIN, says((b"", GREETING), (b"foo", FINE))),
    "mysql-user-old": (f"{LOGIN} pre-41", says((b"", GREETING), (b"foo", FINE))),
    "mysql-user-denied": (LOGIN, says((b"", GREETING), (b"foo", packet(2, DENIED)))),
    "mysql-user-blocked": (LOGIN, says((b"foo", packet(0, DENIED)))),
    "mysql-user-method": (LOGIN, says((b"", GREETING), (b"foo", packet(2, b"\xfenative\0" + bytes(9))))),
    "mysql-user-silent": (LOGIN, says((b"", GREETING))),
    "mysql-user-ends": (LOGIN, lambda talk: (talk.say(GREETING), talk.read_until(b"foo"))),
    "mysql-user-cut": (LOGIN, lambda talk: (talk.say(GREETING), last_words(b"foo", FINE[:6])(talk))),
    "mysql-user-nothing": (LOGIN, last_words(b"foo", b"")),
}

TCP = r"option tcp-check; tcp-check send a\r\n\r\n; tcp-check expect "
X, ABC = http(b"X"), http(b"abc")
RULES = {
    "t-success": (f"{TCP} on-success yes string X", X),
    "t-error": (f"{TCP} on-error no string X", ABC),
    "t-error-part": (f"{TCP} on-error 'got %[res.payload(0,3)]' string X", http(b"abcdef")),
    "t-error-nothing": (f"{TCP} on-error no error-status L7STS comment c string X", http(b"")),
    "t-error-silent": (f"{TCP} on-error no string X", silent),
    "t-error-status": (f"{TCP} error-status L7STS string X", ABC),
    "t-ok-status": (f"{TCP} ok-status L6OK string X", X),
    "t-ok-conditional": (f"{TCP} ok-status L7OKC string X", X),
    "t-tout": (f"{TCP} tout-status L6TOUT string X", silent),
    "t-min-recv": (f"{TCP} min-recv 5 string X", last_words(b"\n", b"X")),
    "t-min-recv-silent": (f"{TCP} min-recv 5 ! string X", says((b"\n", b"ab"))),
    "t-min-recv-final": (f"{TCP} min-recv 2 string X", says((b"\n", b"abc"))),
    "t-comment": (f"{TCP} comment hello string X", ABC),
    "t-comment-rule": ((r"option tcp-check; tcp-check comment hi; tcp-check send a\r\n\r\n comment asks; "
                       "tcp-check expect string X"), ABC),
    "t-comment-connect": ("option tcp-check; tcp-check connect port 1 comment conn", silent),
    "t-comment-silent": (("option tcp-check; tcp-check connect comment conn; tcp-check send a comment asks; "
                         "tcp-check expect comment wants string X"), silent),
    "t-comments": (("option tcp-check; tcp-check comment foo; tcp-check connect; tcp-check comment bar; "
                   "tcp-check send a; tcp-check expect string X"), silent),
    "t-code": (f"{TCP} status-code res.payload(0,3),lower string X", http(b"220 X")),
    "t-code-error": (f"{TCP} error-status L7STS status-code res.payload(0,3) string X", http(b"554 no")),
    "t-send-lf": (r"option tcp-check; tcp-check send-lf a%[str(b)]%%\r\n\r\n; tcp-check expect string X", X),
    "t-send-binary-lf": ("option tcp-check; tcp-check send-binary-lf 61620d0a0d0a; tcp-check expect string X", X),
    "t-string-lf": (f"{TCP} string-lf X", X),
    "t-string-lf-not": (f"{TCP} string-lf X", ABC),
    "t-binary-lf": (f"{TCP} binary-lf 58", X),
    "t-binary-lf-not": (f"{TCP} binary-lf 58", ABC),
}

HTTP = "option httpchk; http-check expect "
HTTP_RULES = {
    "h-hdr": (f"{HTTP} hdr name content-length value 11", OK),
    "h-hdr-not": (f"{HTTP} hdr name content-length value 12", OK),
    "h-hdr-missing": (f"{HTTP} hdr name x-nope", OK),
    "h-hdr-unwanted": (f"{HTTP} ! hdr name content-length", OK),
    "h-hdr-begins": (f"{HTTP} hdr name -m beg content value -m beg 1", OK),
    "h-hdr-list": (f"{HTTP} hdr name x-l value b", http(status(200, "OK", headers="X-L: a, b\r\n"))),
    "h-fhdr-list": (f"{HTTP} fhdr name x-l value b", http(status(200, "OK", headers="X-L: a, b\r\n"))),
    "h-fhdr-ends": (f"{HTTP} fhdr name x-l value -m end b", http(status(200, "OK", headers="X-L: a, b\r\n"))),
    "h-error": (f"{HTTP} on-error bad status 200", http(status(500))),
    "h-success": (f"{HTTP} on-success good status 200", OK),
    "h-error-status": (f"{HTTP} error-status L7RSP status 200", http(status(500))),
    "h-ok-conditional": (f"{HTTP} ok-status L7OKC status 200", OK),
    "h-ok-status": (f"{HTTP} ok-status L6OK status 200", OK),
    "h-tout": (f"{HTTP} tout-status L6TOUT status 200", silent),
    "h-min-recv": (f"{HTTP} min-recv 5 string hello", OK),
    "h-comment": (f"{HTTP} comment cmt string nope", OK),
    "h-comment-connect": ("option httpchk; http-check connect port 1 comment oho", OK),
    "h-uri-lf": ("option httpchk; http-check send meth GET uri-lf /x%[str(a)] ver HTTP/1.0", OK),
    "h-body-lf": ("option httpchk; http-check send meth GET uri /x body-lf a%[str(b)]c", OK),
    "h-string-lf": (f"{HTTP} string-lf hello", OK),
}


@pytest.mark.parametrize("cases", [REDIS, SMTP, LDAP, PGSQL, MYSQL, RULES, HTTP_RULES],
                         ids=["redis", "smtp", "ldap", "pgsql", "mysql", "tcp-check", "http-check"])
def test_the_same_server_gets_the_same_verdict_in_the_same_words(cases, tmp_path):
    compare(cases, tmp_path)


ASK = r"tcp-check send a\r\n\r\n; tcp-check expect string X"
PROXY = {
    "p-tcp": ("", silent, "check-send-proxy"),
    "p-http": ("option httpchk", OK, "check-send-proxy"),
    "p-plain": (f"option tcp-check; tcp-check connect; {ASK}", X, "check-send-proxy"),
    "p-default": (f"option tcp-check; tcp-check connect default; {ASK}", X, "check-send-proxy"),
    "p-rule": (f"option tcp-check; tcp-check connect send-proxy; {ASK}", X),
    "p-refused": ("", Refusing, "check-send-proxy"),
    "p-server": ("", silent, "send-proxy"),
    "p-server-2": ("", silent, "send-proxy-v2"),
}


def test_checks_begin_with_the_same_proxy_protocol_header(tmp_path):
    def seen(found):
        return {name: (status, [re.sub(rb"\d+ \d+\r\n", b"PORT PORT\r\n", heard) for heard in server.heard[:1]])
                for name, (status, _, _, server) in found.items()}
    theirs, ours = seen(seen_by_haproxy(PROXY, tmp_path)), seen(seen_by_pyha(PROXY, tmp_path))
    assert ours == theirs
    assert theirs["p-http"][1][0].startswith(b"PROXY TCP4 127.0.0.1 127.0.0.1 PORT PORT\r\nOPTIONS")
