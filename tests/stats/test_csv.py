import csv as reader

import pytest

from pyha.stats.csv import CONFIGURED, quoted, render
from pyha.stats.fields import FIELDS
from tests.stats.samples import DOWN, ROWS


def parsed(text):
    lines = text.removeprefix("# ").rstrip("\n").splitlines()
    return list(reader.DictReader(lines))


def test_programs_find_their_columns_by_name_and_by_position():
    text = render(ROWS)
    assert text.startswith("# pxname,svname,qcur,qmax,")
    assert text.endswith(",\n\n")
    assert len(parsed(text)) == len(ROWS)
    assert {len(line.split(",")) for line in text.splitlines() if line} == {len(FIELDS) + 1}


def test_values_are_what_the_fields_say():
    row = parsed(render([DOWN]))[0]
    assert (row["pxname"], row["svname"], row["status"], row["addr"], row["throttle"]) == (
        "api", "m2", "DOWN 1/2", "10.0.0.2:6443", "")


def test_columns_can_be_hidden_but_stay_in_their_place():
    row = parsed(render([DOWN], CONFIGURED))[0]
    assert (row["addr"], row["mode"]) == ("", "tcp")


@pytest.mark.parametrize(("value", "text"), [
    (None, ""), (0, "0"), ("plain text", "plain text"), ("a,b", '"a,b"'), ('say "x"', '"say ""x"""'),
    ("two\nlines", '"two\nlines"'), ("a\rb", '"a\rb"')])
def test_quotes_go_around_what_a_reader_could_stumble_over(value, text):
    assert quoted(value) == text
