import pytest

from pyha.config.model import Backend, Check
from pyha.health.schedule import Timeouts, first_offsets, interval, timeouts


@pytest.mark.parametrize(("backend", "expected"), [
    ({}, Timeouts(2.0, None)),
    ({"timeout_connect": 500}, Timeouts(2.0, None)),  # the whole check has `inter`
    ({"timeout_check": 700}, Timeouts(2.0, 0.7)),
    ({"timeout_check": 700, "timeout_connect": 500}, Timeouts(0.5, 0.7)),
    ({"timeout_check": 700, "timeout_connect": 5000}, Timeouts(2.0, 0.7)),
])
def test_a_check_may_take_inter_or_what_timeout_check_adds_to_connecting(backend, expected):
    assert timeouts(Check(inter=2000), Backend(name="be", **backend)) == expected


@pytest.mark.parametrize(("health", "expected"), [(0, 3), (1, 2), (2, 2), (3, 2), (4, 1)])
def test_intervals_of_a_server_that_is_down_on_its_way_and_up(health, expected):
    assert interval(Check(inter=1, fastinter=2, downinter=3, rise=2, fall=3), health) == expected


@pytest.mark.parametrize("health", range(5))
def test_without_fastinter_and_downinter_it_is_always_inter(health):
    assert interval(Check(inter=7, rise=2, fall=3), health) == 7


def test_the_first_checks_are_spread_over_one_round():
    assert first_offsets([Check(inter=2000)] * 4) == [0.0, 0.5, 1.0, 1.5]


def test_a_round_is_at_least_the_shortest_interval_of_a_second_or_more():
    assert first_offsets([Check(inter=100), Check(inter=3000)]) == [0.0, 1.5]
    assert first_offsets([Check(inter=100), Check(inter=100)]) == [0.0, 0.05]


def test_nobody_to_check_is_no_schedule():
    assert first_offsets([]) == []
