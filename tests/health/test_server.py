"""The rules on top of pyha/health/server.py, one after the other."""

import pytest

from pyha.config.model import Check, Observe
from pyha.health.agent import Report, read
from pyha.health.server import CheckLogged, ServerHealth, StartCheck, StatusChanged, WeightChanged
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


# -- rule 8: agents ----------------------------------------------------------------------------------------------------


def heard(health, *lines):
    """The status after each line of the agent."""
    statuses = []
    for line in lines:
        health.heard(read(line), 0.0)
        statuses.append(health.status)
    return statuses


def test_an_agent_takes_a_server_down_whatever_its_checks_say_and_lifts_only_that():
    health = machine(CHECK, GOOD)
    assert heard(health, "down", "", "up") == ["DOWN", "DOWN", "UP"]
    assert told(health, BAD, BAD, BAD)[-1] == ("DOWN", 0)
    assert heard(health, "up") == ["DOWN"]


def test_drain_and_maint_last_until_ready():
    health = machine(CHECK, GOOD)
    assert heard(health, "drain", "up", "ready", "maint", "up", "drain", "ready") == [
        "DRAIN", "DRAIN", "UP", "MAINT", "MAINT", "DRAIN", "UP"]


def test_a_server_that_drains_can_go_down_and_drains_again_when_it_is_back():
    assert heard(machine(CHECK, GOOD), "drain", "down", "up") == ["DRAIN", "DOWN", "DRAIN"]


def test_a_server_that_finishes_what_it_has_drains_as_well():
    assert heard(machine(CHECK, GOOD, FINISH), "drain", "ready") == ["DRAIN", "NOLB"]


def test_maintenance_by_an_agent_stops_the_checks_and_ready_starts_them_at_once():
    health = machine(CHECK, GOOD)
    health.heard(read("maint"), 5.0)
    assert health.deadline is None
    health.heard(read("ready"), 7.0)
    assert health.deadline == 7.0


def test_ready_does_not_end_a_maintenance_of_the_configuration():
    assert heard(machine(disabled=True), "ready", "maint", "ready") == ["MAINT"] * 3


def test_a_percentage_scales_the_weight():
    health = machine()
    assert health.weight(100) == 100
    effects = health.heard(read("50%"), 0.0)
    assert effects == [WeightChanged(50)]
    assert health.heard(read("50%"), 0.0) == []
    assert (health.weight(100), health.weight(1), health.weight(0)) == (50, 1, 0)
    health.heard(read("0%"), 0.0)
    assert health.weight(100) == 0
    health.heard(read("300%"), 0.0)
    assert (health.weight(100), health.weight(10)) == (256, 30)


def test_what_an_agent_says_is_logged_when_it_is_another_thing_than_before():
    health = machine(CHECK, GOOD)
    first = health.heard(read("up"), 0.0)
    assert first == [CheckLogged(Verdict("L7OK", 0, "via agent : up"), 1, by_agent=True)]
    assert health.heard(read("up"), 0.0) == []
    down = Verdict("L7STS", 0, "via agent : down")
    assert health.heard(read("down"), 0.0) == [CheckLogged(down, 0, by_agent=True), StatusChanged("UP", "DOWN", down)]


def test_an_agent_that_cannot_be_asked_changes_nothing():
    health = machine(CHECK, GOOD)
    refused = Report(verdict=BAD)
    assert health.heard(refused, 0.0) == [CheckLogged(BAD, 1, by_agent=True)]
    assert health.heard(refused, 0.0) == []
    assert health.status == "UP"


def test_draining_is_taken_over_by_a_new_process():
    health = machine()
    health.adopt("DRAIN", 3, percent=50)
    assert (health.status, health.health, health.weight(10)) == ("DRAIN", 3, 5)
    assert heard(health, "ready") == ["UP"]


def test_so_is_what_an_agent_has_taken_down_or_out_of_service():
    down, out, ill = machine(), machine(), machine()
    down.adopt("DOWN", 4, percent=100)
    assert (down.status, down.health) == ("DOWN", 4)
    assert heard(down, "up") == ["UP"]
    out.adopt("MAINT", 4, percent=100)
    assert heard(out, "", "ready") == ["MAINT", "UP"]
    ill.adopt("DOWN", 0, percent=100)
    assert heard(ill, "up") == ["DOWN"]
    bare = ServerHealth(None)
    bare.adopt("DOWN", 1, percent=100)
    assert heard(bare, "", "up") == ["DOWN", "UP"]


# -- rule 9: track -----------------------------------------------------------------------------------------------------


def test_who_tracks_another_server_is_what_that_one_is():
    health = ServerHealth(None)
    assert health.follow("DOWN", "be/s") == [StatusChanged("UP", "DOWN", None, "be/s")]
    assert health.follow("DOWN", "be/s") == []
    assert [(health.follow(status, "be/s"), health.status)[1] for status in ("NOLB", "DRAIN", "MAINT", "UP")] == [
        "NOLB", "DRAIN", "MAINT", "UP"]


def test_its_own_maintenance_goes_first():
    health = ServerHealth(None, disabled=True)
    assert health.follow("UP", "be/s") == []
    assert health.ready("disabled", 0.0) == [StatusChanged("MAINT", "UP", None)]


# -- rule 10: observe --------------------------------------------------------------------------------------------------


def observed(mode, *verdicts, check=CHECK):
    health = ServerHealth(check, observe=Observe(error_limit=3, on_error=mode))
    health.startup(0.0)
    for verdict in verdicts:
        health.result(verdict, 0.0)
    return health


@pytest.mark.parametrize(("mode", "after"), [
    ("fastinter", [("UP", 4), ("UP", 4)]), ("fail-check", [("UP", 3), ("UP", 2)]),
    ("sudden-death", [("UP", 2), ("DOWN", 0)]), ("mark-down", [("DOWN", 0), ("DOWN", 0)])])
def test_connections_that_fail_count_as_configured(mode, after):
    health = observed(mode, GOOD)
    seen = []
    for _ in after:
        health.suspect(3, 1.0)
        seen.append((health.status, health.health))
    assert seen == after


def test_what_connections_tell_has_a_verdict_of_its_own():
    effects = observed("mark-down", GOOD).suspect(3, 1.0)
    verdict = Verdict("HANA", info="Detected 3 consecutive errors, last one was: L4 unsuccessful connection")
    assert effects == [CheckLogged(verdict, 0), StatusChanged("UP", "DOWN", verdict)]
    assert "duration" not in verdict.reason(0)


def test_connections_that_fail_are_a_reason_to_look_again_soon():
    health = observed("fastinter", GOOD)
    health.suspect(3, 1.0)
    assert health.deadline == 1.5
    patient = observed("fastinter", GOOD, check=Check(inter=2000))
    patient.suspect(3, 1.0)
    assert patient.deadline == 2.0


def test_a_server_that_finishes_what_it_has_goes_down_all_the_same():
    health = observed("mark-down", GOOD, FINISH)
    health.suspect(3, 1.0)
    assert health.status == "DOWN"
    assert told(health, GOOD, GOOD)[-1][0] == "UP"


@pytest.mark.parametrize("health", [ServerHealth(CHECK), ServerHealth(None, observe=Observe()),
                                    ServerHealth(CHECK, disabled=True, observe=Observe())])
def test_nothing_follows_where_nobody_observes_checks_or_serves(health):
    before = health.status
    assert health.suspect(10, 0.0) == []
    assert health.status == before
