"""`option httpchk` and `http-check` rules (HAProxy's manual, section 4.2)."""

from pyha.config.model import (
    Check,
    CheckConnect,
    CheckExpect,
    CheckRemark,
    CheckSend,
    CheckSendRaw,
    CheckStep,
    HealthDialogue,
)
from pyha.health.dialogue import Expect, Remark, Script, Send, Step
from pyha.health.verdict import Verdict

from .http_expect import http_expectation
from .steps import begins_with_connect, connect, first_connect

_DEFAULT_SEND = CheckSend()
_DEFAULT_EXPECT = CheckExpect(match="status", pattern="200-399")


def request(step: CheckSend, *, keep: bool = False) -> bytes:
    """The bytes of one request, exactly HAProxy's: names in lower case, `connection: close` in HTTP/1.1.

    `keep`: the connection is to stay, which takes HTTP/1.1.
    """
    version = "HTTP/1.1" if keep else step.version
    lines = [f"{step.method} {step.uri} {version}"]
    lines += [f"{name.lower()}: {value}" for name, value in step.headers]
    if keep and not any(name.lower() == "host" for name, _ in step.headers):
        lines.append("host: localhost")  # RFC 9112 section 3.2: HTTP/1.1 needs one
    body = step.body.encode()
    if body:
        lines.append(f"content-length: {len(body)}")
    if version == "HTTP/1.1" and not keep:
        lines.append("connection: close")
    return "\r\n".join([*lines, "", ""]).encode() + body


def complete(steps: tuple[CheckStep, ...]) -> tuple[CheckStep, ...]:
    """The rules with those that HAProxy adds: a request before the first expectation, 2xx or 3xx as the expectation."""
    result = list(steps)
    if not any(isinstance(step, CheckSend | CheckSendRaw) for step in result):
        first = next((at for at, step in enumerate(result) if isinstance(step, CheckExpect)), len(result))
        result.insert(first, _DEFAULT_SEND)
    if not any(isinstance(step, CheckExpect) for step in result):
        result.append(_DEFAULT_EXPECT)
    return tuple(result)


def script(health: HealthDialogue, check: Check) -> Script:
    """Connect, ask, look at the answer. Raises ValueError for a pattern it cannot read."""
    steps: list[Step] = [] if begins_with_connect(health.steps) else [first_connect(check)]
    for step in complete(health.steps):
        if isinstance(step, CheckConnect):
            steps.append(connect(step, check, first=not steps))
        elif isinstance(step, CheckSend):
            steps.append(Send(request(step, keep=health.keep_alive)))
        elif isinstance(step, CheckSendRaw):
            steps.append(Send(step.data.encode("latin-1"), comment=step.comment))
        elif isinstance(step, CheckRemark):
            steps.append(Remark(step.comment))
        else:
            expectation = http_expectation(step, disable_on_404=health.disable_on_404, whole=health.keep_alive)
            steps.append(Expect(expectation, silence=step.tout_status, comment=step.comment))
    return Script(tuple(steps), passed=Verdict("L7OK"), keep_alive=health.keep_alive)
