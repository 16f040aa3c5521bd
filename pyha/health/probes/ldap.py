"""`option ldap-check`: an anonymous bind is answered with success (HAProxy's manual, section 4.2; RFC 4511)."""

from dataclasses import dataclass

from pyha.config.model import Check, HealthDialogue
from pyha.health.dialogue import Expect, Script, Send
from pyha.health.verdict import Verdict

from .steps import first_connect

# LDAPMessage{ messageID 1, BindRequest{ version 3, name "", simple "" } }, RFC 4511 section 4.2
_BIND = bytes.fromhex("300c020101600702010304008000")
_SHORTEST = 14
_NOT_LDAP = Verdict("L7RSP", info="Not LDAPv3 protocol")
_REFUSED = "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9"


@dataclass(frozen=True, slots=True)
class BindResponseExpected:
    """A BindResponse with resultCode success (RFC 4511 sections 4.2.2 and 4.1.9)."""

    label: str = "expect LDAP bind response"

    def judge(self, data: bytes, *, ended: bool) -> Verdict | None:
        """The verdict on the bytes so far, or None while more are needed."""
        if not data:
            return Verdict("L7RSP", info="TCPCHK got an empty response at step 2") if ended else None
        if len(data) < _SHORTEST and not ended:
            return None
        if data[0] != 0x30:
            return _NOT_LDAP
        size, start = _length(data, 1)
        if len(data) < start + size or size == 0:
            return Verdict("L7RSP") if ended else None
        return _response(data[:start + size], start)


def _response(data: bytes, start: int) -> Verdict:
    # messageID 1, then [APPLICATION 1] BindResponse
    if data[start:start + 4] != b"\x02\x01\x01\x61":
        return _NOT_LDAP
    _, at = _length(data, start + 4)
    # resultCode ENUMERATED
    if data[at:at + 2] != b"\x0a\x01" or len(data) < at + 3:
        return _NOT_LDAP
    code = data[at + 2]
    return Verdict("L7STS", code, _REFUSED) if code else Verdict("L7OK", info="Success")


def _length(data: bytes, at: int) -> tuple[int, int]:
    """A BER length and where what it measures begins; 0 while it is not complete (ITU-T X.690, section 8.1.3)."""
    if len(data) <= at:
        return 0, at
    first = data[at]
    if first < 0x80:
        return first, at + 1
    end = at + 1 + (first & 0x7F)
    return (int.from_bytes(data[at + 1:end], "big"), end) if len(data) >= end else (0, end)


def script(_health: HealthDialogue, check: Check) -> Script:
    """Connect, bind, look at the result."""
    return Script((first_connect(check), Send(_BIND), Expect(BindResponseExpected())), passed=Verdict("L7OK"))
