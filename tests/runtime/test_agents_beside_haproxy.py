"""The same agents beside the same servers: what haproxy and pyha make of their words, and what they log."""

import re

import pytest

from tests.runtime.haproxy_lab import HAPROXY, Haproxy, SyslogSink
from tests.runtime.monitor_lab import MonitorProcess
from tests.runtime.standins import Refusing, Standin, hears, silent
from tests.runtime.test_checks_beside_haproxy import DEFAULTS, OK, comparable, model
from tests.runtime.worker_lab import wait_for

pytestmark = [pytest.mark.peer, pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")]

STORY = ("up", "drain", "ready", "maint", "ready", "50%", "down", "up", "drain", "ready", "maint", "drain", "ready",
         "down # too hot", "maint", "ready", "up", "up drain", "ready,100%", "stopped", "UP", "150%", "gibberish",
         "fail", "up 10%")
"""What the agent says, one word after the other."""

OMITTED = re.compile(r"remains in (forced )?drain|DOWN \(leaving forced drain\)")
"""Differs on purpose: that nothing has changed is not said."""


class Stage:
    """A server and its agent as two proxies see them, `a` terse and `l` with its checks, and one that tracks."""

    def __init__(self):
        self.word = ""
        self.agent, self.server = Standin(self.speak), Standin(OK)
        options = (f"127.0.0.1:{self.server.port} check agent-check agent-port {self.agent.port} agent-inter 100ms "
                   "weight 100")
        self.text = DEFAULTS + f"""    option httpchk
    default-server inter 100ms rise 2 fall 2
backend a
    server s {options}
backend l
    option log-health-checks
    server s {options}
backend tr
    server t 127.0.0.1:{self.server.port} track a/s
    server u 127.0.0.1:{self.server.port} track t
"""

    def speak(self, talk):
        talk.say(self.word.encode() + b"\n")
        talk.read_all()

    def play(self, look):
        """Say one word after the other; what `look` returned after each."""
        seen = []
        for self.word in STORY:
            self.wait(self.agent, 6)
            if "maint" not in self.word:
                self.wait(self.server, 4)
            seen.append((self.word, look()))
        return seen

    def wait(self, who, times):
        """Until somebody has been asked so often."""
        before = who.accepted
        wait_for(lambda: who.accepted >= before + times, f"questions while the agent says {self.word!r}")

    def close(self):
        self.agent.close()
        self.server.close()


def told(lines):
    """What was said about each server and each backend, in its order."""
    result = {}
    for level, line in lines:
        if not OMITTED.search(line):
            about = re.search(r"\b(a|l|tr)(/\w)?(?= (is|was|enters|has|succeeded|failed|via)\b)", line)[0]
            result.setdefault(about, []).append((level, comparable(line)))
    return result


SEEN = [("a", "s"), ("l", "s"), ("tr", "t"), ("tr", "u")]


def test_an_agents_story_is_told_in_the_same_words(tmp_path):
    stage = Stage()
    try:
        with Haproxy(tmp_path, stage.text) as haproxy:
            def look():
                rows = haproxy.stat()
                return [(rows[key]["status"].split()[0], int(rows[key]["weight"])) for key in SEEN]
            their_states, their_lines = stage.play(look), told(haproxy.lines)
    finally:
        stage.close()
    stage = Stage()
    try:
        with SyslogSink() as syslog, MonitorProcess(tmp_path) as monitor:
            monitor.configure(model(f"global\n    log 127.0.0.1:{syslog.port} local0\n{stage.text}"))

            def look():
                states = monitor.states()
                return [(states[key].status, states[key].weight) for key in SEEN]
            our_states, our_lines = stage.play(look), told(syslog.lines)
    finally:
        stage.close()
    assert our_states == their_states
    assert our_lines == their_lines


def test_agents_that_cannot_be_asked_change_nothing_and_are_told_once(tmp_path):
    polite, nobody, quiet = Standin(hears(b"hello", b"down\n")), Refusing(), Standin(silent)
    text = DEFAULTS + f"""    option log-health-checks
    default-server agent-inter 500ms
backend a
    server polite 127.0.0.1:{quiet.port} agent-check agent-port {polite.port} agent-send hello
    server nobody 127.0.0.1:{quiet.port} agent-check agent-port {nobody.port}
    server quiet 127.0.0.1:{quiet.port} agent-check agent-port {quiet.port}
"""
    names = ("polite", "nobody", "quiet")

    def lines(all_lines):
        found = {name: next((comparable(line) for line in all_lines if f"a/{name} " in line), None) for name in names}
        return found if all(found.values()) else None
    try:
        with Haproxy(tmp_path, text) as haproxy:
            theirs = wait_for(lambda: lines([line for _, line in haproxy.lines]), "agents of haproxy")
        with MonitorProcess(tmp_path) as monitor:
            monitor.configure(model(text))
            ours = wait_for(lambda: lines(monitor.log), "agents of pyha")
            statuses = {name: monitor.state(name, "a").status for name in names}
    finally:
        for one in (polite, nobody, quiet):
            one.close()
    assert ours == theirs
    assert statuses == {"polite": "DOWN", "nobody": "UP", "quiet": "UP"}
