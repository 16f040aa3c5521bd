import pytest

from pyha.config.model import CheckExpect
from pyha.health.probes.http_expect import http_expectation, status_ranges
from pyha.health.verdict import Verdict


def judge(data, match, pattern, *, negate=False, ended=True, on_404=False):
    step = CheckExpect(match=match, pattern=pattern, negate=negate)
    return http_expectation(step, disable_on_404=on_404).judge(data, ended=ended)


def answer(code=200, body=b"", reason="Fine"):
    return f"HTTP/1.1 {code} {reason}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def test_ranges_are_read():
    assert status_ranges("200") == (range(200, 201),)
    assert status_ranges("200-399, 404") == (range(200, 400), range(404, 405))
    with pytest.raises(ValueError, match="invalid literal"):
        status_ranges("2xx")


@pytest.mark.parametrize(("match", "pattern", "code", "good"), [
    ("status", "200", 200, True), ("status", "200", 201, False), ("status", "200-299,404", 404, True),
    ("rstatus", "^2..$", 204, True), ("rstatus", "^2..$", 404, False), ("rstatus", "0", 404, True)])
def test_the_status_is_as_expected_or_it_is_not_and_the_other_way_round(match, pattern, code, good):
    passed, failed = Verdict("L7OK", code), Verdict("L7STS", code, "Fine")
    assert judge(answer(code), match, pattern) == (passed if good else failed)
    assert judge(answer(code), match, pattern, negate=True) == (failed if good else passed)


def test_the_status_is_judged_before_the_body_is_there():
    assert judge(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", "status", "200", ended=False) == Verdict("L7OK", 200)


@pytest.mark.parametrize(("match", "pattern", "good"), [
    ("string", "ell", True), ("string", "elk", False), ("rstring", "h.*o$", True), ("rstring", "^e", False),
    ("rbinary", "h.l", True), ("binary", "hello", True)])
def test_the_body_contains_what_is_expected_or_not_and_the_other_way_round(match, pattern, good):
    passed = Verdict("L7OK", 500)
    assert judge(answer(500, b"hello"), match, pattern) == (
        passed if good else Verdict("L7RSP", info="HTTP content check did not match"))
    assert judge(answer(500, b"hello"), match, pattern, negate=True) == (
        Verdict("L7RSP", info="HTTP check matched unwanted content") if good else passed)


def test_an_answer_without_body_cannot_be_searched():
    nothing = Verdict("L7RSP", info="HTTP content check could not find a response body")
    assert judge(answer(), "string", "x") == judge(answer(), "string", "x", negate=True) == nothing
    assert judge(answer(), "rstring", ".*") == nothing


def test_a_body_is_searched_while_it_comes():
    part = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhell"
    assert judge(part, "string", "hello", ended=False) is None
    assert judge(part, "string", "hell", ended=False) == Verdict("L7OK", 200)
    assert judge(part, "string", "hello", negate=True, ended=False) is None
    assert judge(part[:10], "string", "hello", ended=False) is None


def test_what_is_no_http_is_an_invalid_response():
    assert judge(b"SSH-2.0\r\n", "status", "200", ended=False) == Verdict("L7RSP")


def test_a_404_passes_conditionally_and_remembers_what_it_is_otherwise():
    assert judge(answer(404), "status", "200", on_404=True) == Verdict(
        "L7OKC", 404, otherwise=Verdict("L7STS", 404, "Fine"))
    assert judge(answer(404), "status", "404", on_404=True).otherwise == Verdict("L7OK", 404)
    assert judge(answer(200), "status", "200", on_404=True) == Verdict("L7OK", 200)
    assert judge(b"HTTP/1.1 404 X\r\nContent-Length: 9\r\n\r\nx", "string", "y", on_404=True, ended=False) is None


def test_expectations_name_themselves_and_refuse_bad_patterns():
    assert http_expectation(CheckExpect(match="status", pattern="200"), disable_on_404=False).label == (
        "expect HTTP status")
    assert http_expectation(CheckExpect(match="string", pattern="x"), disable_on_404=False).label == "expect HTTP body"
    with pytest.raises(ValueError, match="regular expression"):
        http_expectation(CheckExpect(match="rstring", pattern="("), disable_on_404=False)


HEADERS = (b"HTTP/1.1 200 OK\r\nX-Ready: yes\r\nX-List: a, b\r\nX-List: c\r\nServer: nginx/1.2\r\nContent-Length: 0\r\n"
           b"\r\n")


@pytest.mark.parametrize(("options", "good"), [
    ({"name": "x-ready"}, True), ({"name": "X-Ready"}, True), ({"name": "x-other"}, False),
    ({"name": "x-ready", "pattern": "yes"}, True), ({"name": "x-ready", "pattern": "no"}, False),
    ({"name": "x-list", "pattern": "b"}, True), ({"name": "x-list", "pattern": "c"}, True),
    ({"name": "x-list", "pattern": "a, b"}, False), ({"name": "x-list", "pattern": "a, b", "match": "fhdr"}, True),
    ({"name": "x-list", "pattern": "b", "match": "fhdr"}, False),
    ({"name": "x-", "name_match": "beg", "pattern": "es", "value_match": "sub"}, True),
    ({"name": "er", "name_match": "end", "pattern": "ngi", "value_match": "beg"}, True),
    ({"name": "^serv", "name_match": "reg", "pattern": r"\d$", "value_match": "reg"}, True),
    ({"name": "server", "pattern": "1.2", "value_match": "end"}, True),
])
def test_headers_are_there_with_their_values_or_not_and_the_other_way_round(options, good):
    step = CheckExpect(**{"match": "hdr", "pattern": ""} | options)
    for negate in (False, True):
        expected = http_expectation(step.model_copy(update={"negate": negate}), disable_on_404=False)
        assert expected.label == "expect HTTP header"
        assert expected.judge(HEADERS, ended=False).status == ("L7OK" if good != negate else "L7STS")


def test_a_connection_to_be_kept_takes_the_whole_answer():
    expected = http_expectation(CheckExpect(match="status", pattern="200"), disable_on_404=False, whole=True)
    assert expected.judge(answer(body=b"hello")[:-1], ended=False) is None
    assert expected.judge(answer(body=b"hello"), ended=False) == Verdict("L7OK", 200)
