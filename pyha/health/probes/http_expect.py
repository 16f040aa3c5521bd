"""What an HTTP answer must look like: `http-check expect` (HAProxy's manual, section 4.2)."""

import re
from dataclasses import dataclass

from pyha.config.model import CheckExpect
from pyha.health.verdict import Verdict

from .http_answer import Answer, Malformed, read
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
    label: str = "expect HTTP status"

    def matches(self, answer: Answer) -> Verdict:
        """Decide as soon as the head is there."""
        if self.regex is not None:
            found = self.regex.search(b"%03d" % answer.code) is not None
        else:
            found = any(answer.code in codes for codes in self.ranges)
        if found == self.negate:
            return Verdict("L7STS", answer.code, answer.reason)
        return Verdict("L7OK", answer.code)


@dataclass(frozen=True, slots=True)
class BodyExpected:
    """The body contains the text, or matches the regular expression."""

    text: bytes = b""
    regex: re.Pattern[bytes] | None = None
    negate: bool = False
    label: str = "expect HTTP body"

    def matches(self, answer: Answer) -> Verdict | None:
        """Decide at the first match, or when the body is complete."""
        found = self.regex.search(answer.body) is not None if self.regex else self.text in answer.body
        if answer.body and found:
            if self.negate:
                return Verdict("L7RSP", info="HTTP check matched unwanted content")
            return Verdict("L7OK", answer.code)
        if not answer.complete:
            return None
        if not answer.body:
            return Verdict("L7RSP", info="HTTP content check could not find a response body")
        if self.negate:
            return Verdict("L7OK", answer.code)
        return Verdict("L7RSP", info="HTTP content check did not match")


@dataclass(frozen=True, slots=True)
class HttpExpectation:
    """Reads the answer and asks the matcher; `disable_on_404` lets a 404 pass conditionally."""

    matcher: StatusExpected | BodyExpected
    disable_on_404: bool = False

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
        verdict = self.matcher.matches(answer)
        if verdict is not None and self.disable_on_404 and answer.code == 404:
            return Verdict("L7OKC", 404, otherwise=verdict)
        return verdict


def http_expectation(step: CheckExpect, *, disable_on_404: bool) -> HttpExpectation:
    """The expectation of one configured step. Raises ValueError when the pattern cannot be read."""
    matcher: StatusExpected | BodyExpected
    if step.match == "status":
        matcher = StatusExpected(ranges=status_ranges(step.pattern), negate=step.negate)
    elif step.match == "rstatus":
        matcher = StatusExpected(regex=compiled(step.pattern), negate=step.negate)
    elif step.match in ("rstring", "rbinary"):
        matcher = BodyExpected(regex=compiled(step.pattern), negate=step.negate)
    else:
        matcher = BodyExpected(text=step.pattern.encode(), negate=step.negate)
    return HttpExpectation(matcher, disable_on_404)
