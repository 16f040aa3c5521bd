"""What an HTTP answer must look like: `http-check expect` (HAProxy's manual, section 4.2)."""

import re
from dataclasses import dataclass

from pyha.config.health_model import CheckExpect, HeaderMatch
from pyha.health.verdict import Verdict

from .http_answer import Answer, Malformed, read
from .remarks import PLAIN, Remarks
from .steps import compiled


def status_ranges(pattern: str) -> tuple[range, ...]:
    """Read `200`, `200-399` or several separated by commas. Raises ValueError."""
    ranges = []
    for part in pattern.split(","):
        low, dash, high = part.strip().partition("-")
        ranges.append(range(int(low), int(high if dash else low) + 1))
    return tuple(ranges)


@dataclass(frozen=True, slots=True)
class StatusExpected:
    """The status code is in one of the ranges, or matches the regular expression."""

    ranges: tuple[range, ...] = ()
    regex: re.Pattern[bytes] | None = None
    negate: bool = False
    remarks: Remarks = PLAIN
    label: str = "expect HTTP status"

    def matches(self, answer: Answer) -> Verdict:
        """Decide as soon as the head is there."""
        if self.regex is not None:
            found = self.regex.search(b"%03d" % answer.code) is not None
        else:
            found = any(answer.code in codes for codes in self.ranges)
        return _by_head(answer, self.remarks, passed=found != self.negate)


def _by_head(answer: Answer, remarks: Remarks, *, passed: bool) -> Verdict:
    if passed:
        return remarks.passed("L7OK", answer.body, code=answer.code)
    return remarks.failed("L7STS", answer.body, code=answer.code, info=answer.reason)


@dataclass(frozen=True, slots=True)
class Words:
    """How a name or a value of a header must look (`-m str|beg|end|sub|reg`)."""

    method: HeaderMatch
    text: str
    regex: re.Pattern[bytes] | None = None

    def match(self, text: str) -> bool:
        """Whether it does."""
        if self.regex is not None:
            return self.regex.search(text.encode("latin-1")) is not None
        return {"str": text == self.text, "beg": text.startswith(self.text), "end": text.endswith(self.text),
                "sub": self.text in text}[self.method]


@dataclass(frozen=True, slots=True)
class HeaderExpected:
    """A header is there, with such a value if one is asked for. `full`: its whole line, commas included."""

    name: Words
    value: Words | None = None
    full: bool = False
    negate: bool = False
    remarks: Remarks = PLAIN
    label: str = "expect HTTP header"

    def matches(self, answer: Answer) -> Verdict:
        """Decide as soon as the head is there."""
        found = any(self.name.match(name) and self._value(value) for name, value in answer.headers)
        return _by_head(answer, self.remarks, passed=found != self.negate)

    def _value(self, line: str) -> bool:
        if self.value is None:
            return True
        return any(self.value.match(part.strip()) for part in ([line] if self.full else line.split(",")))


@dataclass(frozen=True, slots=True)
class BodyExpected:
    """The body contains the text, or matches the regular expression."""

    text: bytes = b""
    regex: re.Pattern[bytes] | None = None
    negate: bool = False
    remarks: Remarks = PLAIN
    label: str = "expect HTTP body"

    def matches(self, answer: Answer) -> Verdict | None:
        """Decide at the first match, or when the body is complete."""
        found = self.regex.search(answer.body) is not None if self.regex else self.text in answer.body
        if answer.body and found:
            if self.negate:
                return self._failed(answer, "HTTP check matched unwanted content")
            return self.remarks.passed("L7OK", answer.body, code=answer.code)
        if not answer.complete:
            return None
        if not answer.body:
            return self._failed(answer, "HTTP content check could not find a response body")
        if self.negate:
            return self.remarks.passed("L7OK", answer.body, code=answer.code)
        return self._failed(answer, "HTTP content check did not match")

    def _failed(self, answer: Answer, sentence: str) -> Verdict:
        return self.remarks.failed("L7RSP", answer.body, info=sentence, code=answer.code)


Matcher = StatusExpected | HeaderExpected | BodyExpected


@dataclass(frozen=True, slots=True)
class HttpExpectation:
    """Reads the answer and asks the matcher; `disable_on_404` lets a 404 pass conditionally."""

    matcher: Matcher
    disable_on_404: bool = False
    whole: bool = False  # no verdict before the answer is complete, so that the connection can be used again

    @property
    def label(self) -> str:
        """How a failure names this step."""
        return self.matcher.label

    def judge(self, data: bytes, *, ended: bool) -> Verdict | None:
        """The verdict on the bytes so far, or None while more are needed."""
        try:
            answer = read(data, ended=ended)
        except Malformed:
            return Verdict("L7RSP")
        if answer is None:
            return None
        if self.whole and not answer.complete:
            return None
        verdict = self.matcher.matches(answer)
        if verdict is not None and self.disable_on_404 and answer.code == 404:
            return Verdict("L7OKC", 404, otherwise=verdict)
        return verdict


def http_expectation(step: CheckExpect, *, disable_on_404: bool, whole: bool = False) -> HttpExpectation:
    """The expectation of one configured step. Raises ValueError when the pattern cannot be read."""
    return HttpExpectation(_matcher(step, Remarks.of(step)), disable_on_404, whole)


def _matcher(step: CheckExpect, remarks: Remarks) -> Matcher:
    if step.match == "status":
        return StatusExpected(status_ranges(step.pattern), negate=step.negate, remarks=remarks)
    if step.match == "rstatus":
        return StatusExpected(regex=compiled(step.pattern), negate=step.negate, remarks=remarks)
    if step.match in ("hdr", "fhdr"):
        value = _words(step.value_match, step.pattern) if step.pattern else None
        return HeaderExpected(_words(step.name_match, step.name.lower()), value, step.match == "fhdr", step.negate,
                              remarks)
    if step.match in ("rstring", "rbinary"):
        return BodyExpected(regex=compiled(step.pattern), negate=step.negate, remarks=remarks)
    return BodyExpected(text=step.pattern.encode(), negate=step.negate, remarks=remarks)


def _words(method: HeaderMatch, text: str) -> Words:
    return Words(method, text, compiled(text) if method == "reg" else None)
