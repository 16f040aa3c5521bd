import pytest

from pyha.config.model import CheckExpect
from pyha.health.probes.remarks import PLAIN, Remarks
from pyha.health.verdict import Verdict


def remarks(**options):
    return Remarks.of(CheckExpect(match="string", pattern="x", **options))


def test_without_remarks_the_verdict_is_what_the_check_says():
    assert PLAIN.passed("L7OK", b"", info="fine", code=200) == Verdict("L7OK", 200, "fine")
    assert PLAIN.failed("L7STS", b"", info="bad", code=500) == Verdict("L7STS", 500, "bad")


def test_status_and_words_can_be_others():
    other = remarks(ok_status="L6OK", error_status="L7STS", on_success="good", on_error="not %[res.payload(0,2)]")
    assert other.passed("L7OK", b"ab", info="fine", code=7) == Verdict("L6OK", None, "good")
    assert other.failed("L7RSP", b"abc", info="bad") == Verdict("L7STS", None, "not ab")


def test_a_comment_is_added_to_failures():
    assert remarks(comment="c").failed("L7RSP", b"", info="bad").info == "bad comment: c"
    assert remarks(comment="c", on_error="no").failed("L7RSP", b"", own="empty").info == "empty comment: 'c'"
    assert remarks(comment="c").passed("L7OK", b"", info="fine").info == "fine"


@pytest.mark.parametrize(("expression", "answer", "code"), [
    ("res.payload(0,3)", b"220 hi", 220), ("str(5)", b"", 5), ("res.payload(0,3)", b"abc", 9),
    ("res.payload(0,3)", b"", 9)])
def test_a_code_may_stand_in_the_answer(expression, answer, code):
    assert remarks(status_code=expression).failed("L7STS", answer, code=9).code == code


def test_a_status_without_a_code_has_none():
    assert remarks(status_code="str(5)").failed("L7RSP", b"").code is None
