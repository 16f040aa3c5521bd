"""pyha, keepalived and FRR on one segment: three opinions about the same election."""

import itertools

import pytest

from tests.interop import stories
from tests.interop.stage import Story

pytestmark = [pytest.mark.root, pytest.mark.peer, pytest.mark.timeout(300)]

_RANKINGS = [Story(f"{flavour}: {' over '.join(kinds)}", flavour, kinds, stories.three, (200, 150, 100)).param()
             for flavour in ("v3", "v3 IPv6")
             for kinds in itertools.permutations(("pyha", "keepalived", "frr"))
             if flavour == "v3" or kinds[1] == "pyha"]


@pytest.fixture(params=_RANKINGS)
def story(request):
    return request.param


def test_the_strongest_has_the_address(told):
    told.reached("strongest")


def test_the_second_follows_a_crash(told):
    told.reached("second")


def test_the_third_follows_a_planned_stop(told):
    told.reached("third")


def test_everybody_returns_in_order(told):
    told.reached("all back")


def test_three_active_routers_that_meet_again_agree_on_the_strongest(told):
    told.reached("reunited")
