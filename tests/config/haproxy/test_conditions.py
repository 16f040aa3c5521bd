"""`.if` blocks and their expressions."""

import pytest

from pyha.config.haproxy.conditions import ConditionError, evaluate
from tests.config.haproxy.reading import draft_of, sentences


@pytest.mark.parametrize(("text", "value"), [
    ("", False), ("1", True), ("0", False), ("!0", True), ("!!1", True), ("defined(A)", True), ("!defined(B)", True),
    ("feature(OPENSSL)", True), ("feature(QUIC)", False), ("streq(a,a)", True), ("streq(\"a\",'b')", False),
    ("strneq(a,b)", True), ("version_atleast(2.6)", True), ("version_atleast(2.6.13)", False), ("version_before(3)",
    True),
    ("1 && 0", False), ("1 && 0 || 1", True), ("defined(B) || defined(A)", True)])
def test_an_expression_has_its_value(text, value):
    assert evaluate(text, {"A": "x"}) is value


@pytest.mark.parametrize("text", ["nosuch(1)", "maybe", "streq(a)", "defined(a,b)", "version_atleast(new)", "1 &&",
                                  "(1)"])
def test_a_wrong_expression_is_refused(text):
    with pytest.raises(ConditionError):
        evaluate(text, {})


def descriptions(text, environment=None):
    draft = draft_of("global\n" + text, environment)
    assert not [problem for problem in draft.problems if problem.fatal], draft.problems
    return draft.data.get("settings", {}).get("description")


@pytest.mark.parametrize(("name", "value"), [("A", "first"), ("B", "second"), ("C", "last")])
def test_one_branch_of_a_block_is_read(name, value):
    text = (".if defined(A)\ndescription first\n.elif defined(B)\ndescription second\n"
            ".else\ndescription last\n.endif\n")
    assert descriptions(text, {name: "1"}) == value


def test_nothing_inside_a_skipped_block_is_evaluated():
    assert descriptions(".if 0\n.if nosuch(1)\nnonsense\n.elif nosuch()\n.else\n.endif\n.alert no\n.else\n"
                        "description x\n.endif\n") == "x"


@pytest.mark.parametrize(("text", "message"), [
    (".endif\n", "error: lone '.endif' with no matching '.if'"), (".else\n",
    "error: lone '.else' with no matching '.if'"),
    (".if 1\n", "error: non-terminated '.if' block; add '.endif'"),
    (".fi\n", "error: unknown directive '.fi'; did you mean '.if'?"), (".alert stop\n", "error: '.alert': stop"),
    (".warning look\n", "warning: '.warning': look"),
    (".if 1\n.else\n.elif 1\n.endif\n", "error: '.elif' after '.else'; the block starts at line 1")])
def test_a_wrong_block_is_told(text, message):
    assert sentences(draft_of(text)) == [message]


@pytest.mark.parametrize("text", [".notice hello\n", ".diag hello\n"])
def test_remarks_for_the_reader_are_silent(text):
    assert sentences(draft_of(text)) == []
