"""The readers for arguments, and what a section remembers."""

import pytest

from pyha.config.draft import Draft
from pyha.config.haproxy.statement import Section, Statement, choice, duration, number, word_argument
from pyha.config.origin import Origin


@pytest.fixture
def section():
    return Section("defaults", "", Origin("f", 1), Draft())


def line(*args, number=2):
    return Statement("word", args, Origin("f", number))


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("0", 0), ("+3", 3), ("-1", None), ("11", None), ("x", None),
("", None),
                                             ("²", None), ("9" * 50, None), ("1.5", None)])
def test_a_number_within_a_range(section, text, value):
    assert number(section, line(text), text, 0, 10) == value
    assert len(section.draft.problems) == (value is None)


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("5s", 5000), ("1us", 1), ("", None), ("5x", None), ("s",
None), ("²s", None),
                                             ("9" * 50, None), ("0", None)])
def test_a_duration(section, text, value):
    assert duration(section, line(text), text, low=1) == value
    assert len(section.draft.problems) == (value is None)


def test_a_choice_knows_the_nearest(section):
    assert choice(section, line("none"), "none", ("none", "required")) == "none"
    assert choice(section, line("non"), "non", ("none", "required")) is None
    assert section.draft.problems[0].hint == "did you mean 'none'?"


def test_one_argument_and_no_more(section):
    assert word_argument(section, line("a"), "a name") == "a"
    assert word_argument(section, line("a", "b"), "a name") is None
    assert word_argument(section, line(), "a name") is None
    assert [problem.message for problem in section.draft.problems] == [
        "'word' cannot handle unexpected argument 'b'", "'word' expects a name as argument"]


def test_a_child_starts_with_what_its_defaults_say_and_changes_nothing_there(section):
    section.put("a", 1, Origin("f", 2))
    section.extend("list", "x", Origin("f", 3))
    child = section.child("frontend", "f", Origin("f", 9))
    child.put("a", 2, Origin("f", 10))
    child.extend("list", "y", Origin("f", 11))
    assert (section.get("a"), [item for item, _ in section.get("list")]) == (1, ["x"])
    assert (child.get("a"), [item for item, _ in child.get("list")]) == (2, ["x", "y"])
    assert "a" not in child.inherited
    other = section.child("backend", "b", Origin("f", 12))
    other.extend("list", "z", Origin("f", 13), replacing_inherited=True)
    assert [item for item, _ in other.get("list")] == ["z"]
    other.drop("a")
    assert other.get("a") is None


def test_words_without_effect_are_told_by_reason(section):
    for word, at, reason in (("a", 2, "r"), ("b", 2, "r"), ("a", 3, "r"), ("c", 4, "r"), ("d", 5, "s")):
        section.ignore(word, Origin("f", at), reason)
    section.say_ignored()
    assert [(problem.origin.line, problem.message, problem.ignored) for problem in section.draft.problems] == [
        (2, "'a', 'b' and 'c' (line 4) have no effect: r", True), (5, "'d' has no effect: s", True)]
    section.say_ignored()
    assert len(section.draft.problems) == 2
