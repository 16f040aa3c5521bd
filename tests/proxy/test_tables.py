"""Tables: keys, expiry, room, and several workers that count together."""

import pytest

from pyha.proxy.tables import TableState
from pyha.proxy.visit import number_of
from tests.proxy.rules_lab import table, visit

FOUR, SIX = number_of("192.0.2.1"), number_of("2001:db8::1")


@pytest.mark.parametrize(("kind", "value", "key"), [
    ("ip", FOUR, FOUR), ("ip", SIX, None), ("ipv6", SIX, SIX), ("ipv6", FOUR, FOUR), ("integer", 5, 5),
    ("integer", "5", None), ("string", "abcdef", "abcd"), ("string", 5, None)])
def test_what_can_be_a_key(kind, value, key):
    assert table(kind=kind, length=4).key(value) == key
    entry = table(kind=kind, length=4).get(value, 0.0)
    assert (entry and entry.key) == key


def test_an_entry_expires_when_it_was_not_used():
    here = table(expire=1000)
    entry = here.get(FOUR, 10.0)
    assert here.find(FOUR, 11.0) is entry
    assert here.find(FOUR, 11.1) is None
    assert here.get(FOUR, 11.1) is not entry


def test_an_entry_that_is_tracked_does_not():
    here = table(expire=1000)
    entry = here.get(FOUR, 10.0)
    entry.tracked = 1
    assert here.find(FOUR, 20.0) is entry
    here.tidy(20.0)
    assert here.get(FOUR, 20.0) is entry


def test_tidy_forgets_what_has_expired():
    here = table(expire=1000)
    here.get(FOUR, 10.0)
    here.get(FOUR + 1, 10.8)
    here.tidy(11.5)
    assert list(here.entries) == [FOUR + 1]
    forever = table()
    forever.get(FOUR, 0.0)
    forever.tidy(1e9)
    assert forever.entries


def test_a_full_table_forgets_what_was_not_used_for_longest():
    here = table(size=2)
    for number in (1, 2, 1, 3):
        here.get(FOUR + number, float(number))
    assert list(here.entries) == [FOUR + 1, FOUR + 3]


def test_or_first_what_has_expired():
    here = table(size=1, expire=1000)
    here.get(FOUR, 0.0)
    assert here.get(FOUR + 1, 5.0) is not None


def test_or_nothing():
    here = table(size=1, nopurge=True)
    here.get(FOUR, 0.0)
    assert here.get(FOUR + 1, 1.0) is None
    here = table(size=1)
    here.get(FOUR, 0.0).tracked = 1
    assert here.get(FOUR + 1, 1.0) is None


def test_only_what_is_stored_is_counted():
    entry = table(store=("conn_cur",)).get(FOUR, 0.0)
    entry.add("conn_cnt", 0.0)
    entry.add("conn_cur", 0.0)
    entry.add("conn_cur", 0.0, -5)
    assert (entry.count("conn_cnt"), entry.count("conn_cur"), entry.rate("conn_cnt", 0.0)) == (0, 0, 0)


def test_other_keys_are_forgotten_when_the_kind_changes():
    here = table(kind="ip")
    here.get(FOUR, 0.0)
    here.configure(here.config)
    assert here.entries
    here.configure(here.config.model_copy(update={"kind": "string"}))
    assert not here.entries


def workers(count=2, **options):
    found = [table(store=("conn_cur", "conn_rate", "gpc0"), rates=(("conn_rate", 10_000),), **options)
             for _ in range(count)]
    for one in found:
        one.shared = True
    return found


def exchange(one, number, *others, now=0.0):
    changes, stuck = one.changes()
    for other in others:
        other.learn(number, changes, stuck, now)


def test_workers_count_together():
    here, there = workers()
    for _ in range(3):
        entry = here.get(FOUR, 0.0)
        for counter in ("conn_cnt", "conn_cur", "gpc0"):
            entry.add(counter, 0.0)
    exchange(here, 0, there)
    known = there.find(FOUR, 0.0)
    assert (known.count("conn_cur"), known.rate("conn_cnt", 0.0), known.count("gpc0")) == (3, 3, 3)
    assert there.changes() == ([], [])
    entry.add("conn_cur", 1.0, -1)
    entry.add("gpc0", 1.0, -3)
    exchange(here, 0, there, now=1.0)
    assert (known.count("conn_cur"), known.count("gpc0")) == (2, 0)


def test_what_cancels_out_is_not_told():
    here, _ = workers()
    entry = here.get(FOUR, 0.0)
    entry.add("conn_cur", 0.0)
    entry.add("conn_cur", 0.0, -1)
    assert here.changes() == ([], [])


def test_a_key_sticks_for_all_workers():
    here, there = workers()
    here.stick(here.get(FOUR, 0.0), "s1")
    here.stick(here.get(FOUR, 0.0), "s1")
    exchange(here, 0, there)
    assert there.find(FOUR, 0.0).server == "s1"
    alone = table()
    alone.stick(alone.get(FOUR, 0.0), "s1")
    assert alone.changes() == ([], [])


def test_the_connections_of_a_worker_that_died_are_gone():
    here, there = workers()
    here.get(FOUR, 0.0).add("conn_cur", 0.0, 2)
    there.get(FOUR, 0.0).add("conn_cur", 0.0)
    exchange(here, 0, there)
    assert there.find(FOUR, 0.0).count("conn_cur") == 3
    there.forget(0, 1.0)
    there.forget(0, 1.0)
    assert there.find(FOUR, 0.0).count("conn_cur") == 1


def test_nothing_is_taken_away_twice():
    here, there = workers()
    entry = here.get(FOUR, 0.0)
    entry.add("conn_cur", 0.0)
    exchange(here, 0, there)
    entry.add("conn_cur", 0.0, -1)
    exchange(here, 0, there)
    there.get(FOUR, 0.0).add("conn_cur", 0.0)
    there.forget(0, 1.0)
    assert there.find(FOUR, 0.0).count("conn_cur") == 1


def test_a_full_table_learns_nothing():
    here, there = workers(size=1, nopurge=True)
    there.get(FOUR + 1, 0.0)
    here.get(FOUR, 0.0).add("conn_cur", 0.0)
    here.stick(here.get(FOUR, 0.0), "s1")
    exchange(here, 0, there)
    assert list(there.entries) == [FOUR + 1]
    there.forget(0, 0.0)


def test_a_visit_counts_and_leaves():
    here = TableState(table(store=("conn_cur", "bytes_in_cnt", "bytes_out_cnt")).config)
    client = visit()
    entry = here.get(client.source, 0.0)
    client.track(1, entry)
    assert (entry.count("conn_cur"), entry.tracked) == (1, 1)
    client.leave(1.0, 100, 200)
    assert (entry.count("conn_cur"), entry.tracked, entry.count("bytes_in_cnt"), entry.count("bytes_out_cnt")) == (
        0, 0, 100, 200)
