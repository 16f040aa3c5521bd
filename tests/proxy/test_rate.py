"""Rates in virtual time."""

import pytest

from pyha.proxy.rate import Rate


def test_what_happened_within_the_period_counts():
    rate = Rate(10.0)
    for now in (100.0, 101.0, 102.0):
        rate.add(now)
    assert rate.read(103.0) == 3


def test_the_last_period_slides_out():
    rate = Rate(10.0)
    rate.add(100.0, 10)
    rate.add(110.0, 1)
    assert rate.read(110.0) == 11
    assert rate.read(115.0) == 6
    assert rate.read(119.9) == 1
    assert rate.read(125.0) == 0


def test_after_a_long_silence_nothing_is_left():
    rate = Rate(1.0)
    rate.add(5.0, 100)
    assert rate.read(7.0) == 0
    assert rate.read(1000.0) == 0


@pytest.mark.parametrize("count", [1, 3, 7])
def test_a_steady_rate_is_read_as_what_it_is(count):
    rate = Rate(1.0)
    for step in range(50):
        rate.add(10 + step / 10, count)
    assert rate.read(14.95) == pytest.approx(10 * count, abs=count)
