"""`observe layer4`: what connections of clients tell about a server, in a whole pyha and in haproxy."""

import contextlib
import socket

import pytest

from tests.daemon import Daemon
from tests.runtime.haproxy_lab import HAPROXY, Haproxy, SyslogSink
from tests.runtime.standins import Refusing, Standin, http, status
from tests.runtime.test_checks_beside_haproxy import DEFAULTS, comparable
from tests.runtime.worker_lab import free_port, wait_for

pytestmark = [pytest.mark.peer, pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")]

LIMIT = 3


class Stage:
    """A server whose checks are well while nobody can connect to it."""

    def __init__(self, mode):
        self.port, self.refusing = free_port(), Refusing()
        self.well = Standin(http(status(200, "OK")))
        observe = f"observe layer4 error-limit {LIMIT} on-error {mode}"
        self.text = f"""{DEFAULTS}
listen ob
    bind 127.0.0.1:{self.port}
    option httpchk
    option log-health-checks
    retries 0
    server x 127.0.0.1:{self.refusing.port} check port {self.well.port} {observe} inter 300ms rise 2 fall 3
"""

    def play(self, lines):
        """Clients come until the server has been blamed twice, and then nobody until it is fully up."""
        wait_for(lambda: any("check passed" in line for _, line in lines()), "the first check")
        for times in (1, 2):
            self.clients(lambda times=times: sum("Health analyze" in line for _, line in lines()) >= times)
            before = self.well.accepted
            wait_for(lambda before=before: self.well.accepted >= before + 4, "checks")
        return [(level, comparable(line)) for level, line in lines() if ("ob/x" in line and "Connect from" not in line)
                or "has no server" in line]

    def clients(self, enough):
        def blamed():
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as sock:
                sock.recv(1)
            return enough()
        wait_for(blamed, "the server to be blamed")

    def close(self):
        self.refusing.close()
        self.well.close()


@pytest.mark.parametrize("mode", ["mark-down", "fail-check", "sudden-death"])
def test_connections_that_fail_count_as_in_haproxy(mode, tmp_path):
    stage = Stage(mode)
    try:
        with Haproxy(tmp_path, stage.text) as haproxy:
            theirs = stage.play(lambda: haproxy.lines)
    finally:
        stage.close()
    stage = Stage(mode)
    try:
        with SyslogSink() as syslog:
            text = f"global\n    nbthread 1\n    log 127.0.0.1:{syslog.port} local0\n{stage.text}"
            with Daemon(tmp_path, haproxy=text):
                ours = stage.play(lambda: syslog.lines)
    finally:
        stage.close()
    assert _kinds(ours) == _kinds(theirs)


def _kinds(lines):
    """The lines, each once: how many checks there were between two of them is chance."""
    return list(dict.fromkeys((level, line.replace("1 sessions active", "0 sessions active")) for level, line in lines))
