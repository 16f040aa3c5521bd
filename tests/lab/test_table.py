"""Tables and the report, character by character where it matters."""

import table
from timeline import Change, Fact, Promise, Request, Scene, Timeline, WatchEvent


def run():
    """Ten seconds: two scenes, the holder m1 dies at 5 s, m2 takes over at 8 s."""
    timeline = Timeline(["m1", "m2"])
    timeline.zero = 100.0
    for node in timeline.nodes:
        timeline.changes += [Change(99, node, Fact.CABLE, true=True), Change(99, node, Fact.PROGRAM, true=True)]
    timeline.changes += [Change(99, "m1", Fact.ADDRESS, true=True), Change(105, "m1", Fact.PROGRAM, true=False),
                         Change(108, "m2", Fact.ADDRESS, true=True)]
    for number in range(1000):
        begun = 100 + number / 100
        dead = 105 <= begun < 108
        timeline.requests.append(Request(begun, begun + 0.006, "" if dead else "m1", "", "refused" if dead else ""))
    timeline.watches = [WatchEvent(99, opened=True, number=1), WatchEvent(105, opened=False, number=1, reason="reset"),
                        WatchEvent(108.2, opened=True, number=1)]
    timeline.scenes = [Scene(1, "everything up", 100, 105, [Promise("one holder", kept=True)]),
                       Scene(2, "kill -9", 105, 110, [Promise("gap at most 1 s", kept=False)])]
    return timeline


def test_columns_are_as_wide_as_their_widest_cell_and_numbers_are_flush_right():
    assert table.table(["node", "n"], [["m1", "7"], ["client", "1000"]], "lr") == (
        "┌────────┬──────┐\n"
        "│ node   │    n │\n"
        "├────────┼──────┤\n"
        "│ m1     │    7 │\n"
        "│ client │ 1000 │\n"
        "└────────┴──────┘"
    )


def test_a_table_without_rows_is_still_a_table():
    assert table.table(["a"], []).splitlines()[1] == "│ a │"


def test_durations_are_in_the_unit_that_a_person_would_use():
    assert [table.seconds(value) for value in (0.0123, 0.9, 1.0, 3.604)] == ["12 ms", "900 ms", "1.00 s", "3.60 s"]


def test_the_report_says_what_each_scene_cost():
    lines = table.report(run(), "pyha").splitlines()
    first, second = (next(line for line in lines if title in line) for title in ("everything up", "kill -9"))
    assert [cell.strip() for cell in first.strip("│").split("│")] == [
        "1", "everything up", "0.0–5.0", "500", "0", "10 ms", "0", "yes"]
    cells = [cell.strip() for cell in second.strip("│").split("│")]
    assert cells[3:6] == ["200", "300", "3.01 s"]
    assert cells[-1] == "NO"


def test_the_report_names_what_requests_failed_of_and_the_pace():
    text = table.report(run(), "pyha")
    assert "Failed requests: 300 refused. Watches lost: 1 reset." in text
    assert "100.0 requests a second" in text
    assert "left" not in text


def test_the_report_admits_requests_that_were_left_out():
    timeline = run()
    timeline.skipped = 12
    assert "it left 12 out because the machine was busy" in table.report(timeline, "pyha")


def test_the_report_tells_a_holder_that_serves_from_one_that_is_dead():
    rows = [[cell.strip() for cell in line.strip("│").split("│")]
            for line in table.report(run(), "pyha").splitlines() if line.startswith(("│ m1", "│ m2"))]
    assert rows == [
        ["m1", "-1.00", "+5.00", "5.00 s", "serves clients"],
        ["m1", "+5.00", "still", "5.00 s", "address on the interface, but dead or cut off"],
        ["m2", "+8.00", "still", "2.00 s", "serves clients"],
    ]


def test_without_addresses_to_hold_there_is_no_table_of_holders():
    timeline = run()
    timeline.changes = [change for change in timeline.changes if change.fact is not Fact.ADDRESS]
    assert "Who held" not in table.report(timeline, "pyha")


def test_every_promise_is_listed_with_whether_it_was_kept():
    assert table.promises(run().scenes).splitlines() == [
        "  1  everything up", "       kept    one holder", "  2  kill -9", "       BROKEN  gap at most 1 s"]
