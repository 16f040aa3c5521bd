"""`check` alone, and `option tcp-check` with its rules (HAProxy's manual, section 4.2): connect, send, expect."""

import re
from dataclasses import dataclass

from pyha.config.model import Check, CheckConnect, CheckExpect, CheckSend, CheckSendRaw, HealthDialogue
from pyha.health.dialogue import Expect, Script, Send, Step, step_number
from pyha.health.verdict import Verdict

from .http import request
from .steps import begins_with_connect, compiled, connect, first_connect

_PASSED = "(tcp-check)"


@dataclass(frozen=True, slots=True)
class ContentExpected:
    """The answer contains some bytes, or matches a regular expression (of its hexadecimal form, for `rbinary`)."""

    label: str
    shown: str  # what a mismatch names
    step: int
    text: bytes = b""
    regex: re.Pattern[bytes] | None = None
    of_hexadecimal: bool = False
    negate: bool = False

    def judge(self, data: bytes, *, ended: bool) -> Verdict | None:
        """The verdict on the bytes so far, or None while more are needed."""
        if not data:
            return Verdict("L7RSP", info=f"TCPCHK got an empty response at step {self.step}") if ended else None
        if self._found(data):
            if self.negate:
                return Verdict("L7RSP", info=f"TCPCHK matched unwanted content {self.shown} at step {self.step}")
        elif not ended:
            return None
        elif not self.negate:
            return Verdict("L7RSP", info=f"TCPCHK did not match content {self.shown} at step {self.step}")
        return Verdict("L7OK", info=_PASSED)

    def _found(self, data: bytes) -> bool:
        if self.regex is None:
            return self.text in data
        return self.regex.search(data.hex().upper().encode() if self.of_hexadecimal else data) is not None


def content_expectation(step: CheckExpect, number: int) -> ContentExpected:
    """The expectation of one configured step. Raises ValueError when the pattern cannot be read."""
    if step.match == "rstring":
        return ContentExpected("expect regex", "(regex)", number, regex=compiled(step.pattern),
                               negate=step.negate)
    if step.match == "rbinary":
        return ContentExpected("expect binary regex", "(binary regex)", number, regex=compiled(step.pattern),
                               of_hexadecimal=True, negate=step.negate)
    if step.match == "binary":
        data = bytes.fromhex(step.pattern)
        return ContentExpected(f"expect binary '{data.decode('latin-1')}'", "(binary)", number, data,
                               negate=step.negate)
    if step.match == "string":
        return ContentExpected(f"expect string '{step.pattern}'", f"'{step.pattern}'", number, step.pattern.encode(),
                               negate=step.negate)
    raise ValueError(f"a tcp-check cannot expect '{step.match}'")


def script(health: HealthDialogue, check: Check) -> Script:
    """The rules as they stand, after a connection that needs no rule. Raises ValueError for an unreadable pattern."""
    steps: list[Step] = [] if begins_with_connect(health.steps) else [first_connect(check)]
    for step in health.steps:
        if isinstance(step, CheckConnect):
            steps.append(connect(step, check, first=not steps))
        elif isinstance(step, CheckSend):
            steps.append(Send(request(step)))
        elif isinstance(step, CheckSendRaw):
            steps.append(Send(step.data.encode("latin-1")))
        else:
            steps.append(Expect(content_expectation(step, step_number([*steps, steps[0]], len(steps)))))
    return Script(tuple(steps), passed=_passed(health, check), numbered=bool(health.steps))


def _passed(health: HealthDialogue, check: Check) -> Verdict:
    if not health.steps:
        return Verdict("L6OK" if check.tls else "L4OK")
    if all(isinstance(step, CheckConnect) for step in health.steps):
        last = health.steps[-1]
        tls = isinstance(last, CheckConnect) and connect(last, check).tls is not None
        return Verdict("L6OK" if tls else "L4OK", info=_PASSED)
    return Verdict("L7OK", info=_PASSED)
