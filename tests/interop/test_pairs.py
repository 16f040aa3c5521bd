"""pyha and another implementation as two routers of one address: everything that may happen to the stronger one."""

import pytest

from tests.interop import stories
from tests.interop.stage import Story

pytestmark = [pytest.mark.root, pytest.mark.peer, pytest.mark.timeout(300)]


def _pairs():
    """Both directions of each flavour, with each peer that speaks it."""
    flavours = {"keepalived": ("v2", "v2 PASS", "v2 AH", "v2 unicast", "v3", "v3 fast", "v3 10 ms", "v3 unicast",
                               "v3 IPv6", "v3 vmac", "v3 IPv6 vmac"),
                "frr": ("v2", "v3", "v3 IPv6")}
    for peer, names in flavours.items():
        for flavour in names:
            for kinds in (("pyha", peer), (peer, "pyha")):
                yield Story(f"{flavour}: {kinds[0]} over {kinds[1]}", flavour, kinds, stories.pair).param()


@pytest.fixture(params=_pairs())
def story(request):
    return request.param


def test_the_only_router_takes_the_address(told):
    told.reached("alone")


def test_a_higher_priority_preempts_and_the_lower_one_gives_way(told):
    told.reached("preempts")


def test_a_planned_stop_sends_priority_0_and_hands_over_within_the_skew_time(told):
    told.reached("stops")


def test_the_stronger_one_returns_and_gets_the_address_back(told):
    told.reached("returns")


def test_a_crash_is_noticed_and_the_address_taken_over(told):
    told.reached("crashes")


def test_after_a_crash_the_stronger_one_comes_back(told):
    told.reached("recovers")


def test_in_a_partition_each_side_has_the_address(told):
    told.reached("partition")


def test_when_the_partition_heals_the_weaker_one_gives_way(told):
    told.reached("heals")


def test_a_cut_cable_is_a_fault_and_the_other_one_takes_over(told):
    told.reached("cut")


def test_a_mended_cable_brings_the_address_back(told):
    told.reached("mended")
