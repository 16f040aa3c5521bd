from ipaddress import ip_address

import pytest

from pyha.config.vrrp_model import VirtualRouter as Settings
from pyha.vrrp.advertisement import Advertisement
from pyha.vrrp.effects import (
    AddAddresses,
    Announce,
    HeardLower,
    PriorityChanged,
    RemoveAddresses,
    Report,
    SendAdvertisement,
    State,
    StateChanged,
)
from pyha.vrrp.peer import Peer
from pyha.vrrp.router import VirtualRouter

OURS, LOWER, HIGHER = (ip_address(f"10.0.0.{number}") for number in (5, 1, 9))
VIP = ip_address("10.0.0.99")
INIT, BACKUP, ACTIVE, FAULT = State.INITIALIZE, State.BACKUP, State.ACTIVE, State.FAULT


def settings(**more: object) -> Settings:
    return Settings.model_validate({"name": "VI_1", "interface": "eth0", "vrid": 51, "version": 3, "priority": 100,
                                    "addresses": [{"interface": f"{VIP}/24"}], **more})


def router(**more: object) -> VirtualRouter:
    config = settings(**more)
    return VirtualRouter(config, source=OURS, effective_priority=config.priority)


def backup(**more: object) -> VirtualRouter:
    machine = router(**more)
    machine.startup(0.0)
    return machine


def active(**more: object) -> VirtualRouter:
    """Active since second 0."""
    machine = backup(**more)
    machine.expire(machine.deadline)
    machine.since = 0.0
    machine._next_advert = 1.0
    machine._announcing.begin(0.0)
    assert machine.state is ACTIVE
    return machine


def advert(priority: int, *, interval: int = 100, version: int = 3, addresses: tuple[object, ...] = (VIP,)):
    return Advertisement(version=version, vrid=51, priority=priority, interval=interval, addresses=addresses,
                         auth_data=bytes(8) if version == 2 else b"")


def without_reports(effects: list[object]) -> list[object]:
    return [effect for effect in effects if not isinstance(effect, Report)]


def takeover(reason: str = "Receive advertisement timeout", priority: int = 100) -> list[object]:
    return [SendAdvertisement(priority), AddAddresses(), Announce(5), StateChanged(BACKUP, ACTIVE, reason)]


# -- Initialize (RFC 9568 section 6.4.1) -------------------------------------------------------------------------------


def test_at_startup_it_becomes_backup_and_waits_for_active_down_interval():
    machine = router()
    assert (machine.state, machine.deadline, machine.reason) == (INIT, None, "not started")
    assert machine.startup(10.0) == [StateChanged(INIT, BACKUP, "startup")]
    assert machine.deadline == pytest.approx(10.0 + 3 + 156 / 256)
    assert machine.startup(11.0) == []


def test_the_owner_becomes_active_at_once():
    machine = router(priority=255)
    assert machine.startup(0.0) == [
        SendAdvertisement(255), AddAddresses(), Announce(5),
        StateChanged(INIT, ACTIVE, "it owns the addresses (priority 255)")]
    assert machine.deadline == 1.0


def test_before_startup_and_after_shutdown_nothing_happens():
    machine = router()
    assert machine.receive(advert(0), LOWER, 0.0) == machine.expire(99.0) == machine.shutdown(0.0) == []
    assert machine.recover(0.0) == machine.lost_address(0.0) == []
    assert machine.state is INIT


@pytest.mark.parametrize(("version", "advert_int", "priority", "expected"), [
    (2, 100, 100, 3 + 156 / 256),
    (2, 300, 100, 9 + 156 / 256),  # RFC 3768: the skew is a fraction of a second
    (3, 300, 100, 9 + 3 * 156 / 256),  # RFC 9568: of the interval
    (3, 1, 254, 0.03 + 0.01 * 2 / 256),
    (3, 100, 1, 3 + 255 / 256),
])
def test_the_active_down_interval_is_that_of_the_version(version, advert_int, priority, expected):
    machine = backup(version=version, advert_int=advert_int, priority=priority)
    assert machine.deadline == pytest.approx(expected)


def test_down_timer_adverts_says_how_many_may_be_lost():
    assert backup(down_timer_adverts=5).deadline == pytest.approx(5 + 156 / 256)


# -- Backup (section 6.4.2) --------------------------------------------------------------------------------------------


def test_after_the_silence_it_takes_over():
    machine = backup()
    assert machine.expire(machine.deadline - 0.001) == []
    assert machine.expire(machine.deadline) == takeover()
    assert machine.master == Peer(OURS, 100)
    assert machine.counters == {"became_master": 1, "sent": 1}


@pytest.mark.parametrize("priority", [100, 101, 255])
def test_an_advertisement_of_the_same_or_a_higher_priority_starts_the_silence_anew(priority):
    machine = backup()
    assert machine.receive(advert(priority), LOWER, 3.0) == []
    assert machine.deadline == pytest.approx(3.0 + 3 + 156 / 256)
    assert machine.master == Peer(LOWER, priority)


def test_a_lower_priority_is_not_heard():
    machine = backup()
    before = machine.deadline
    said = machine.receive(advert(99), HIGHER, 3.0)
    assert said == [Report("warning", "received lower priority (99) advert from 10.0.0.9 - discarding, ours is 100")]
    assert machine.receive(advert(99), HIGHER, 3.1) == []
    assert (machine.deadline, machine.master) == (before, None)


def test_with_nopreempt_a_lower_priority_is_heard():
    machine = backup(preempt=False)
    assert machine.receive(advert(1), LOWER, 3.0) == []
    assert machine.deadline == pytest.approx(6 + 156 / 256)


def test_preempt_delay_begins_with_the_first_lesser_router_and_then_comes_the_silence():
    machine = backup(preempt_delay=4000)
    for now in (1.0, 2.0, 3.0, 4.0):
        machine.receive(advert(50), LOWER, now)
    assert machine.deadline == pytest.approx(4 + 3 + 156 / 256)
    machine.receive(advert(50), LOWER, 5.0)
    assert machine.deadline == pytest.approx(4 + 3 + 156 / 256)


def test_a_better_router_ends_the_preempt_delay():
    machine = backup(preempt_delay=4000)
    machine.receive(advert(50), LOWER, 1.0)
    machine.receive(advert(150), HIGHER, 2.0)
    machine.receive(advert(50), LOWER, 5.5)
    assert machine.deadline == pytest.approx(5.5 + 3 + 156 / 256)


def test_priority_0_leaves_only_the_skew_time():
    machine = backup()
    said = machine.receive(advert(0), LOWER, 1.0)
    assert said == [Report("info", "Backup received priority 0 advertisement from 10.0.0.1")]
    assert machine.deadline == pytest.approx(1.0 + 156 / 256)
    assert machine.counters == {"received": 1, "priority_zero_received": 1}


def test_in_version_3_it_learns_the_interval_of_the_active_router_and_uses_its_own_when_active():
    machine = backup()
    assert machine.receive(advert(150, interval=10), LOWER, 1.0) == [
        Report("info", "advertisement interval updated from 1000ms to 100ms by 10.0.0.1")]
    assert machine.deadline == pytest.approx(1.0 + 0.3 + 0.1 * 156 / 256)
    machine.expire(machine.deadline)
    assert machine.deadline == pytest.approx(machine.since + 1.0)


def test_in_version_2_another_interval_is_not_heard():
    machine = backup(version=2)
    before = machine.deadline
    assert machine.receive(advert(150, version=2, interval=200), LOWER, 1.0) == [Report(
        "warning", "advertisement from 10.0.0.1 is not heard: advertisement interval 2 s, ours is 1 s")]
    assert (machine.counters, machine.deadline) == ({"interval": 1}, before)


def test_our_own_advertisement_that_comes_back_is_not_heard():
    machine = active()
    machine.receive(advert(255), OURS, 0.5)
    assert (machine.state, machine.counters["own"]) == (ACTIVE, 1)


def test_the_addresses_of_a_known_active_router_need_not_be_compared():
    strange = advert(150, addresses=(ip_address("10.0.0.77"),))
    machine = backup(skip_check_adv_addr=True)
    machine.receive(strange, LOWER, 1.0)
    assert machine.counters == {"addresses": 1}
    machine.receive(advert(150), LOWER, 1.0)
    machine.receive(strange, LOWER, 2.0)
    assert machine.deadline == pytest.approx(2 + 3 + 156 / 256)


# -- Active (section 6.4.3) --------------------------------------------------------------------------------------------


def test_it_advertises_every_interval_without_drift():
    machine = active()
    assert machine.expire(0.999) == []
    assert machine.expire(1.02) == [SendAdvertisement(100)]
    assert machine.deadline == 2.0
    assert machine.expire(3.5) == [SendAdvertisement(100)]
    assert machine.deadline == 4.5


def test_it_announces_again_after_five_seconds():
    machine = active()
    said = [effect for second in range(1, 8) for effect in machine.expire(float(second))]
    assert said == [SendAdvertisement(100)] * 5 + [Announce(5)] + [SendAdvertisement(100)] * 2


@pytest.mark.parametrize(("priority", "source", "reason"), [
    (101, LOWER, "higher priority 101 from 10.0.0.1"),
    (100, HIGHER, "the same priority 100 from the higher address 10.0.0.9"),
])
def test_it_yields_to_a_better_router(priority, source, reason):
    machine = active()
    assert machine.receive(advert(priority), source, 0.5) == [
        RemoveAddresses(), StateChanged(ACTIVE, BACKUP, reason)]
    assert machine.deadline == pytest.approx(0.5 + 3 + 156 / 256)
    assert machine.master == Peer(source, priority)


@pytest.mark.parametrize(("priority", "source"), [(99, HIGHER), (100, LOWER)])
def test_it_asserts_itself_against_a_lesser_one_and_announces_again_now_and_later(priority, source):
    machine = active(garp={"delay": 0})
    assert machine.receive(advert(priority), source, 0.5) == [
        Report("warning", f"Received advert from {source} with lower priority {priority}, ours 100, "
                          "forcing new election"),
        SendAdvertisement(100), Announce(5), HeardLower()]
    assert machine.deadline == 1.5
    assert Announce(5) in machine.expire(5.5 - 1) + machine.expire(5.5)


def test_the_answer_to_a_lesser_one_can_be_switched_off():
    machine = active(lower_prio_advert=False)
    assert SendAdvertisement(100) not in machine.receive(advert(50), LOWER, 0.5)


def test_a_last_advertisement_before_it_yields_can_be_switched_on():
    machine = active(higher_prio_advert=True)
    assert machine.receive(advert(150), LOWER, 0.5)[:2] == [SendAdvertisement(100), RemoveAddresses()]


def test_priority_0_is_answered_at_once():
    machine = active()
    assert machine.receive(advert(0), HIGHER, 0.5) == [SendAdvertisement(100)]
    assert machine.deadline == 1.5


def test_two_owners_are_settled_by_their_addresses():
    machine = router(priority=255)
    machine.startup(0.0)
    assert machine.receive(advert(254), HIGHER, 0.1)[-3:] == [SendAdvertisement(255), Announce(5), HeardLower()]
    machine.receive(advert(255), HIGHER, 0.2)
    assert machine.state is BACKUP
    machine.expire(machine.deadline)
    assert machine.state is ACTIVE


def test_an_owner_hears_nobody_when_told_so():
    machine = router(priority=255, owner_ignores_adverts=True)
    machine.startup(0.0)
    assert machine.receive(advert(255), HIGHER, 0.1) == []
    assert (machine.state, machine.counters["owner"]) == (ACTIVE, 1)


def test_without_an_address_of_its_own_it_yields_to_an_equal_one():
    machine = active()
    assert machine.set_source(None) == []
    assert machine.master is None
    machine.receive(advert(100), LOWER, 0.5)
    assert machine.state is BACKUP


@pytest.mark.parametrize("reason", ["ttl", "checksum"])
def test_what_cannot_be_read_changes_a_counter_and_is_told_once(reason):
    machine = active()
    assert len(machine.reject(reason, "it is garbage", LOWER, 0.5)) == 1
    assert machine.reject(reason, "it is garbage", LOWER, 0.6) == []
    assert (machine.counters[reason], machine.state, machine.deadline) == (2, ACTIVE, 1.0)


# -- shutdown and faults -----------------------------------------------------------------------------------------------


def test_an_active_router_says_goodbye_before_it_lets_go():
    assert active().shutdown(0.5) == [
        SendAdvertisement(0), RemoveAddresses(), StateChanged(ACTIVE, INIT, "shutdown")]


def test_a_backup_leaves_without_a_word():
    machine = backup()
    assert machine.shutdown(0.5) == [StateChanged(BACKUP, INIT, "shutdown")]
    assert machine.deadline is None


def test_a_fault_lets_go_and_recovery_waits_like_a_start():
    machine = active()
    assert machine.fault("eth0 is down", 0.5) == [
        SendAdvertisement(0), RemoveAddresses(), StateChanged(ACTIVE, FAULT, "eth0 is down")]
    assert (machine.deadline, machine.counters["priority_zero_sent"]) == (None, 1)
    assert machine.fault("eth0 is gone", 0.6) == []
    assert machine.reason == "eth0 is gone"
    assert machine.receive(advert(0), LOWER, 0.7) == machine.expire(9.0) == []
    assert machine.recover(1.0) == [StateChanged(FAULT, BACKUP, "recovered")]
    assert machine.deadline == pytest.approx(1.0 + 3 + 156 / 256)


def test_a_backup_s_fault_sends_nothing():
    assert backup().fault("no", 0.5) == [StateChanged(BACKUP, FAULT, "no")]


def test_a_recovered_owner_is_active_at_once():
    machine = router(priority=255)
    machine.fault("no", 0.0)
    assert machine.recover(1.0)[-1] == StateChanged(FAULT, ACTIVE, "it owns the addresses (priority 255)")


# -- sleep (a process that was not scheduled) --------------------------------------------------------------------------


def test_a_backup_that_overslept_listens_once_more_and_then_takes_over():
    machine = backup()
    late = machine.deadline + 1.5
    assert machine.expire(late) == [
        Report("warning", "woken 1.500 s late: listening once more before taking over")]
    assert machine.deadline == pytest.approx(late + 1 + 156 / 256)
    assert machine.expire(machine.deadline + 50) == takeover()


def test_an_active_router_that_overslept_steps_down_for_the_time_in_which_a_successor_is_heard():
    machine = active()
    assert machine.expire(4.5) == [RemoveAddresses(), StateChanged(
        ACTIVE, BACKUP, "woken 3.500 s late, others may have given this router up")]
    assert machine.deadline == pytest.approx(4.5 + 1 + 156 / 256)
    assert machine.expire(machine.deadline) == takeover()


@pytest.mark.parametrize("priority", [50, 150])
def test_an_active_router_that_overslept_follows_its_successor_instead_of_answering_it(priority):
    machine = active()
    effects = machine.receive(advert(priority), LOWER, 3.5)
    assert effects[:2] == [RemoveAddresses(), StateChanged(
        ACTIVE, BACKUP, "woken 2.500 s late, others may have given this router up")]
    assert not any(isinstance(effect, SendAdvertisement) for effect in effects)


def test_an_active_router_that_is_only_a_little_late_goes_on():
    machine = active()
    assert SendAdvertisement(100) in machine.receive(advert(50), LOWER, 2.9)
    assert machine.state is ACTIVE


# -- changes on this node ----------------------------------------------------------------------------------------------


def test_a_changed_priority_moves_a_running_silence_by_the_difference_in_skew():
    machine = backup()
    assert machine.set_priority(100, 0.5) == []
    assert machine.set_priority(164, 0.5) == [
        Report("info", "Changing effective priority from 100 to 164"), PriorityChanged()]
    assert machine.deadline == pytest.approx(3 + 92 / 256)
    machine.receive(advert(0), LOWER, 1.0)
    machine.set_priority(254, 1.3)
    assert machine.deadline == 1.3


def test_a_changed_priority_of_an_active_router_is_in_its_next_advertisement():
    machine = active()
    machine.set_priority(40, 0.5)
    assert machine.expire(1.0) == [SendAdvertisement(40)]
    assert machine.master == Peer(OURS, 40)


def test_an_address_that_somebody_removed_is_put_back_and_announced():
    machine = active()
    assert machine.lost_address(0.5) == [
        Report("warning", "somebody removed a virtual address: it is put back"), AddAddresses(), Announce(5)]
    assert machine.lost_address(0.6) == [AddAddresses(), Announce(5)]
    assert backup().lost_address(0.5) == []


def test_its_source_is_reported_as_the_active_router_s_address():
    machine = active()
    machine.set_source(HIGHER)
    assert machine.master == Peer(HIGHER, 100)
    waiting = backup()
    waiting.set_source(HIGHER)
    assert waiting.master is None


def test_a_reconfigured_active_router_stays_active_and_announces_what_is_new():
    machine = active()
    effects = machine.reconfigure(settings(advert_int=50, priority=120), 120, 0.3)
    assert without_reports(effects) == [PriorityChanged(), AddAddresses(), SendAdvertisement(120), Announce(5)]
    assert (machine.state, machine.deadline) == (ACTIVE, 0.8)


def test_a_reconfigured_backup_waits_on_unless_the_waiting_itself_changed():
    machine = backup()
    before = machine.deadline
    assert machine.reconfigure(settings(preempt=False), 100, 1.0) == []
    assert machine.deadline == before
    machine.reconfigure(settings(advert_int=200), 100, 1.0)
    assert machine.deadline == pytest.approx(1 + 6 + 2 * 156 / 256)


def test_a_reconfigured_router_in_fault_stays_there():
    machine = router()
    machine.fault("no", 0.0)
    assert machine.reconfigure(settings(advert_int=200), 100, 1.0) == []
    assert (machine.state, machine.deadline) == (FAULT, None)


# -- in a sync group (test_group.py has the whole) ---------------------------------------------------------------------


def test_a_member_of_a_group_waits_to_be_asked():
    machine = backup()
    machine.grouped = True
    due = machine.deadline
    assert machine.expire(due) == []
    assert (machine.wants_active, machine.state) == (True, BACKUP)
    assert machine.deadline == pytest.approx(due + 3 + 156 / 256)
    assert machine.elect("asked", due) == takeover("asked")
    assert machine.elect("asked", due) == []


def test_an_owner_in_a_group_wants_to_be_active_from_the_start():
    machine = router(priority=255)
    machine.grouped = True
    assert machine.startup(0.0) == [StateChanged(INIT, BACKUP, "startup")]
    assert machine.wants_active


def test_hearing_a_better_router_takes_the_wish_away():
    machine = backup()
    machine.grouped = True
    machine.expire(machine.deadline)
    machine.receive(advert(150), LOWER, machine.deadline)
    assert not machine.wants_active


def test_a_member_that_steps_down_tells_its_peers():
    assert active().step_down("together", 0.5) == [
        SendAdvertisement(0), RemoveAddresses(), StateChanged(ACTIVE, BACKUP, "together")]
    assert backup().step_down("together", 0.5) == []
