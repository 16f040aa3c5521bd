"""The rules on top of pyha/health/server.py, one after the other."""

import pytest

from pyha.config.model import Check
from pyha.health.server import CheckLogged, ServerHealth, StartCheck, StatusChanged
from pyha.health.verdict import Verdict

GOOD = Verdict("L4OK")
BAD = Verdict("L4CON", info="Connection refused")
FINISH = Verdict("L7OKC", 404, otherwise=Verdict("L7STS", 404))
CHECK = Check(inter=2000, fastinter=500, downinter=4000, rise=2, fall=3)


def machine(check=CHECK, *verdicts, disabled=False):
    """A machine that has been told these verdicts, one second apart."""
    health = ServerHealth(check, disabled=disabled)
    health.startup(0.0)
    for now, verdict in enumerate(verdicts, start=1):
        health.expire(float("inf"))
        health.result(verdict, float(now))
    return health


def told(health, *verdicts):
    """(status, health) after each verdict."""
    result = []
    for verdict in verdicts:
        health.result(verdict, 0.0)
        result.append((health.status, health.health))
    return result


# -- rules 1 and 2 -----------------------------------------------------------------------------------------------------


def test_a_server_starts_up_with_health_at_rise():
    health = machine()
    assert (health.status, health.health, health.verdict) == ("UP", 2, None)


def test_from_there_one_failure_takes_it_down():
    health = machine()
    effects = health.result(BAD, 1.0)
    assert effects == [CheckLogged(BAD, 0), StatusChanged("UP", "DOWN", BAD)]
    assert (health.failures, health.downs) == (1, 1)


def test_from_there_one_success_makes_it_fully_up():
    health = machine()
    assert health.result(GOOD, 1.0) == [CheckLogged(GOOD, 4)]
    assert health.status == "UP"


# -- rules 3 and 4 -----------------------------------------------------------------------------------------------------


def test_a_fully_up_server_goes_down_at_the_failure_number_fall():
    assert told(machine(CHECK, GOOD), BAD, BAD, BAD) == [("UP", 3), ("UP", 2), ("DOWN", 0)]


def test_a_success_in_between_makes_it_fully_up_again():
    assert told(machine(CHECK, GOOD, BAD, BAD), GOOD, BAD) == [("UP", 4), ("UP", 3)]


def test_a_server_that_is_down_comes_up_at_the_success_number_rise():
    assert told(machine(CHECK, BAD), GOOD, GOOD) == [("DOWN", 1), ("UP", 4)]


def test_a_failure_in_between_starts_the_count_anew():
    assert told(machine(CHECK, BAD, GOOD), BAD, GOOD, GOOD) == [("DOWN", 0), ("DOWN", 1), ("UP", 4)]


def test_failures_of_a_server_that_is_fully_down_are_not_counted():
    health = machine(CHECK, BAD, BAD, BAD)
    assert (health.failures, health.downs) == (1, 1)


def test_with_rise_and_fall_of_one_every_check_decides():
    assert told(machine(Check(rise=1, fall=1)), BAD, GOOD, BAD) == [("DOWN", 0), ("UP", 1), ("DOWN", 0)]


# -- what is logged ----------------------------------------------------------------------------------------------------


def test_checks_that_say_nothing_new_are_not_logged():
    assert machine(CHECK, GOOD).result(GOOD, 1.0) == []
    assert machine(CHECK, BAD).result(BAD, 1.0) == []


def test_another_way_to_fail_is_news_even_when_nothing_moves():
    other = Verdict("L4TOUT")
    assert machine(CHECK, BAD).result(other, 1.0) == [CheckLogged(other, 0)]


# -- rule 5 ------------------------------------------------------------------------------------------------------------


def test_a_conditional_success_lets_an_up_server_finish_what_it_has():
    health = machine(CHECK, GOOD)
    assert health.result(FINISH, 1.0) == [CheckLogged(FINISH, 4), StatusChanged("UP", "NOLB", FINISH)]


def test_a_plain_success_brings_it_back():
    assert machine(CHECK, GOOD, FINISH).result(GOOD, 1.0)[-1] == StatusChanged("NOLB", "UP", GOOD)


def test_failures_take_it_down_after_fall_of_them():
    assert told(machine(CHECK, GOOD, FINISH), BAD, BAD, BAD) == [("NOLB", 3), ("NOLB", 2), ("DOWN", 0)]


def test_for_a_server_that_is_down_it_is_what_it_is_without_the_option():
    health = machine(CHECK, BAD)
    assert health.result(FINISH, 1.0) == [CheckLogged(FINISH.otherwise, 0)]
    assert told(health, FINISH, FINISH) == [("DOWN", 0), ("DOWN", 0)]


def test_a_server_whose_404_is_expected_comes_up_and_then_finishes():
    expected = Verdict("L7OKC", 404, otherwise=Verdict("L7OK", 404))
    assert told(machine(CHECK, BAD), expected, expected, expected) == [("DOWN", 1), ("UP", 4), ("NOLB", 4)]


# -- rule 6 ------------------------------------------------------------------------------------------------------------


def test_a_disabled_server_is_in_maintenance_and_is_not_checked():
    health = machine(disabled=True)
    assert (health.status, health.deadline, health.maintenance) == ("MAINT", None, {"disabled"})
    assert health.expire(1e9) == []


def test_a_result_that_comes_after_maintenance_began_is_ignored():
    health = machine(CHECK, GOOD)
    health.expire(float("inf"))
    health.maintain("resolution")
    assert health.result(BAD, 5.0) == []
    assert (health.status, health.deadline, health.running) == ("MAINT", None, False)


def test_out_of_maintenance_it_starts_anew_and_is_checked_at_once():
    health = machine(CHECK, BAD)
    assert health.maintain("resolution") == [StatusChanged("DOWN", "MAINT", None)]
    assert health.ready("resolution", 7.0) == [StatusChanged("MAINT", "UP", None)]
    assert (health.health, health.deadline, health.verdict) == (2, 7.0, None)


def test_with_two_reasons_for_maintenance_one_of_them_gone_is_not_enough():
    health = machine(disabled=True)
    assert health.maintain("resolution") == []
    assert health.ready("resolution", 7.0) == []
    assert health.status == "MAINT"


def test_the_end_of_a_maintenance_that_was_not_says_nothing():
    assert machine().ready("resolution", 1.0) == []


def test_a_server_without_check_is_up_and_never_asked():
    health = machine(None)
    assert (health.status, health.health, health.deadline) == ("UP", 1, None)
    assert health.result(BAD, 1.0) == []


# -- rule 7 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("verdicts", "wait"), [
    ((GOOD,), 2.0), ((GOOD, BAD), 0.5), ((BAD,), 4.0), ((BAD, GOOD), 0.5), ((BAD, GOOD, GOOD), 2.0),
])
def test_the_next_check_comes_after_inter_fastinter_or_downinter(verdicts, wait):
    health = machine(CHECK, *verdicts)
    assert health.deadline == len(verdicts) + wait


def test_spread_checks_moves_the_next_check_by_a_part_of_the_interval():
    health = machine()
    health.result(GOOD, 10.0, spread=-0.25)
    assert health.deadline == 11.5


def test_expire_is_harmless_when_early_and_starts_one_check_when_due():
    health = ServerHealth(CHECK)
    health.startup(10.0, 0.5)
    assert health.expire(10.4) == []
    assert health.expire(10.5) == [StartCheck()]
    assert (health.deadline, health.running) == (None, True)
    assert health.expire(11.0) == []


def test_hasten_brings_the_next_check_forward_but_starts_no_second_one():
    health = machine(CHECK, GOOD)
    health.hasten(1.5)
    assert health.deadline == 1.5
    health.expire(1.5)
    health.hasten(1.6)
    assert health.deadline is None


# -- what was known before ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "count", "adopted"), [
    ("DOWN", 1, ("DOWN", 1)), ("DOWN", 4, ("DOWN", 1)), ("UP", 3, ("UP", 3)), ("UP", 0, ("UP", 2)),
    ("NOLB", 9, ("NOLB", 4)), ("MAINT", 0, ("UP", 2)),
])
def test_what_was_known_is_taken_over_as_far_as_it_fits(status, count, adopted):
    health = ServerHealth(CHECK)
    health.adopt(status, count)
    assert (health.status, health.health) == adopted


def test_a_disabled_server_and_one_without_check_take_nothing_over():
    for health in (ServerHealth(CHECK, disabled=True), ServerHealth(None)):
        before = health.status
        health.adopt("DOWN", 0)
        assert health.status == before
