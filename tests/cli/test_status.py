import re

import pytest

from pyha.cli import table
from pyha.cli.status import age, render
from pyha.control.messages import PeerReport, RouterReport
from pyha.control.status import (
    SCHEMA,
    BackendStatus,
    CheckStatus,
    FrontendStatus,
    ProcessStatus,
    ServerStatusReport,
    Status,
)

STATUS = Status(
    schema=SCHEMA, version="1.2.3", generation=4, uptime_s=7300.0,
    processes=(ProcessStatus(role="supervisor", pid=10, restarts=0, rss_bytes=38 * 2**20),
               ProcessStatus(role="worker", pid=4711, restarts=2, rss_bytes=41 * 2**20)),
    vrrp=(RouterReport(name="VI_1", interface="ens160", vrid=51, family="ipv4", state="BACKUP", priority=100,
                       effective_priority=98, addresses=("10.0.0.200/24",), since=900.0,
                       reason="higher priority 101", master=PeerReport(address="10.0.0.202", priority=101),
                       rejected=("7 times not heard, from 10.0.0.203: VRRP version 3, ours is 2",)),),
    frontends=(FrontendStatus(name="api", binds=("0.0.0.0:8443",), sessions=12, rate=3.5),),
    backends=(BackendStatus(name="masters", servers=(
        ServerStatusReport(name="m1", address="10.0.0.1:6443", state="UP", weight=1, sessions=7, since=400.0,
                           check=CheckStatus(status="L7OK", code=200, duration_ms=3, last=999.0)),
        ServerStatusReport(name="m2", address="10.0.0.2:6443", state="DOWN", weight=1, sessions=0, since=999.0,
                           check=CheckStatus(status="L4CON", code=None, duration_ms=0, last=999.0)),
        ServerStatusReport(name="m3", address="10.0.0.3:6443", state="MAINT", weight=1, sessions=0, since=999.0,
                           check=None))), BackendStatus(name="empty", servers=())),
)

EXPECTED = """\
pyha 1.2.3, generation 4, up 2h 01m

VRRP                    STATE   FOR     PRIORITY     ADDRESSES      MASTER            REASON
VI_1 (ens160, vrid 51)  BACKUP  1m 40s  98 (of 100)  10.0.0.200/24  10.0.0.202 (101)  higher priority 101

ADVERTISEMENTS THAT ARE NOT HEARD
VI_1: 7 times not heard, from 10.0.0.203: VRRP version 3, ours is 2

FRONTEND  LISTENS ON    SESSIONS  NEW/S
api       0.0.0.0:8443        12    3.5

BACKEND masters (1 of 3 up)  ADDRESS        STATE  FOR      LAST CHECK                             WEIGHT  SESSIONS
m1                           10.0.0.1:6443  UP     10m 00s  L7OK/200 in 3 ms, 1s ago                    1         7
m2                           10.0.0.2:6443  DOWN   1s       L4CON Layer4 connection problem in 0 ms, 1s ago  1         0
m3                           10.0.0.3:6443  MAINT  1s       not checked                                 1         0

BACKEND empty  ADDRESS  STATE  FOR  LAST CHECK  WEIGHT  SESSIONS
no servers

PROCESS      PID  RESTARTS  MEMORY
supervisor    10         0  38 MiB
worker      4711         2  41 MiB
"""


class Terminal:
    def isatty(self):
        return True


def squeezed(text):
    return [line.split() for line in text.splitlines()]


def test_status_for_people_says_who_holds_the_address_and_why():
    assert squeezed(render(STATUS, now=1000.0)) == squeezed(EXPECTED)


def test_with_colour_the_words_that_matter_stand_out_and_nothing_moves(monkeypatch):
    plain = render(STATUS, now=1000.0)
    monkeypatch.setattr(table.sys, "stdout", Terminal())
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = render(STATUS, now=1000.0)
    assert re.sub(r"\033\[[0-9;]*m", "", coloured) == plain
    assert re.findall(r"\033\[([0-9;]+)m(\w+) *\033", coloured) == [
        ("36", "BACKUP"), ("32", "UP"), ("31;1", "DOWN"), ("33", "MAINT")]
    assert coloured.count("\033[1m") == 5  # the headings


def test_columns_are_aligned():
    lines = table.render(("A", "LONGER"), [("first", "1"), ("x", "22")], right={1}).splitlines()
    assert lines == ["A      LONGER", "first       1", "x          22"]


@pytest.mark.parametrize(("seconds", "text"), [
    (-5, "0s"), (0.9, "0s"), (59.9, "59s"), (60, "1m 00s"), (3599, "59m 59s"), (3600, "1h 00m"),
    (86399, "23h 59m"), (86400, "1d 0h"), (10 * 86400 + 7200, "10d 2h"),
])
def test_durations_are_said_as_people_say_them(seconds, text):
    assert age(seconds) == text


def test_words_that_matter_are_coloured_on_a_terminal_only(monkeypatch):
    monkeypatch.setattr(table.sys, "stdout", Terminal())
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\033[31;1mDOWN" in table.render(("STATE",), [("DOWN",)])
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\033" not in table.render(("STATE",), [("DOWN",)])
