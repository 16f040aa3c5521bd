import pytest

from pyha.health.probes.template import expression, template


@pytest.mark.parametrize(("text", "answer", "filled"), [
    ("all is well", b"", "all is well"), ("100%%", b"", "100%"), ("", b"x", ""),
    ("got %[res.payload(0,3)]!", b"abcdef", "got abc!"), ("%[payload(2,0)]", b"abcdef", "cdef"),
    ("%[res.payload(0,0),cut_crlf]", b"one\r\ntwo", "one"), ("%[res.payload(0,0),cut_crlf]", b"one\ntwo", "one"),
    ("%[res.payload(3,0),ltrim(' '),cut_crlf]", b"220  hi \r\n", "hi "), ("%[res.payload(9,0)]", b"abc", ""),
    ("%[res.payload(0,0),rtrim(' '),upper]", b"ab  ", "AB"), ("%[res.payload(0,0),lower]", b"AB", "ab"),
    ("%[res.payload(0,0)]", b"one\0two", "one"), ("%[str(a,b),upper] c", b"", "A,B c"),
])
def test_parts_of_the_answer_are_filled_in(text, answer, filled):
    assert template(text).fill(answer) == filled


@pytest.mark.parametrize(("text", "complaint"), [
    ("%ci", "'%c' has no meaning"), ("100%", "'%' has no meaning"), ("%[src]", "'src' is not available"),
    ("%[res.payload(0,0),rot13]", "'rot13' is not available"), ("%[res.payload(a,b)]", "is not available")])
def test_what_a_check_cannot_know_is_told(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        template(text)


def test_an_expression_may_be_a_text():
    assert expression("str(220)") == "220"
