"""The picture of a made-up run: everything that it is to say is in it."""

import re

import picture
import pytest
from timeline import Change, Fact, Promise, Request, Scene, Timeline, WatchEvent


@pytest.fixture
def timeline():
    """Ten seconds: m1 is killed at 4 s, m2 takes over at 7 s."""
    run = Timeline(["m1", "m2", "m3"])
    run.zero = 50.0
    for node in run.nodes:
        run.changes += [Change(49, node, fact, true=True) for fact in (Fact.CABLE, Fact.PROGRAM, Fact.APISERVER)]
    run.changes += [Change(49, "m1", Fact.ADDRESS, true=True), Change(54, "m1", Fact.PROGRAM, true=False),
                    Change(57, "m2", Fact.ADDRESS, true=True)]
    for number in range(1000):
        begun = 50 + number / 100
        dead = 54 <= begun < 57
        run.requests.append(Request(begun, begun + 0.005, "" if dead else "m3", "", "refused" if dead else ""))
    run.watches = [WatchEvent(49, opened=True, number=1), WatchEvent(54, opened=False, number=1, reason="reset"),
                   WatchEvent(57.5, opened=True, number=1)]
    run.scenes = [Scene(1, "everything up", 50, 54, [Promise("a", kept=True)]),
                  Scene(2, "kill -9 of everything", 54, 60, [Promise("b", kept=False)])]
    return run


def words(timeline, tmp_path):
    """All text of the picture."""
    file = tmp_path / "run.svg"
    with picture.mpl.rc_context({"svg.fonttype": "none"}):  # text stays text, for this test to read
        picture.draw(timeline, "pyha: three masters", [file], 1)
    return re.findall(r"<text[^>]*>([^<]*)</text>", file.read_text())


def test_it_says_which_scenes_there_were_what_they_cost_and_whether_they_went_as_promised(timeline, tmp_path):
    text = words(timeline, tmp_path)
    for expected in ("pyha: three masters", "everything up", "kill -9 of everything", "3.01 s", "300", "yes", "NO"):
        assert expected in text


def test_it_has_units_and_a_legend_that_does_not_need_colour(timeline, tmp_path):
    text = words(timeline, tmp_path)
    for expected in ("seconds since the first scene began", "per 100 ms", "answered (up)", "failed (down)",
                     "has it and serves clients", "still has it, but is dead or cut off", "balancer down"):
        assert expected in text


def test_every_master_has_its_row(timeline, tmp_path):
    assert {"m1", "m2", "m3"} <= set(words(timeline, tmp_path))


def test_without_addresses_the_rows_of_masters_are_left_out(timeline, tmp_path):
    timeline.changes = [change for change in timeline.changes if change.fact is not Fact.ADDRESS]
    assert "Who has the virtual address" not in words(timeline, tmp_path)


def test_the_format_follows_from_the_name_and_directories_are_made(timeline, tmp_path):
    png = tmp_path / "deep" / "run.png"
    picture.draw(timeline, "pyha", [png], 1)
    assert png.read_bytes().startswith(b"\x89PNG")


def test_the_same_run_makes_the_same_svg(timeline, tmp_path):
    one, two = tmp_path / "one.svg", tmp_path / "two.svg"
    picture.draw(timeline, "pyha", [one, two], 1)
    assert one.read_text() == two.read_text()


def test_what_was_absent_at_the_end_is_absent_until_the_end(timeline):
    assert picture.absent(timeline, "m1", Fact.PROGRAM) == [(4.0, 10.0)]
    timeline.changes.append(Change(58, "m1", Fact.PROGRAM, true=True))
    assert picture.absent(timeline, "m1", Fact.PROGRAM) == [(4.0, 8.0)]
    assert picture.absent(timeline, "m2", Fact.PROGRAM) == []


def test_a_run_in_which_nothing_was_answered_can_be_drawn(timeline, tmp_path):
    timeline.requests, timeline.watches = [], []
    assert "10.00 s" not in words(timeline, tmp_path)
    assert "6.00 s" in words(timeline, tmp_path)
