"""`option ssl-hello-chk`: does the server speak TLS at all? Without certificates, keys or a TLS library.

HAProxy sends an SSLv3 ClientHello, which servers of today refuse with an alert. This one offers TLS 1.2 and 1.3
(RFC 5246 section 7.4.1.2, RFC 8446 section 4.1.2), so that they answer it; whoever only knows older versions refuses it
with an alert. Either answer is a TLS record, and that is all that is asked for.
"""

import struct
from dataclasses import dataclass

from pyha.config.model import Check, HealthDialogue
from pyha.health.dialogue import Expect, Script, Send
from pyha.health.verdict import Verdict

from .steps import first_connect

_ALERT, _HANDSHAKE = 0x15, 0x16
_TLS_1_2, _TLS_1_3 = 0x0303, 0x0304

# ECDHE with AES-GCM or ChaCha20, the three suites of TLS 1.3, and plain RSA for old servers.
_SUITES = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8, 0xC013, 0xC014, 0x009C, 0x002F,
           0x0035)
_GROUPS = (0x001D, 0x0017, 0x0018)  # x25519, P-256, P-384
_SIGNATURES = (0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601, 0x0807, 0x0201)
_RANDOM = b"pyha is asking whether you live!"  # nothing is ever encrypted with it
# A valid x25519 share whose private half nobody needs: the base point.
_KEY_SHARE = struct.pack("!HH", 0x001D, 32) + bytes([9]) + bytes(31)


def _vector(data: bytes, size: int) -> bytes:
    return len(data).to_bytes(size, "big") + data


def _words(values: tuple[int, ...]) -> bytes:
    return b"".join(struct.pack("!H", value) for value in values)


def client_hello() -> bytes:
    """One TLS record with a ClientHello that servers of today accept."""
    extensions = {
        0x000A: _vector(_words(_GROUPS), 2),
        0x000B: _vector(b"\x00", 1),  # uncompressed points
        0x000D: _vector(_words(_SIGNATURES), 2),
        0x002B: _vector(_words((_TLS_1_3, _TLS_1_2)), 1),
        0x0033: _vector(_KEY_SHARE, 2),
    }
    body = struct.pack("!H", _TLS_1_2) + _RANDOM
    body += _vector(b"", 1)  # no session to resume
    body += _vector(_words(_SUITES), 2)
    body += _vector(b"\x00", 1)  # no compression
    body += _vector(b"".join(struct.pack("!H", kind) + _vector(data, 2) for kind, data in extensions.items()), 2)
    handshake = b"\x01" + _vector(body, 3)
    return struct.pack("!BH", _HANDSHAKE, 0x0301) + _vector(handshake, 2)


@dataclass(frozen=True, slots=True)
class TlsRecordExpected:
    """The answer begins like a TLS record that answers a ClientHello: a handshake message or an alert."""

    label: str = "expect TLS record"

    def judge(self, data: bytes, *, ended: bool) -> Verdict | None:
        """The verdict on the first byte."""
        if data:
            return Verdict("L6OK" if data[0] in (_ALERT, _HANDSHAKE) else "L6RSP")
        return Verdict("L6RSP", info="TCPCHK got an empty response at step 2") if ended else None


def script(_health: HealthDialogue, check: Check) -> Script:
    """Connect, say hello, look at the first byte."""
    steps = (first_connect(check), Send(client_hello()), Expect(TlsRecordExpected()))
    return Script(steps, passed=Verdict("L6OK"), silence="L6TOUT")
