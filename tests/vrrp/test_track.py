import pytest

from pyha.config.vrrp_model import Script, VirtualRouter, Vrrp
from pyha.vrrp.track import ScriptState, Tracker


def tracker(*, priority: int = 100, balancer_available: bool = False, vrrp: dict[str, object] | None = None,
            **user: object) -> Tracker:
    config = {"name": "VI_1", "interface": "eth0", "vrid": 51, "priority": priority, **user}
    known = {"scripts": [{"name": "chk", "argv": ["true"]}, {"name": "weighted", "argv": ["true"], "weight": -60},
                         {"name": "haproxy", "argv": ["true"], "balancer": True}],
             "process_checks": [{"name": "proc", "argv": ["nginx"], "weight": 0}],
             "file_checks": [{"name": "number", "path": "/run/number"}], **(vrrp or {})}
    return Tracker(VirtualRouter.model_validate(config), Vrrp.model_validate({"routers": [config], **known}),
                   balancer_available=balancer_available)


# -- results of a script -----------------------------------------------------------------------------------------------


def verdicts(script: Script, results: str) -> str:
    """The verdict after each result: + is well, - is failed."""
    state, said = ScriptState(script), ""
    for result in results:
        state.result(result == "+")
        said += "+" if state.ok else "-"
    return said


@pytest.mark.parametrize(("rise", "fall", "results", "expected"), [
    (1, 1, "+-+-", "+-+-"),
    (2, 3, "+--+---+++", "++++++--++"),
    (3, 1, "-++-+++", "------+"),
    (2, 2, "+-+-+--", "++++++-"),
    (1, 3, "---+--", "---+++"),
])
def test_rise_and_fall_count_in_a_row_and_the_first_result_counts_at_once(rise, fall, results, expected):
    assert verdicts(Script(name="chk", argv=("true",), rise=rise, fall=fall), results) == expected


def test_with_init_fail_it_has_to_rise():
    script = Script(name="chk", argv=("true",), rise=2, fall=2, init_fail=True)
    assert not ScriptState(script).ok
    assert verdicts(script, "+-++") == "---+"


# -- faults ------------------------------------------------------------------------------------------------------------


def test_what_has_no_weight_is_a_fault_when_it_fails():
    tracked = tracker(track_interfaces=[{"name": "eth1"}], track_scripts=[{"name": "chk"}],
                      track_processes=[{"name": "proc"}])
    assert list(tracked.faults()) == []
    for kind, name in (("interface", "eth1"), ("script", "chk"), ("process", "proc")):
        tracked.update(kind, name, False)
    assert list(tracked.faults()) == ["tracked interface eth1 is down", "script chk failed",
                                      "process check proc failed"]
    for kind, name in (("interface", "eth1"), ("script", "chk"), ("process", "proc")):
        tracked.update(kind, name, True)
    assert list(tracked.faults()) == []


def test_what_has_a_weight_is_none():
    tracked = tracker(track_interfaces=[{"name": "eth1", "weight": 10}], track_scripts=[{"name": "weighted"}])
    tracked.update("interface", "eth1", False)
    tracked.update("script", "weighted", False)
    assert list(tracked.faults()) == []


def test_reverse_turns_the_meaning_round():
    tracked = tracker(track_scripts=[{"name": "chk", "reverse": True}])
    tracked.update("script", "chk", True)
    assert list(tracked.faults()) == ["script chk failed"]
    tracked.update("script", "chk", False)
    assert list(tracked.faults()) == []


def test_the_balancer_s_script_says_that_it_is_the_balancer():
    tracked = tracker(track_scripts=[{"name": "haproxy"}], balancer_available=True)
    tracked.update("script", "haproxy", False)
    assert list(tracked.faults()) == ["the balancer does not work (script haproxy)"]


def test_a_script_of_weight_zero_is_waited_for_and_a_weighted_one_is_not():
    tracked = tracker(track_scripts=[{"name": "chk"}, {"name": "weighted"}], track_interfaces=[{"name": "eth1"}])
    assert tracked.pending() == "waiting for the first result of script chk"
    tracked.update("script", "chk", False)
    assert tracked.pending() == ""


def test_what_is_not_tracked_or_does_not_exist_changes_nothing():
    tracked = tracker(track_scripts=[{"name": "forgotten"}])
    tracked.update("script", "forgotten", False)
    tracked.update("script", "chk", False)
    assert (tracked.names("script"), list(tracked.faults()), tracked.priority()) == ([], [], 100)


# -- priority ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("weight", "reverse", "well", "failed"), [
    (20, False, 120, 100), (-20, False, 100, 80), (20, True, 100, 120), (-20, True, 80, 100),
])
def test_weights_move_the_priority(weight, reverse, well, failed):
    tracked = tracker(track_scripts=[{"name": "chk", "weight": weight, "reverse": reverse}])
    assert tracked.priority() == 100
    tracked.update("script", "chk", True)
    assert tracked.priority() == well
    tracked.update("script", "chk", False)
    assert tracked.priority() == failed


def test_a_script_s_own_weight_counts_unless_its_user_has_one():
    tracked = tracker(track_scripts=[{"name": "weighted"}])
    tracked.update("script", "weighted", False)
    assert tracked.priority() == 40


@pytest.mark.parametrize(("weight", "expected"), [(-254, 1), (254, 254)])
def test_the_priority_stays_between_1_and_254(weight, expected):
    tracked = tracker(track_interfaces=[{"name": "eth1", "weight": weight}])
    tracked.update("interface", "eth1", weight > 0)
    assert tracked.priority() == expected


def test_the_owner_s_priority_never_moves():
    tracked = tracker(priority=255, track_scripts=[{"name": "weighted"}])
    tracked.update("script", "weighted", False)
    assert tracked.priority() == 255


def test_the_number_in_a_file_times_its_weight_is_added():
    tracked = tracker(track_files=[{"name": "number", "weight": -2}])
    tracked.update("file", "number", 10)
    assert (tracked.priority(), list(tracked.faults())) == (80, [])
    tracked.update("file", "number", 127)
    assert list(tracked.faults()) == ["tracked file /run/number says so"]


def test_a_file_of_weight_zero_is_a_fault_unless_it_says_0_and_reverse_negates_it():
    tracked = tracker(track_files=[{"name": "number", "weight": 0}])
    tracked.update("file", "number", 1)
    assert list(tracked.faults()) == ["tracked file /run/number says so"]
    tracked.update("file", "number", 0)
    assert list(tracked.faults()) == []
    negated = tracker(track_files=[{"name": "number", "reverse": True}])
    negated.update("file", "number", 30)
    assert negated.priority() == 70


# -- sync groups -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tracking_weight", "expected"), [(False, 90), (True, 30)])
def test_a_member_has_its_group_s_weights_and_its_own_only_when_told(tracking_weight, expected):
    group = {"name": "G", "members": ["VI_1"], "tracking_weight": tracking_weight,
             "track_interfaces": [{"name": "eth1", "weight": -10}]}
    tracked = tracker(track_scripts=[{"name": "weighted"}, {"name": "chk"}], vrrp={"groups": [group]})
    for kind, name in (("script", "weighted"), ("interface", "eth1"), ("script", "chk")):
        tracked.update(kind, name, False)
    assert tracked.priority() == expected
    assert list(tracked.faults()) == ["script chk failed"]
