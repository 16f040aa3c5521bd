"""What an agent beside a server says, and what it means (HAProxy's manual, section 5.2, `agent-check`).

One line of words separated by spaces or commas: `up`, `down`, `stopped`, `fail`; `ready`, `drain`, `maint`; a weight in
percent of the configured one (`75%`); what follows `#` is for people.
"""

import re
from dataclasses import dataclass
from typing import Literal

from pyha.config.model import Agent
from pyha.health.dialogue import Connect, Expect, Script, Send, Step
from pyha.health.verdict import Verdict

_WORD = re.compile(r"[^\s,]+")
_PERCENT = re.compile(r"(\d{1,3})%")
Admin = Literal["ready", "drain", "maint"]
_ADMIN: dict[str, Admin] = {"ready": "ready", "drain": "drain", "maint": "maint"}
_FAILING = ("down", "stopped", "fail")
_NO_CHANGE = Verdict("CHECKED")
_LARGEST = 1024  # bytes of a line


@dataclass(frozen=True, slots=True)
class Report:
    """What an agent asks for; None is "no word about that"."""

    up: bool | None = None
    admin: Admin | None = None
    percent: int | None = None
    verdict: Verdict = _NO_CHANGE


def read(line: str) -> Report:
    """Read a line. A word that nobody knows makes the whole line an error that changes nothing."""
    words, remark = _words(line)
    up: bool | None = None
    admin: Admin | None = None
    percent: int | None = None
    said = ""
    for word in words:
        known = word.lower()
        weight = _PERCENT.fullmatch(known)
        if weight:
            percent = int(weight[1])
        elif known == "up" or known in _FAILING:
            up, said = known == "up", word
        elif known in _ADMIN:
            admin = _ADMIN[known]
        elif not known.startswith("maxconn:"):
            return Report(verdict=Verdict("CHECKED", info=f"agent reports an error : {line.strip()}"))
    if up is None:
        return Report(None, admin, percent)
    info = f"via agent : {said}" + (f" ({remark})" if remark else "")
    return Report(up, admin, percent, Verdict("L7OK" if up else "L7STS", 0, info))


def _words(line: str) -> tuple[list[str], str]:
    words: list[str] = []
    for match in _WORD.finditer(line):
        if match[0].startswith("#"):
            return words, line[match.start() + 1:].strip()
        words.append(match[0])
    return words, ""


@dataclass(frozen=True, slots=True)
class LineExpected:
    """A line, or what there is when the agent hangs up. The verdict's info is the line."""

    label: str = "expect agent's answer"

    def judge(self, data: bytes, *, ended: bool) -> Verdict | None:
        """None while the line is not complete."""
        line, newline, _ = data[:_LARGEST].partition(b"\n")
        if not (newline or ended or len(data) >= _LARGEST):
            return None
        if not data:
            return Verdict("L7RSP", info="TCPCHK got an empty response at step 2")
        return Verdict("CHECKED", info="".join(char for char in line.decode("latin-1") if char.isprintable()))


def script(agent: Agent) -> Script:
    """Connect, say what is to be said, read a line."""
    steps: list[Step] = [Connect(host=None, port=agent.port, explicit=False)]
    if agent.send:
        steps.append(Send(agent.send.encode("latin-1")))
    return Script((*steps, Expect(LineExpected())), passed=Verdict("CHECKED"))
