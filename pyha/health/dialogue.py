"""One check's conversation with a server, without a socket: what happened goes in, what to do comes out.

A `Script` is a list of steps: connect, send, expect. `Dialogue` walks through it. The caller performs the actions and
reports `connected`, `received`, `closed`, `failed` or `expired` until a `Conclude` ends it; nothing is reported after.
What kind of check it is lives in the script (pyha.health.probes); how failures are worded follows HAProxy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from pyha.config.model import Tls

from .verdict import Verdict

TOKEN = b"\0token\0"
"""Where in a Send with a `token_file` the token belongs."""

LARGEST_ANSWER = 16 * 1024
"""Bytes of an answer that are looked at, HAProxy's `tune.chksize`."""

Stage = Literal["connect", "handshake", "exchange"]


class Expectation(Protocol):
    """What a server's answer must look like."""

    @property
    def label(self) -> str:
        """How a failure names this step."""

    def judge(self, data: bytes, *, ended: bool) -> Verdict | None:
        """The verdict on the bytes so far, or None while more are needed. Never None when `ended`."""


@dataclass(frozen=True, slots=True)
class Connect:
    """Open a connection, a new one in place of an old one; None means what the server line says."""

    host: str | None = None
    port: int | None = None
    tls: Tls | None = None
    explicit: bool = True  # written in the configuration, so that it counts as a step
    proxy: Literal["no", "v1", "v2"] = "no"  # begin with a PROXY protocol header
    comment: str = ""

    @property
    def label(self) -> str:
        """How a failure names this step."""
        return "connect" if self.port is None else f"connect port {self.port}"


@dataclass(frozen=True, slots=True)
class Send:
    """Send these bytes."""

    data: bytes
    label: str = "send"
    comment: str = ""
    token_file: str | None = None  # a secret that the caller reads and puts in place of `TOKEN`


@dataclass(frozen=True, slots=True)
class Remark:
    """Nothing to do; counts as a step."""

    comment: str = ""
    label: str = "comment"


@dataclass(frozen=True, slots=True)
class Expect:
    """Read until the expectation has a verdict."""

    expectation: Expectation
    silence: str | None = None  # the status when nothing comes in time; None: the script's
    comment: str = ""

    @property
    def label(self) -> str:
        """How a failure names this step."""
        return self.expectation.label


@dataclass(frozen=True, slots=True)
class RunProgram:
    """Run this program and report how it `exited`. `path` is the PATH that it gets."""

    command: str
    path: str = ""
    label: str = "external check"
    comment: str = ""


Step = Connect | Send | Expect | Remark | RunProgram


@dataclass(frozen=True, slots=True)
class Conclude:
    """The check is over."""

    verdict: Verdict


Action = Connect | Send | RunProgram | Conclude


@dataclass(frozen=True, slots=True)
class Script:
    """The steps, beginning with a Connect, and what is particular to this kind of check."""

    steps: tuple[Step, ...]
    passed: Verdict  # when the last step was not an Expect
    silence: str = "L7TOUT"  # the status when the server says nothing in time
    numbered: bool = False  # failures name the step, as HAProxy does for tcp-check
    keep_alive: bool = False  # the connection may serve the next check, too


class Dialogue:
    """One run of a script."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._position = 0
        self._answer = b""
        self._outcome = script.passed
        self.concluded: Verdict | None = None

    def start(self) -> list[Action]:
        """Begin: the first connection."""
        return self._run()

    def connected(self) -> list[Action]:
        """The connection asked for stands, its TLS handshake included."""
        self._position += 1
        return self._run()

    def received(self, data: bytes) -> list[Action]:
        """The server said something."""
        self._answer = (self._answer + data)[:LARGEST_ANSWER]
        return self._run() if self._expecting else []

    def closed(self) -> list[Action]:
        """The server will say nothing more."""
        return self._run(ended=True) if self._expecting else []

    def exited(self, code: int) -> list[Action]:
        """The program has ended; a signal is -1, as HAProxy has it."""
        return self._conclude(Verdict("PROCERR" if code else "PROCOK", max(code, -1)))

    def failed(self, stage: Stage, reason: str) -> list[Action]:
        """The connection, the handshake or a read or write failed; `reason` as the system words it."""
        status = {"connect": "L4CON", "handshake": "L6RSP", "exchange": "SOCKERR"}[stage]
        return self._conclude(Verdict(status, info=reason + self._where()))

    def expired(self, stage: Stage) -> list[Action]:
        """Too late."""
        step = self._step
        silence = step.silence if isinstance(step, Expect) else None
        status = {"connect": "L4TOUT", "handshake": "L6TOUT", "exchange": silence or self._script.silence}[stage]
        return self._conclude(Verdict(status, info=self._where()))

    @property
    def _expecting(self) -> bool:
        return self.concluded is None and isinstance(self._step, Expect)

    @property
    def _step(self) -> Step:
        return self._script.steps[self._position]

    def _run(self, *, ended: bool = False) -> list[Action]:
        actions: list[Action] = []
        steps: Sequence[Step] = self._script.steps
        while self._position < len(steps):
            step = steps[self._position]
            if isinstance(step, Connect | RunProgram):
                self._answer = b""
                return [*actions, step]
            if isinstance(step, Send):
                # What came before the question is not its answer.
                self._answer = b""
                actions.append(step)
            elif isinstance(step, Expect):
                verdict = step.expectation.judge(self._answer, ended=ended or len(self._answer) >= LARGEST_ANSWER)
                if verdict is None:
                    return actions
                if not verdict.passed:
                    return actions + self._conclude(verdict)
                self._outcome = verdict
                if verdict.conditional:
                    break
            self._position += 1
        return actions + self._conclude(self._outcome)

    def _conclude(self, verdict: Verdict) -> list[Action]:
        self.concluded = verdict
        return [Conclude(verdict)]

    def _where(self) -> str:
        if not self._script.numbered:
            return ""
        step = self._step
        if isinstance(step, Connect) and not step.explicit:
            return " at initial connection step of tcp-check"
        comment = f" comment: '{step.comment}'" if step.comment else ""
        return f" at step {step_number(self._script.steps, self._position)} of tcp-check ({step.label}){comment}"


def step_number(steps: Sequence[Step], position: int) -> int:
    """Which of the configured steps this is, from 1; the implicit first connection does not count."""
    implicit = isinstance(steps[0], Connect) and not steps[0].explicit
    return position + (0 if implicit else 1)
