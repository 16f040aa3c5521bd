"""`check` alone, and `option tcp-check` with its rules (HAProxy's manual, section 4.2): connect, send, expect."""

from dataclasses import replace

from pyha.config.model import Check, CheckConnect, CheckExpect, CheckRemark, CheckSend, CheckSendRaw, HealthDialogue
from pyha.health.dialogue import Expect, Remark, Script, Send, Step, step_number
from pyha.health.verdict import Verdict

from .content import ContentExpected
from .http import request
from .remarks import Remarks
from .steps import begins_with_connect, compiled, connect, first_connect

_PASSED = "(tcp-check)"


def content_expectation(step: CheckExpect, number: int) -> ContentExpected:
    """The expectation of one configured step. Raises ValueError when it cannot be read."""
    matchers = {"string": _string, "string-lf": _string, "binary": _binary, "binary-lf": _binary, "rstring": _rstring,
                "rbinary": _rbinary}
    if step.match not in matchers:
        raise ValueError(f"a tcp-check cannot expect '{step.match}'")
    expected = matchers[step.match](step, number)
    shown = {"string": f"'{step.pattern}'", "rstring": "(regex)", "binary": "(binary)", "rbinary": "(binary regex)",
             "string-lf": "(log-format string)", "binary-lf": "(log-format binary)"}[step.match]
    found = "matched unwanted" if step.negate else "did not match"
    return replace(expected, negate=step.negate, min_recv=step.min_recv, remarks=Remarks.of(step),
                   bad=f"TCPCHK {found} content {shown} at step {number}")


def _string(step: CheckExpect, number: int) -> ContentExpected:
    label = f"expect string '{step.pattern}'" if step.match == "string" else "expect log-format string"
    return ContentExpected(label, number, step.pattern.encode())


def _binary(step: CheckExpect, number: int) -> ContentExpected:
    data = bytes.fromhex(step.pattern)
    label = f"expect binary '{data.decode('latin-1')}'" if step.match == "binary" else "expect log-format binary"
    return ContentExpected(label, number, data)


def _rstring(step: CheckExpect, number: int) -> ContentExpected:
    return ContentExpected("expect regex", number, regex=compiled(step.pattern))


def _rbinary(step: CheckExpect, number: int) -> ContentExpected:
    return ContentExpected("expect binary regex", number, regex=compiled(step.pattern), of_hexadecimal=True)


def script(health: HealthDialogue, check: Check) -> Script:
    """The rules as they stand, after a connection that needs no rule. Raises ValueError for an unreadable pattern."""
    steps: list[Step] = [] if begins_with_connect(health.steps) else [first_connect(check)]
    for step in health.steps:
        if isinstance(step, CheckConnect):
            steps.append(connect(step, check, first=not steps))
        elif isinstance(step, CheckSend):
            steps.append(Send(request(step)))
        elif isinstance(step, CheckSendRaw):
            steps.append(Send(step.data.encode("latin-1"), comment=step.comment))
        elif isinstance(step, CheckRemark):
            steps.append(Remark(step.comment))
        else:
            steps.append(Expect(content_expectation(step, step_number([*steps, *steps[:1]], len(steps))),
                                silence=step.tout_status, comment=step.comment))
    return Script(tuple(steps), passed=_passed(health, check), numbered=bool(health.steps))


def _passed(health: HealthDialogue, check: Check) -> Verdict:
    if not health.steps:
        return Verdict("L6OK" if check.tls else "L4OK")
    connects = [step for step in health.steps if isinstance(step, CheckConnect)]
    if all(isinstance(step, CheckConnect | CheckRemark) for step in health.steps):
        tls = bool(connects) and connect(connects[-1], check).tls is not None
        return Verdict("L6OK" if tls else "L4OK", info=_PASSED)
    return Verdict("L7OK", info=_PASSED)
