"""Lines as a real haproxy 2.6 wrote them (tests/runtime/test_checks_beside_haproxy.py compares them live)."""

import pytest

from pyha.config.model import Check
from pyha.health.server import StatusChanged
from pyha.health.verdict import Verdict
from pyha.health.wording import Line, Remaining, Subject, agent_line, change_line, check_line, none_left_line

MAIN, SPARE = Subject("be", "s1"), Subject("be", "s2", backup=True)
CHECK = Check(rise=2, fall=3)
REASON = 'reason: Layer4 connection problem, info: "Connection refused", check duration: 0ms'


def test_a_server_goes_down():
    assert change_line(MAIN, StatusChanged("UP", "DOWN", None), REASON, Remaining(0, 1, sessions=4, queued=2)) == Line(
        "alert", 'Server be/s1 is DOWN, reason: Layer4 connection problem, info: "Connection refused", check duration: '
        "0ms. 0 active and 1 backup servers left. Running on backup. 4 sessions active, 0 requeued, 2 remaining in "
        "queue.")


def test_a_server_comes_up():
    assert change_line(MAIN, StatusChanged("DOWN", "UP", None), "", Remaining(1, 0)) == Line(
        "notice", "Server be/s1 is UP. 1 active and 0 backup servers online. 0 sessions requeued, 0 total in queue.")


def test_a_backup_server_says_that_it_is_one():
    line = change_line(SPARE, StatusChanged("UP", "DOWN", None), "", Remaining(2, 0))
    assert line.text.startswith("Backup Server be/s2 is DOWN. 2 ")


def test_a_server_finishes_what_it_has():
    assert change_line(MAIN, StatusChanged("UP", "NOLB", None), "", Remaining(0, 0)) == Line(
        "notice", "Server be/s1 is stopping. 0 active and 0 backup servers online. 0 sessions requeued, 0 total in "
        "queue.")


def test_a_server_that_was_stopping_already_goes_down_without_an_alert():
    assert change_line(MAIN, StatusChanged("NOLB", "DOWN", None), "", Remaining(1, 0)).level == "notice"


def test_maintenance():
    line = change_line(MAIN, StatusChanged("UP", "MAINT", None), "", Remaining(1, 0))
    assert line.level == "alert"
    assert line.text.startswith("Server be/s1 is going DOWN for maintenance. 1 active and 0 backup servers left. 0 ")


@pytest.mark.parametrize(("health", "state"), [(0, "0/2 DOWN"), (1, "1/2 DOWN"), (2, "1/3 UP"), (4, "3/3 UP")])
def test_a_check_line_counts_towards_the_next_state(health, state):
    assert check_line(MAIN, Verdict("L4OK"), 1, health, CHECK) == Line(
        "notice", f"Health check for server be/s1 succeeded, reason: Layer4 check passed, check duration: 1ms, status: "
        f"{state}.")


def test_a_check_line_of_a_backup_server_a_failure_and_a_conditional_pass():
    assert check_line(SPARE, Verdict("L4TOUT"), 9, 0, CHECK).text == (
        "Health check for backup server be/s2 failed, reason: Layer4 timeout, check duration: 9ms, status: 0/2 DOWN.")
    assert "conditionally succeeded, reason: Layer7 check conditionally passed, code: 404," in check_line(
        MAIN, Verdict("L7OKC", 404), 9, 4, CHECK).text


def test_a_server_without_weight_is_draining():
    assert check_line(Subject("be", "s1", weight=0), Verdict("L4OK"), 0, 4, CHECK).text.endswith("status: 3/3 DRAIN.")


def test_the_last_server_is_an_emergency_of_a_backend_or_of_a_listen_section():
    assert none_left_line("be", listen=False) == Line("emerg", "backend be has no server available!")
    assert none_left_line("li", listen=True) == Line("emerg", "proxy li has no server available!")


@pytest.mark.parametrize(("change", "text"), [
    (StatusChanged("UP", "DRAIN", None), "enters drain state. 1 active and 0 backup servers online. "),
    (StatusChanged("UP", "DRAIN", None, via="a/s"), "enters drain state via a/s. 1 active and 0 backup "),
    (StatusChanged("DRAIN", "UP", None), "is UP (leaving forced drain)."),
    (StatusChanged("DRAIN", "NOLB", None), "is UP (leaving forced drain)."),
    (StatusChanged("DOWN", "DRAIN", None), "is UP. 1 active and 0 backup servers online. "),
    (StatusChanged("UP", "DOWN", None, via="a/s"), "is DOWN via a/s. 1 active and 0 backup servers left. "),
    (StatusChanged("DOWN", "MAINT", None), "was DOWN and now enters maintenance."),
    (StatusChanged("DOWN", "MAINT", None, via="a/s"), "was DOWN and now enters maintenance via a/s."),
    (StatusChanged("MAINT", "UP", None), "is UP/READY (leaving forced maintenance)."),
    (StatusChanged("MAINT", "UP", None, via="a/s"), "is UP/READY (leaving maintenance)."),
    (StatusChanged("MAINT", "DOWN", None, below="DOWN"), "is DOWN/READY (leaving forced maintenance)."),
    (StatusChanged("MAINT", "DRAIN", None), "is UP/DRAIN (leaving forced maintenance)."),
    (StatusChanged("MAINT", "UP", None, resolved=False), "is UP. 1 active and 0 backup servers online. "),
])
def test_agents_and_tracked_servers_are_worded_as_haproxy_does(change, text):
    assert change_line(MAIN, change, "", Remaining(1, 0)).text.startswith(f"Server be/s1 {text}")


def test_a_line_about_an_agent():
    assert agent_line(SPARE, Verdict("L7STS", 0, "via agent : down"), 3, up=False) == Line(
        "notice", 'Agent check for backup server be/s2 failed, reason: Layer7 wrong status, code: 0, info: "via agent '
        ': down", check duration: 3ms, status: 0/1 DOWN.')
    assert agent_line(MAIN, Verdict("L7OK", 0), 3, up=True).text.endswith("status: 1/1 UP.")
