"""The same haproxy.cfg, the same servers: what haproxy and pyha find out, say to the servers, and log.

One table of single checks, and one story that a farm of servers lives through. Where the two differ on purpose the test
says so: look for "differs".
"""

import csv
import re
import urllib.request

import pytest

from pyha.config.haproxy.translate import translate
from pyha.config.model import Config
from pyha.config.source import Source
from tests.runtime.haproxy_lab import HAPROXY, Haproxy, SyslogSink
from tests.runtime.monitor_lab import MonitorProcess
from tests.runtime.standins import (
    HEAD_END,
    Certificates,
    Refusing,
    Standin,
    closing,
    dripping,
    greeting,
    hears,
    http,
    resetting,
    silent,
    status,
    tls,
)
from tests.runtime.worker_lab import free_port, wait_for

pytestmark = [pytest.mark.peer, pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")]

DEFAULTS = """
defaults
    mode tcp
    log global
    timeout connect 2s
    timeout client 2s
    timeout server 2s
    timeout check 700ms
"""


def model(text):
    """pyha's model of that text."""
    draft = translate([Source("haproxy.cfg", text, "haproxy")], {})
    assert [str(problem) for problem in draft.problems if problem.fatal] == []
    return Config.model_validate(draft.data)


def comparable(line):
    return re.sub(r"duration: \d+ms", "duration: Nms", line)


# -- single checks -----------------------------------------------------------------------------------------------------

OK = http(status(200, "OK", b"hello world"))
HTTP = "option httpchk"
PING = "option tcp-check; tcp-check connect; tcp-check send PING\\r\\n; tcp-check expect string +PONG"
TCP = "option tcp-check; tcp-check send a\\r\\n\\r\\n; tcp-check expect "
TWICE = ("option tcp-check; tcp-check connect; tcp-check send A; tcp-check expect string B; "
         "tcp-check connect; tcp-check send A; tcp-check expect string C")
NOT_FOUND = http(status(404, "Not Found"))

PLAIN = {
    "tcp": ("", silent),
    "tcp-refused": ("", Refusing),
    "tcp-check": ("option tcp-check", silent),
    "http": (HTTP, OK),
    "http-uri": ("option httpchk GET /healthz", OK),
    "http-1-1": ("option httpchk; http-check send meth GET uri /livez ver HTTP/1.1 hdr Host a.example.com", OK),
    "http-post": ("option httpchk; http-check send meth POST uri /x ver HTTP/1.1 hdr Host a.b hdr X-Y z body hi", OK),
    "http-refused": (HTTP, Refusing),
    "http-404": (HTTP, NOT_FOUND),
    "http-404-finish": (f"{HTTP}; http-check disable-on-404", NOT_FOUND),
    "http-404-wanted": (f"{HTTP}; http-check disable-on-404; http-check expect status 404", NOT_FOUND),
    "http-302": (HTTP, http(status(302, "Found", headers="Location: /\r\n"))),
    "http-500": (HTTP, http(status(500, "Internal Server Error"))),
    "http-no-reason": (HTTP, http(b"HTTP/1.1 500\r\n\r\n")),
    "http-garbage": (HTTP, http(b"SSH-2.0-OpenSSH\r\n")),
    "http-bad-status": (HTTP, http(b"HTTP/1.1 abc OK\r\n\r\n")),
    "http-cut": (HTTP, http(b"HTTP/1.1 200 OK\r\nContent-Le")),
    "http-nothing": (HTTP, http(b"")),
    "http-reset": (HTTP, resetting),
    "http-silent": (HTTP, silent),
    "http-slow": (HTTP, dripping(status(200, "OK"), 0.1)),
    "http-string": (f"{HTTP}; http-check expect string hello", OK),
    "http-string-not": (f"{HTTP}; http-check expect string nope", OK),
    "http-unwanted": (f"{HTTP}; http-check expect ! string hello", OK),
    "http-unwanted-not": (f"{HTTP}; http-check expect ! string nope", OK),
    "http-no-body": (f"{HTTP}; http-check expect string x", http(status(200))),
    "http-rstring": (f"{HTTP}; http-check expect rstring h.*o", OK),
    "http-rstring-not": (f"{HTTP}; http-check expect rstring h.*z", OK),
    "http-rstatus": (f"{HTTP}; http-check expect rstatus ^2", OK),
    "http-not-status": (f"{HTTP}; http-check expect ! status 200", OK),
    "http-500-string": (f"{HTTP}; http-check expect string hello", http(status(500, "Bad", b"hello"))),
    "ping": (PING, hears(b"PING\r\n", b"+PONG\r\n")),
    "ping-refused": (PING, Refusing),
    "ping-silent": (PING, silent),
    "ping-other": (PING, hears(b"PING\r\n", b"+PUNG\r\n")),
    "tcp-unwanted": ("option tcp-check; tcp-check expect ! string ERR", greeting(b"ERR no\r\n")),
    "tcp-rules-refused": (f"{TCP} string X", Refusing),
    "tcp-empty": (f"{TCP} string X", http(b"")),
    "tcp-reset": (f"{TCP} string X", resetting),
    "tcp-string-silent": (f"{TCP} string X", silent),
    "tcp-rstring-silent": (f"{TCP} rstring X", silent),
    "tcp-binary-silent": (f"{TCP} binary 2b50", silent),
    "tcp-rbinary-silent": (f"{TCP} rbinary 2B50", silent),
    "tcp-string-not": (f"{TCP} string X", http(b"abc")),
    "tcp-rstring-not": (f"{TCP} rstring x.z", http(b"abc")),
    "tcp-binary-not": (f"{TCP} binary 2b50", http(b"abc")),
    "tcp-rbinary-not": (f"{TCP} rbinary 2B.*50", http(b"abc")),
    "tcp-rbinary": (f"{TCP} rbinary 2B.*50", http(b"+\x00P")),
    "tcp-send-only": ("option tcp-check; tcp-check connect; tcp-check send a", silent),
    "tcp-two-connections": (TWICE, hears(b"A", b"B")),
    "tcp-port": ("option tcp-check; tcp-check connect port 1", Refusing),
    "hello-alert": ("option ssl-hello-chk", greeting(b"\x15\x03\x01\x00\x02\x02\x46")),
    "hello-other": ("option ssl-hello-chk", greeting(b"HTTP/1.1 400")),
    "hello-silent": ("option ssl-hello-chk", silent),
    "hello-reset": ("option ssl-hello-chk", resetting),
    "hello-refused": ("option ssl-hello-chk", Refusing),
    "tls-plain": ("", greeting(b"I speak plain\r\n"), "check-ssl verify none"),
    "tls-silent": ("", silent, "check-ssl verify none"),
    "tls-closed": ("", closing, "check-ssl verify none"),
    "tls-reset": ("", resetting, "check-ssl verify none"),
    "tls-refused": ("", Refusing, "check-ssl verify none"),
}
"""name -> (rules, the server's behaviour[, options of the server line])."""


def encrypted(certs):
    """The same with servers that speak TLS."""
    trusted = f"check-ssl verify required ca-file {certs.ca}"
    kubeadm = ("option httpchk; http-check connect ssl; http-check send meth GET uri /healthz; "
               "http-check expect status 200")
    good = certs.server("good")
    return {
        "tls": ("", tls(good, silent), "check-ssl verify none"),
        "tls-verified": ("", tls(good, silent), trusted),
        "tls-sni": ("", tls(good, silent), f"{trusted} check-sni api.example.com"),
        "tls-sni-other": ("", tls(good, silent), f"{trusted} check-sni other.example.com"),
        "tls-verifyhost": ("", tls(good, silent), f"{trusted} verifyhost api.example.com"),
        "tls-verifyhost-other": ("", tls(good, silent), f"{trusted} verifyhost other.example.com"),
        "tls-sni-first": ("", tls(good, silent),
                          f"{trusted} check-sni other.example.com verifyhost api.example.com"),
        "tls-other-ca": ("", tls(certs.server("foreign", ca="other-ca"), silent), trusted),
        "tls-expired": ("", tls(certs.server("expired", expired=True), silent), trusted),
        "tls-client-unknown": ("", tls(certs.server("asks", client_ca=certs.ca), silent), "check-ssl verify none"),
        "https": ("option httpchk GET /readyz", tls(good, OK), "check-ssl verify none"),
        "https-500": ("option httpchk GET /readyz", tls(good, http(status(500, "Oh"))), "check-ssl verify none"),
        "kubeadm": (kubeadm, tls(good, OK), "verify none"),
        "kubeadm-other-ca": (kubeadm, tls(certs.server("stranger", ca="other-ca"), OK),
                             f"verify required ca-file {certs.ca}"),
        "https-refused": (kubeadm, Refusing, "verify none"),
        "hello": ("option ssl-hello-chk", tls(good, silent)),
    }


class Farm:
    """One server for every case, and the haproxy.cfg that checks them all."""

    def __init__(self, cases):
        self.servers = {name: Refusing() if case[1] is Refusing else Standin(case[1]) for name, case in cases.items()}
        self.text = DEFAULTS + "    option log-health-checks\n    default-server inter 1s rise 2 fall 2\n"
        for name, (rules, _, *options) in cases.items():
            lines = [line.strip() for line in rules.split(";") if line.strip()]
            lines.append(f"server s 127.0.0.1:{self.servers[name].port} check {' '.join(options)}")
            self.text += "".join(f"{line}\n" for line in [f"backend {name}", *(f"    {line}" for line in lines)])

    def close(self):
        for server in self.servers.values():
            server.close()


def of(name, lines):
    return [comparable(line) for line in lines if f" {name}/s " in line or f" {name} has no server" in line]


def first_words(server):
    """What the server heard first; of TLS only that it is TLS: the two offer different ciphers."""
    heard = server.heard[0] if server.heard else b""
    return "TLS" if heard[:1] == b"\x16" else heard


def seen_by_haproxy(cases, directory):
    farm = Farm(cases)
    try:
        with Haproxy(directory, farm.text) as haproxy:
            wait_for(lambda: all(of(name, [text for _, text in haproxy.lines]) for name in cases), "checks of haproxy")
            wait_for(lambda: all("INI" not in row["check_status"] for (_, server), row in haproxy.stat().items()
                                 if server == "s"), "statistics of haproxy")
            lines, stat = [text for _, text in haproxy.lines], haproxy.stat()
    finally:
        farm.close()
    found = {}
    for name in cases:
        row = stat[name, "s"]
        found[name] = (row["check_status"].removeprefix("* "), row["status"], of(name, lines), farm.servers[name])
    return found


def seen_by_pyha(cases, directory):
    farm = Farm(cases)
    try:
        with MonitorProcess(directory) as monitor:
            monitor.configure(model(farm.text))
            states = wait_for(monitor.all_checked, "checks of pyha")
            found = {name: (states[name, "s"].check.status, states[name, "s"].status, of(name, monitor.log),
                            farm.servers[name]) for name in cases}
    finally:
        farm.close()
    return found


def compare(cases, directory):
    theirs, ours = seen_by_haproxy(cases, directory), seen_by_pyha(cases, directory)
    different = {}
    for name in cases:
        # The first line, and the change of state behind it; later checks may come or not.
        (status, state, lines, server), (our_status, our_state, our_lines, our_server) = theirs[name], ours[name]
        size = 3 if state.startswith("DOWN") else 1
        pair = ((status, state.split()[0], [without_reason(line) for line in lines[:size]], first_words(server)),
                (our_status, our_state, [without_reason(line) for line in our_lines[:size]], first_words(our_server)))
        if pair[0] != pair[1]:
            different[name] = pair
    assert different == {}


def without_reason(line):
    """Differs on purpose: haproxy says in parentheses why a handshake failed when the system knows it, pyha always."""
    return re.sub(r'"SSL handshake failure \([^"]*\)"', '"SSL handshake failure"', line)


def test_single_checks_over_plain_tcp(tmp_path):
    compare(PLAIN, tmp_path)


def test_single_checks_over_tls(tmp_path):
    compare(encrypted(Certificates(tmp_path)), tmp_path)


# -- a story -----------------------------------------------------------------------------------------------------------


class Moody:
    """Answers requests as it feels."""

    def __init__(self):
        self.answer = status(200, "OK")

    def __call__(self, talk):
        if talk.read_until(HEAD_END):
            talk.say(self.answer)


STORY = [("a", 500), ("a", 200), ("a", 404), ("a", 200), ("a", 404), ("a", 500), ("a", 404), ("a", 200), ("b", 500),
         ("a", 500), ("b", 200), ("a", 200)]
"""Whose mood changes, and to which status."""


class Stage:
    """Two servers, a and its backup b, as two proxies see them: `li` is terse, `be` logs its checks."""

    def __init__(self):
        self.moods = {"a": Moody(), "b": Moody()}
        self.servers = {name: Standin(mood) for name, mood in self.moods.items()}
        a, b = (self.servers[name].port for name in "ab")
        servers = f"""
    option httpchk
    http-check disable-on-404
    default-server inter 100ms rise 2 fall 3
    server a 127.0.0.1:{a} check
    server b 127.0.0.1:{b} check backup
    server off 127.0.0.1:{a} check disabled
"""
        self.web = free_port()
        self.text = (f"{DEFAULTS}listen li\n    bind 127.0.0.1:{free_port()}{servers}"
                     f"backend be\n    option log-health-checks{servers}    server free 127.0.0.1:{a}\n"
                     f"listen stats\n    mode http\n    bind 127.0.0.1:{self.web}\n    stats enable\n    stats uri /\n")

    def play(self):
        self.wait()
        for who, code in STORY:
            self.moods[who].answer = status(code, "Mood")
            self.wait()

    def wait(self):
        """Until everybody has been asked often enough to change everything."""
        before = {name: server.accepted for name, server in self.servers.items()}
        # rise + fall checks from each of two proxies, and one that was under way.
        wait_for(lambda: all(server.accepted >= before[name] + 14 for name, server in self.servers.items()), "checks")

    def statistics(self):
        """(proxy, server) -> row, as programs read it from the page."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.web}/;csv", timeout=10).read().decode()
        lines = text.removeprefix("# ").strip().splitlines()
        return {(row["pxname"], row["svname"]): row for row in csv.DictReader(lines) if row["pxname"] != "stats"}

    def close(self):
        for server in self.servers.values():
            server.close()


TIMES = {"lastchg", "downtime", "check_duration"}
LIMITS = {"slim"}  # haproxy's default maxconn depends on its descriptors
COUNTS = {"chkfail"}  # how many checks a mood lasted for
NUMBERS = {"iid"}  # differs: ours count all frontends before all backends
OWN = {"h1_open_connections", "h1_total_connections", "h1_open_streams", "h1_total_streams", "h1_bytes_in",
       "h1_bytes_out"}  # of haproxy's own HTTP, checks included


def told(lines):
    """Lines by the server that they are about; between servers the order is chance."""
    result = {}
    for level, line in lines:
        about = re.search(r"\b(li|be)\b(/\w+)?", line)[0]
        result.setdefault(about, []).append((level, comparable(line)))
    return result


def test_a_story_is_told_in_the_same_words_and_with_the_same_urgency(tmp_path):
    stage = Stage()
    try:
        with Haproxy(tmp_path, stage.text) as haproxy:
            stage.play()
            theirs, their_stat = told(haproxy.lines), stage.statistics()
    finally:
        stage.close()
    stage = Stage()
    try:
        with SyslogSink() as syslog, MonitorProcess(tmp_path) as monitor:
            monitor.configure(model(f"global\n    log 127.0.0.1:{syslog.port} local0\n{stage.text}"))
            stage.play()
            ours, our_stat = told(syslog.lines), stage.statistics()
            assert [text for _, text in syslog.lines] == monitor.log
    finally:
        stage.close()
    for about in theirs:
        assert ours[about] == theirs[about], about
    assert ours.keys() == theirs.keys()
    assert list(our_stat) == list(their_stat)
    for key, row in their_stat.items():
        for column in row.keys() - TIMES - LIMITS - COUNTS - NUMBERS - OWN:
            assert our_stat[key][column].removeprefix("* ") == row[column].removeprefix("* "), (key, column)
