import pytest

from pyha.config.model import Backend, Check, HealthDialogue, Server
from pyha.health.agent import read
from pyha.health.backend import count, lines, nbsrv, standing
from pyha.health.server import CheckLogged, ServerHealth, StartCheck, StatusChanged
from pyha.health.verdict import Verdict

BAD = Verdict("L4CON", info="Connection refused")


def server(name, **options):
    return Server(name=name, host="127.0.0.1", port=1, check=Check(), **options)


A, B, SPARE, SECOND = server("a"), server("b"), server("spare", backup=True), server("second", backup=True)
BACKEND = Backend(name="be", servers=(A, B, SPARE, SECOND))


def statuses(a="UP", b="UP", spare="UP", second="UP"):
    return {"a": a, "b": b, "spare": spare, "second": second}


def machines(**status):
    result = {}
    for name, value in statuses(**status).items():
        result[name] = ServerHealth(Check())
        result[name].status = value
    return result


def say(effects, backend=BACKEND, server=A, listen=False, load=lambda *_: (0, 0), **status):
    return [(line.level, line.text) for line in
            lines(backend, server, effects, machines(**status), 5, load, listen=listen)]


def test_active_and_backup_servers_are_counted_apart():
    assert count(BACKEND, statuses()) == (2, 2)
    assert count(BACKEND, statuses(a="DOWN", spare="NOLB")) == (1, 1)


def test_a_server_without_weight_takes_no_new_connections():
    idle = Backend(name="be", servers=(A, server("b", weight=0)))
    assert count(idle, {"a": "UP", "b": "UP"}) == (1, 0)


@pytest.mark.parametrize(("down", "allbackups", "expected"), [
    ({}, False, 2), ({"a": "DOWN"}, False, 1), ({"a": "DOWN", "b": "MAINT"}, False, 1),
    ({"a": "DOWN", "b": "MAINT"}, True, 2), (dict.fromkeys(statuses(), "DOWN"), True, 0),
    (dict.fromkeys(statuses(), "DOWN"), False, 0),
])
def test_nbsrv_counts_those_in_charge(down, allbackups, expected):
    assert nbsrv(BACKEND.model_copy(update={"allbackups": allbackups}), statuses(**down)) == expected


def test_a_change_is_told_with_its_reason_and_what_is_left():
    assert say([StatusChanged("UP", "DOWN", BAD)], a="DOWN", load=lambda backend, name: (len(backend), len(name))) == [
        ("alert", ('Server be/a is DOWN, reason: Layer4 connection problem, info: "Connection refused", check '
                   "duration: 5ms. 1 active and 2 backup servers left. 2 sessions active, 0 requeued, 1 remaining in "
                   "queue."))]


def test_with_log_health_checks_the_reason_is_in_the_line_before():
    chatty = BACKEND.model_copy(update={"health": HealthDialogue(log_health_checks=True)})
    told = say([CheckLogged(BAD, 0), StatusChanged("UP", "DOWN", BAD)], backend=chatty, a="DOWN")
    assert [text.partition(",")[0] for _, text in told] == [
        "Health check for server be/a failed",
        "Server be/a is DOWN. 1 active and 2 backup servers left. 0 sessions active"]


def test_without_it_checks_are_not_logged_and_starting_one_never_is():
    assert say([StartCheck(), CheckLogged(BAD, 0)]) == []


def test_the_loss_of_the_last_usable_server_is_an_emergency():
    nobody = dict.fromkeys(statuses(), "DOWN")
    assert say([StatusChanged("UP", "DOWN", BAD)], **nobody)[1] == ("emerg", "backend be has no server available!")
    assert say([StatusChanged("UP", "MAINT", None)], listen=True, **nobody)[1] == (
        "emerg", "proxy be has no server available!")


def test_it_is_told_once_not_again_by_a_server_that_was_of_no_use():
    nobody = dict.fromkeys(statuses(), "DOWN")
    assert len(say([StatusChanged("NOLB", "DOWN", BAD)], **nobody)) == 1


def test_only_backups_left_is_worth_a_remark():
    assert "Running on backup." in say([StatusChanged("UP", "DOWN", BAD)], a="DOWN", b="DOWN")[0][1]


def test_maintenance_has_no_reason_from_a_check():
    assert say([StatusChanged("UP", "MAINT", None)], a="MAINT")[0][1].startswith(
        "Server be/a is going DOWN for maintenance. 1 active")


def test_what_an_agent_said_is_logged_with_the_checks_even_of_a_server_that_has_none():
    logged = BACKEND.model_copy(update={"health": HealthDialogue(log_health_checks=True)})
    bare = Server(name="a", host="127.0.0.1", port=1)
    effect = CheckLogged(Verdict("L7OK", 0, "via agent : up"), 1, by_agent=True)
    assert "Agent check for server be/a succeeded" in say([effect], backend=logged, server=bare)[0][1]
    assert say([CheckLogged(Verdict("L4OK"), 1)], backend=logged, server=bare) == []


def test_a_server_whose_agent_took_its_weight_counts_as_gone():
    health = ServerHealth(Check())
    assert standing(A, health) == "UP"
    health.heard(read("0%"), 0.0)
    assert standing(A, health) == "DRAIN"
