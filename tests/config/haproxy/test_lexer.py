"""Text to words: quoting, escapes and variables as in sections 2.2 and 2.3 of HAProxy's manual."""

import pytest

from pyha.config.draft import Draft
from pyha.config.haproxy.lexer import LexError, lines, split

ENVIRONMENT = {"A": "one", "LIST": "x  y z", "EMPTY": ""}


@pytest.mark.parametrize(("text", "words"), [
    ("", []), ("   \t ", []), ("# only a comment", []), ("a b\tc", ["a", "b", "c"]), ("a#b", ["a"]), ("a \\#b", ["a",
    "#b"]),
    ("a\\ b", ["a b"]), ("'a b' \"c d\"", ["a b", "c d"]), ("a'b'c", ["abc"]), ("''", [""]), ("'\\n'", ["\\n"]),
    ("\\x41\\n\\t\\r", ["A\n\t\r"]), ("\\q", ["\\q"]), ("\"\\\"\"", ['"']), ("'#'", ["#"]), ("\"#\"", ["#"]),
    ("$A ${A}", ["$A", "${A}"]), ('"$A ${A}"', ["one one"]), ("'${A}'", ["${A}"]), ('"\\$A"', ["$A"]),
    ('"${NO}"', [""]), ('"${NO-default}"', ["default"]), ('"${A-default}"', ["one"]), ('"${EMPTY-x}"', [""]),
    ('"${LIST[*]}"', ["x", "y", "z"]), ('"a${LIST[*]}b"', ["ax", "y", "zb"]), ("word\r", ["word"])])
def test_a_line_becomes_words(text, words):
    assert split(text, ENVIRONMENT) == words


@pytest.mark.parametrize(("text", "reason"), [
    ("'open", "unmatched quote at position 1"), ('a "open', "unmatched quote at position 3"),
    ("\\x4", "hexadecimal"), ("\\xZZ", "hexadecimal"), ('"$1"', "forbidden first character"),
    ('"${A"', "unmatched brace"), ('"${A:b}"', "unmatched brace"), ('"$"', "forbidden first character")])
def test_a_line_that_cannot_be_split_says_why(text, reason):
    with pytest.raises(LexError, match=reason):
        split(text, ENVIRONMENT)


@pytest.mark.parametrize(("text", "reason"), [
    ("a " * 65, "too many words on the line: at most 64"),
    ("a" * 65537, "the line is too long: at most 65536 characters")])
def test_a_line_has_limits(text, reason):
    draft = Draft()
    assert [line.words for line in lines("f", f"{text}\nb\n", {}, draft)] == [("b",)]
    assert [problem.message for problem in draft.problems] == [reason]


def test_lines_carry_their_numbers_and_bad_ones_are_problems():
    draft = Draft()
    found = list(lines("f", "a\n\n'open\nb\n\0\nlast", {}, draft))
    assert [(line.words, line.origin.line) for line in found] == [(("a",), 1), (("b",), 4), (("last",), 6)]
    assert [(problem.origin.line, problem.message.split(",")[0]) for problem in draft.problems] == [
        (6, "missing LF on the last line"), (3, "unmatched quote at position 1"),
        (5, "a NUL character is not allowed here")]
