import pytest

from pyha.config.origin import Origin, Problem, did_you_mean, locate, nearest


def test_an_origin_is_file_and_line_or_the_file_as_a_whole():
    assert str(Origin("haproxy.cfg", 12)) == "haproxy.cfg:12"
    assert str(Origin("haproxy.cfg")) == "haproxy.cfg"


@pytest.mark.parametrize(("problem", "text"), [
    (Problem(Origin("f", 3), "unknown word"), "f:3: error: unknown word"),
    (Problem(Origin("f", 3), "odd", hint="did you mean 'even'?", fatal=False),
     "f:3: warning: odd; did you mean 'even'?"),
    (Problem(Origin("f"), "cannot be read"), "f: error: cannot be read"),
])
def test_a_problem_is_one_line_for_the_operator(problem, text):
    assert str(problem) == text


def test_a_part_without_a_line_of_its_own_is_where_the_nearest_thing_around_it_is():
    origins = {("backends", 0): Origin("f", 1), ("backends", 0, "servers", 2): Origin("f", 5), (): Origin("f")}
    assert locate(origins, ("backends", 0, "servers", 2)) == Origin("f", 5)
    assert locate(origins, ("backends", 0, "servers", 2, "port")) == Origin("f", 5)
    assert locate(origins, ("backends", 0, "servers", 1, "port")) == Origin("f", 1)
    assert locate(origins, ("frontends", 0)) == Origin("f")
    assert locate({}, ("frontends", 0)) == Origin("configuration")


@pytest.mark.parametrize(("word", "meant"), [("chek", "check"), ("timeuot", "timeout"), ("zzz", None), ("", None)])
def test_the_nearest_word_is_found_when_one_is_near(word, meant):
    known = ("check", "timeout", "balance")
    assert nearest(word, iter(known)) == meant
    assert did_you_mean(word, known) == (f"did you mean '{meant}'?" if meant else "")
