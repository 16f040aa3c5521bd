"""An answer that contains some bytes or matches a pattern: `tcp-check expect`, and the checks made of it."""

import re
from dataclasses import dataclass

from pyha.health.verdict import Verdict

from .remarks import PLAIN, Remarks


@dataclass(frozen=True, slots=True)
class ContentExpected:
    """The answer contains some bytes, or matches a regular expression (of its hexadecimal form, for `rbinary`).

    While it does not, more may come, unless `min_recv` says how much is enough to judge.
    """

    label: str
    step: int
    text: bytes = b""
    regex: re.Pattern[bytes] | None = None
    of_hexadecimal: bool = False
    negate: bool = False
    min_recv: int | None = None
    whole_line: bool = False  # judged at the end of a line, so that nothing of it is taken for the next
    remarks: Remarks = PLAIN
    good: str = "(tcp-check)"  # the info of a pass, and of a failure
    bad: str = ""

    def judge(self, data: bytes, *, ended: bool) -> Verdict | None:
        """The verdict on the bytes so far, or None while more are needed."""
        if not data:
            own = f"TCPCHK got an empty response at step {self.step}"
            return self.remarks.failed("L7RSP", data, own=own) if ended else None
        if not ended and len(data) < max(self.min_recv or 0, len(self.text) if self.min_recv is not None else 0):
            return None
        if self.whole_line and not ended and not data.endswith(b"\n"):
            return None
        found = self._found(data)
        if not (found or ended or self.min_recv is not None):
            return None
        if found != self.negate:
            return self.remarks.passed("L7OK", data, info=self.good)
        return self.remarks.failed("L7RSP", data, info=self.bad)

    def _found(self, data: bytes) -> bool:
        if self.regex is None:
            return self.text in data
        return self.regex.search(data.hex().upper().encode() if self.of_hexadecimal else data) is not None
