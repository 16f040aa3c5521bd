"""Elections between pyha and others that depend on more than who is alive."""

from functools import partial

import pytest

from tests.interop import stories
from tests.interop.flavours import Setup, Synced
from tests.interop.stage import Story

pytestmark = [pytest.mark.root, pytest.mark.peer, pytest.mark.timeout(300)]
_PEERS = (("pyha", "keepalived"), ("keepalived", "pyha"), ("pyha", "frr"), ("frr", "pyha"))


def told_to(name, play, peers=_PEERS, **more):
    """The same story with each peer, and each in both parts."""
    return [Story(f"{name}: {first} and {second}", "v3", (first, second), play, **more).param()
            for first, second in peers]


class TestNopreempt:
    @pytest.fixture(params=told_to("nopreempt", stories.polite, preempt=False))
    def story(self, request):
        return request.param

    def test_the_stronger_one_does_not_take_the_address_from_a_living_router(self, told):
        told.reached("waits")

    def test_it_takes_over_when_that_one_goes(self, told):
        told.reached("takes over")

    def test_and_keeps_it(self, told):
        told.reached("keeps")


class TestEqualPriorities:
    @pytest.fixture(params=told_to("equal", stories.equals, priorities=(100, 100)))
    def story(self, request):
        return request.param

    def test_a_router_that_is_active_is_not_preempted_by_its_equal(self, told):
        told.reached("stays")

    def test_of_two_active_routers_the_one_with_the_higher_address_stays(self, told):
        told.reached("higher address")


class TestReload:
    @pytest.fixture(params=told_to("reload", stories.reprioritised))
    def story(self, request):
        return request.param

    def test_a_priority_raised_above_the_other_s_takes_the_address(self, told):
        told.reached("raised")

    def test_a_lowered_one_gives_it_back(self, told):
        told.reached("lowered")


class TestSyncGroup:
    @pytest.fixture(params=told_to("sync group", stories.synced, _PEERS[:2], setup=Synced))
    def story(self, request):
        return request.param

    def test_both_addresses_are_at_the_same_router(self, told):
        told.reached("together")

    def test_a_fault_of_one_moves_both(self, told):
        told.reached("follows")

    def test_its_end_brings_both_back(self, told):
        told.reached("returns")


class TestLease:
    @pytest.fixture(params=told_to("lease", stories.leased, _PEERS[:3:2], setup=partial(Setup, lease="2s")))
    def story(self, request):
        return request.param

    def test_no_process_survives_and_yet_the_address_is_at_one_router_only(self, told):
        told.reached("gone")
