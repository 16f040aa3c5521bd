from ipaddress import ip_address
from random import Random

import pytest

from pyha.config.vrrp_model import SyncGroup
from pyha.config.vrrp_model import VirtualRouter as Settings
from pyha.vrrp.advertisement import Advertisement
from pyha.vrrp.effects import Effect, State
from pyha.vrrp.group import Group
from pyha.vrrp.router import VirtualRouter
from tests.sim.network import Network


class Pair:
    """A group of two, OUT and IN."""

    def __init__(self, **more: object) -> None:
        self.members = {}
        for number, name in enumerate(("OUT", "IN")):
            config = Settings.model_validate({
                "name": name, "interface": f"eth{number}", "vrid": 51 + number, "version": 3, "priority": 100,
                "addresses": [{"interface": f"10.{number}.0.99/24"}], **more})
            self.members[name] = VirtualRouter(config, source=ip_address(f"10.{number}.0.5"),
                                               effective_priority=config.priority)
        self.group = Group(SyncGroup(name="G", members=("OUT", "IN")), self.members)
        for member in self.members.values():
            member.startup(0.0)
        self.settle()

    def settle(self, now: float = 0.0) -> list[tuple[str, list[Effect]]]:
        return self.group.settle(now)

    def expire(self, name: str) -> float:
        member = self.members[name]
        now = member.deadline
        member.expire(now)
        return now

    def hear(self, name: str, priority: int, now: float) -> None:
        member = self.members[name]
        vip = member.config.addresses[0].interface.ip
        member.receive(Advertisement(3, member.config.vrid, priority, 100, (vip,)), vip - 98, now)

    @property
    def states(self) -> list[State]:
        return [member.state for member in self.members.values()]

    def become_active(self) -> float:
        now = max(self.expire("OUT"), self.expire("IN"))
        self.settle(now)
        assert self.states == [State.ACTIVE, State.ACTIVE]
        return now


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_they_take_over_when_the_silence_of_all_has_ended(pair):
    now = pair.expire("OUT")
    assert pair.settle(now) == []
    assert pair.states == [State.BACKUP, State.BACKUP]
    now = pair.expire("IN")
    steps = pair.settle(now)
    assert [name for name, _effects in steps] == ["OUT", "IN"]
    assert pair.states == [State.ACTIVE, State.ACTIVE]
    assert pair.members["OUT"].reason == "all of sync group G may take over"
    assert pair.settle(now) == []
    assert pair.group.state is State.ACTIVE


def test_while_one_hears_a_better_router_nobody_takes_over(pair):
    now = pair.expire("OUT")
    pair.hear("IN", 150, now)
    assert pair.settle(now) == []
    assert pair.group.state is State.BACKUP


def test_when_one_yields_all_do(pair):
    now = pair.become_active()
    pair.hear("IN", 150, now)
    assert [name for name, _effects in pair.settle(now)] == ["OUT"]
    assert pair.states == [State.BACKUP, State.BACKUP]
    assert pair.members["OUT"].reason == "IN of sync group G yielded"
    assert pair.settle(now) == []


def test_what_is_in_the_way_of_one_is_in_the_way_of_all(pair):
    pair.group.looked("OUT", "eth0 is down")
    pair.group.looked("IN", "")
    assert pair.group.obstacle("IN") == "OUT of sync group G: eth0 is down"
    assert pair.group.obstacle("OUT") == ""
    pair.group.looked("OUT", "")
    assert pair.group.obstacle("IN") == ""


def test_a_fault_of_one_is_not_answered_by_elections(pair):
    now = pair.become_active()
    pair.members["OUT"].fault("eth0 is down", now)
    assert pair.settle(now) == []
    assert pair.group.state is State.FAULT


def test_owners_are_active_at_once():
    pair = Pair(priority=255)
    assert pair.states == [State.ACTIVE, State.ACTIVE]


def test_a_member_that_joins_an_active_group_does_not_pull_it_down(pair):
    now = pair.become_active()
    newcomer = VirtualRouter(pair.members["OUT"].config, source=ip_address("10.0.0.6"), effective_priority=100)
    newcomer.startup(now)
    group = Group(SyncGroup(name="G", members=("OUT", "IN", "NEW")), {**pair.members, "NEW": newcomer})
    assert group.settle(now) == []
    newcomer.expire(newcomer.deadline)
    assert [name for name, _effects in group.settle(now + 5)] == ["NEW"]
    assert newcomer.state is State.ACTIVE


def test_before_all_have_started_the_group_is_in_its_initial_state(pair):
    group = Group(SyncGroup(name="G", members=("X",)), {
        "X": VirtualRouter(pair.members["OUT"].config, source=None, effective_priority=100)})
    assert group.state is State.INITIALIZE
    assert group.settle(0.0) == []


def test_two_nodes_that_rank_differently_end_with_one_holder():
    """Each is better on one segment: yielding to each other, both would take over again at once, for ever."""
    network = Network(Random(1))
    for name, priorities in (("a", (150, 100)), ("b", (100, 150))):
        network.add(name, *(Settings.model_validate({
            "name": f"VI_{segment}", "interface": f"eth{segment}", "vrid": 51 + segment, "version": 3,
            "priority": priority, "addresses": [{"interface": f"10.{segment}.0.99/24"}]})
            for segment, priority in enumerate(priorities)), group=True)
    one, two = network.nodes
    network.cut = {(1, 2, 0), (2, 1, 0), (1, 2, 1), (2, 1, 1)}
    network.start(one)
    network.start(two)
    network.run(10.0)
    assert network.active(0) == network.active(1) == [one, two]
    network.cut.clear()
    network.run(20.0)
    for at in range(21, 60):
        assert network.active(0) == network.active(1) == [one]
        network.run(float(at))
