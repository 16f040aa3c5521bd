"""Lines and words as keepalived splits them; the examples are those of its manual, or were tried on it."""

import pytest

from pyha.config.keepalived.lexer import (
    QuoteError,
    arguments,
    at_braces,
    physical_lines,
    quoted_words,
    without_comment,
    words,
)


@pytest.mark.parametrize(("text", "left"), [
    ("priority 100 # high", "priority 100"),
    ("  ! a comment", ""),
    ("auth_pass ZqSj#f1G", "auth_pass ZqSj"),
    ("auth_pass ZqSj\\#f1G", "auth_pass ZqSj#f1G"),
    ("auth_pass a\\!b!c", "auth_pass a!b"),
    ('auth_pass "a # b" # c', 'auth_pass "a # b"'),
    ("script 'a # b'", "script 'a"),
    ('script "a \\" # b" # c', 'script "a \\" # b"'),
])
def test_a_comment_begins_anywhere_but_in_double_quotes(text, left):
    assert without_comment(text) == left


@pytest.mark.parametrize(("text", "parts"), [
    ("x { a", ["x", "{", "a"]),
    ("} }", ["}", "}"]),
    ("track_script { chk }", ["track_script", "{", "chk", "}"]),
    ('script "{ a }"', ['script "{ a }"']),
    ("script '{ a }'", ["script '", "{", "a", "}", "'"]),
    ("label ${NAME} {", ["label ${NAME}", "{"]),
    ("a\\{b", ["a\\{b"]),
])
def test_a_brace_is_a_line_of_its_own(text, parts):
    assert at_braces(text) == parts


@pytest.mark.parametrize(("text", "found"), [
    ("a  b\tc", ["a", "b", "c"]), ('a "b c" d', ["a", "b c", "d"]), ('a"b c"d', ["a", "b c", "d"]), ('""', [""]),
    ("it's", ["it's"]),
])
def test_words_are_separated_by_blanks_and_double_quotes(text, found):
    assert words(text) == found


@pytest.mark.parametrize(("text", "found"), [
    ('abcd" efg h jkl "mnop', ["abcd efg h jkl mnop"]),
    ('abcd "efg h jkl" mnop', ["abcd", "efg h jkl", "mnop"]),
    ("script 'killall -0 haproxy'", ["script", "killall -0 haproxy"]),
    ('notify "a \'b c\' d" user', ["notify", "a 'b c' d", "user"]),
    (r"a\ b \x41\102\n\cA\q", ["a b", "AB\n\x01q"]),
    ('""', [""]),
])
def test_commands_have_quotes_of_their_own(text, found):
    assert quoted_words(text) == found


def test_an_open_quote_is_told():
    for split in (words, quoted_words):
        with pytest.raises(QuoteError, match="not closed"):
            split('a "b c')


@pytest.mark.parametrize(("command", "found"), [
    ("/usr/bin/killall -0 haproxy", ["/usr/bin/killall", "-0", "haproxy"]),
    ("/bin/bash -c 'test -e x && exit 1'", ["/bin/bash", "-c", "test -e x && exit 1"]),
    ("a '' b", ["a", "", "b"]), ("   ", []),
])
def test_the_arguments_of_a_command_may_be_in_single_quotes(command, found):
    assert arguments(command) == found


def test_marks_of_other_systems_are_not_part_of_a_line():
    assert physical_lines("\ufeffa\r\nb\0c\n") == ["a", "b c", ""]
