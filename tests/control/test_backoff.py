from pyha.control.backoff import Backoff


def test_the_first_death_is_followed_by_a_start_at_once():
    backoff = Backoff()
    backoff.started(0.0)
    assert backoff.died(1.0) == 0.0


def test_delays_double_up_to_ten_seconds_while_it_keeps_dying_young():
    backoff, now, delays = Backoff(), 0.0, []
    for _ in range(11):
        backoff.started(now)
        delays.append(backoff.died(now + 1))
        now += 1 + delays[-1]
    assert delays == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]


def test_a_long_life_is_forgiven():
    backoff = Backoff()
    for now in (0.0, 1.0, 2.0):
        backoff.started(now)
        backoff.died(now + 0.5)
    backoff.started(10.0)
    assert backoff.died(40.0) == 0.0
