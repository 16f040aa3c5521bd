from pyha.config.vrrp_model import Garp
from pyha.vrrp.announcing import Announcing
from pyha.vrrp.effects import Announce


def spoken(announcing: Announcing, until: float) -> list[tuple[float, int]]:
    """What it says when it is called at its deadlines: (time, repeat)."""
    said = []
    while (deadline := announcing.deadline) is not None and deadline <= until:
        said += [(deadline, announce.repeat) for announce in announcing.due(deadline)]
    return said


def test_keepalived_s_default_is_five_now_and_five_after_five_seconds():
    announcing = Announcing(Garp(refresh=0))
    assert announcing.deadline is None
    assert announcing.begin(10.0) == [Announce(5)]
    assert spoken(announcing, 1000.0) == [(15.0, 5)]


def test_a_refresh_goes_on_for_ever():
    announcing = Announcing(Garp(delay=0, refresh=60_000, refresh_repeat=2))
    announcing.begin(0.0)
    assert spoken(announcing, 200.0) == [(60.0, 2), (120.0, 2), (180.0, 2)]


def test_early_calls_say_nothing():
    announcing = Announcing(Garp(refresh=60_000))
    announcing.begin(0.0)
    announcing.conflict(0.0)
    assert announcing.due(4.9) == []


def test_a_conflict_is_answered_now_and_later_however_often_it_is_seen():
    announcing = Announcing(Garp(lower_prio_repeat=3, lower_prio_delay=2000))
    assert announcing.conflict(0.0) == [Announce(3)]
    assert announcing.conflict(1.0) == [Announce(3)]
    assert spoken(announcing, 100.0) == [(2.0, 3)]


def test_what_is_due_at_the_same_time_is_one_burst_of_the_longest():
    announcing = Announcing(Garp(repeat=2, delay=5000, lower_prio_repeat=7, refresh=5000))
    announcing.begin(0.0)
    announcing.conflict(0.0)
    assert announcing.due(5.0) == [Announce(7)]


def test_zero_means_none():
    announcing = Announcing(Garp(repeat=0, delay=0, lower_prio_repeat=0, refresh=0))
    assert announcing.begin(0.0) == announcing.conflict(0.0) == announcing.due(100.0) == []
    assert announcing.deadline is None
    announcing.reconfigure(Garp(lower_prio_delay=0, refresh=0))
    assert announcing.conflict(0.0) == [Announce(5)]
    assert announcing.deadline is None


def test_nothing_is_said_after_the_end():
    announcing = Announcing(Garp(refresh=1000))
    announcing.begin(0.0)
    announcing.conflict(0.0)
    announcing.end()
    assert announcing.deadline is None
    assert announcing.due(100.0) == []
