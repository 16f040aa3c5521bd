"""Figures of made-up runs, small enough to count by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from timeline import Change, Fact, Holding, Promise, Request, Scene, Timeline, WatchEvent


def request(started, ended=None, node="m1", via="m1", error=""):
    return Request(started, started + 0.01 if ended is None else ended, node, via, error)


def steady(start, end, **fields):
    """A request every 10 ms, answered 5 ms later."""
    return [request(start + number / 100, start + number / 100 + 0.005, **fields)
            for number in range(round((end - start) * 100))]


@pytest.fixture
def timeline():
    return Timeline(["m1", "m2", "m3"])


def facts(timeline, node, *, since=0.0, address=False):
    timeline.changes += [Change(since, node, Fact.CABLE, true=True), Change(since, node, Fact.PROGRAM, true=True)]
    if address:
        timeline.changes.append(Change(since, node, Fact.ADDRESS, true=True))


def test_a_gap_lasts_from_the_last_answer_before_to_the_first_answer_after(timeline):
    timeline.requests = [*steady(0, 2), *(request(t, error="refused") for t in (2.0, 3.0, 4.0)), *steady(5, 6)]
    assert timeline.gap(0, 6) == pytest.approx((1.995, 5.005))
    assert timeline.longest_gap(0, 6) == pytest.approx(3.01)


def test_a_gap_is_cut_at_the_edges_of_its_scene(timeline):
    timeline.requests = [*steady(0, 2), *steady(5, 6)]
    assert timeline.longest_gap(0, 4) == pytest.approx(2.005)
    assert timeline.longest_gap(4, 6) == pytest.approx(1.005)


def test_failures_do_not_shorten_a_gap(timeline):
    timeline.requests = [request(0.0), *(request(t / 10, error="reset") for t in range(1, 50)), request(5.0)]
    assert timeline.longest_gap(0, 5.01) == pytest.approx(5.0)


def test_without_any_request_the_whole_time_is_a_gap(timeline):
    assert timeline.longest_gap(1, 4) == 3


def test_before_the_first_request_nobody_asked(timeline):
    timeline.requests = steady(3, 4)
    assert timeline.longest_gap(0, 4) == pytest.approx(0.01, abs=0.005)


@given(st.lists(st.floats(0, 100), max_size=30), st.floats(0, 50), st.floats(50, 100))
def test_a_gap_never_contains_an_answer_and_lies_in_its_scene(moments, start, end):
    timeline = Timeline(["m1"])
    timeline.requests = [Request(moment, moment, "m1", "m1", "") for moment in sorted(moments)]
    first, last = timeline.gap(start, end)
    assert start <= first <= last <= end
    assert not any(first < moment < last for moment in moments)


def test_a_request_belongs_to_the_scene_in_which_it_ended(timeline):
    timeline.requests = [request(0.9, 1.9, error="timeout"), request(1.0), request(2.5)]
    figures = timeline.figures(1, 2)
    assert (figures.answered, figures.failed, figures.errors) == (1, 1, {"timeout": 1})


def test_answers_are_counted_by_who_answered_and_by_who_carried_them(timeline):
    timeline.requests = [request(1.0, node="m1", via="m2"), request(1.1, node="m3", via="m2"),
                         request(1.2, error="tls")]
    assert timeline.answered_by(0, 2) == {"m1": 1, "m3": 1}
    assert timeline.carried_by(0, 2) == {"m2": 2}


def test_lost_watches_are_counted_by_reason_and_opened_ones_are_not(timeline):
    timeline.watches = [
        WatchEvent(0.5, opened=True, number=1), WatchEvent(1.5, opened=False, number=1, reason="silent"),
        WatchEvent(1.7, opened=True, number=1), WatchEvent(2.5, opened=False, number=1, reason="reset"),
    ]
    assert timeline.figures(1, 2).watches_lost == {"silent": 1}
    assert timeline.watches_open() == [(0.5, 1), (1.5, 0), (1.7, 1), (2.5, 0)]


def test_the_pace_is_requests_begun_a_second(timeline):
    timeline.requests = steady(0, 2)
    assert timeline.pace(0, 2) == pytest.approx(100)
    assert timeline.pace(1, 1) == 0


def test_a_killed_holder_keeps_the_address_but_does_not_serve(timeline):
    facts(timeline, "m1", address=True)
    facts(timeline, "m2")
    timeline.changes += [Change(10, "m1", Fact.PROGRAM, true=False), Change(13.5, "m2", Fact.ADDRESS, true=True)]
    assert timeline.serving() == ["m2"]
    assert timeline.holdings(20) == [
        Holding("m1", 0.0, 10, serving=True), Holding("m1", 10, 20, serving=False),
        Holding("m2", 13.5, 20, serving=True),
    ]


def test_on_both_sides_of_a_cut_there_is_a_holder_and_one_serves(timeline):
    facts(timeline, "m1", address=True)
    facts(timeline, "m2")
    timeline.changes += [Change(5, "m1", Fact.CABLE, true=False), Change(8, "m2", Fact.ADDRESS, true=True)]
    assert timeline.serving() == ["m2"]
    timeline.changes += [Change(9, "m1", Fact.CABLE, true=True)]
    assert timeline.serving() == ["m1", "m2"]


def test_an_address_that_comes_and_goes_makes_one_holding_each_time(timeline):
    facts(timeline, "m3")
    timeline.changes += [Change(moment, "m3", Fact.ADDRESS, true=there)
                         for moment, there in ((1, True), (2, False), (3, True), (4, False))]
    assert [(holding.start, holding.end) for holding in timeline.holdings(9)] == [(1, 2), (3, 4)]


def test_an_apiserver_has_no_part_in_holding_the_address(timeline):
    facts(timeline, "m1", address=True)
    timeline.changes.append(Change(3, "m1", Fact.APISERVER, true=False))
    assert timeline.holdings(5) == [Holding("m1", 0.0, 5, serving=True)]


def test_a_scene_is_as_promised_only_if_every_promise_was_kept():
    assert Scene(1, "s", 0, 1, [Promise("a", kept=True)]).kept
    assert not Scene(1, "s", 0, 1, [Promise("a", kept=True), Promise("b", kept=False)]).kept


def test_the_run_ends_with_its_last_scene(timeline):
    timeline.zero = 4
    assert timeline.end == 4
    timeline.scenes = [Scene(1, "s", 4, 6), Scene(2, "t", 6, 9)]
    assert timeline.end == 9
