"""`option mysql-check [user NAME [post-41|pre-41]]` (HAProxy's manual, section 4.2; MySQL's client/server protocol).

Without a user only the server's greeting is read. With one a login without password and a QUIT are sent at once, and
the answer to the login is looked at, too: the user must exist on the server (`CREATE USER 'haproxy'@'THIS_HOST'`), or
the server blocks this host after some of these.
"""

from dataclasses import dataclass

from pyha.config.model import Check, HealthDialogue
from pyha.health.dialogue import Expect, Script, Send, Step
from pyha.health.verdict import Verdict

from .steps import first_connect

_HEADER = 4  # three bytes of length, little-endian, and a sequence number
_ERROR = 0xFF
_QUIT = b"\x01\x00\x00\x00\x01"


@dataclass(frozen=True, slots=True)
class PacketExpected:
    """The packet number `index` of the answer (from 0) is there and is not an error."""

    step: int
    index: int = 0
    label: str = "expect MySQL packet"

    def judge(self, data: bytes, *, ended: bool) -> Verdict | None:
        """The verdict on the bytes so far, or None while more are needed."""
        if not data:
            return Verdict("L7RSP", info=f"TCPCHK got an empty response at step {self.step}") if ended else None
        first = packet = _packet(data, 0)
        if first and self.index:
            packet = _packet(data, _HEADER + len(first))
        if first is None or packet is None:
            return Verdict("L7RSP") if ended else None
        if packet[0] == _ERROR:
            return Verdict("L7STS", int.from_bytes(packet[1:3], "little"), _text(packet[3:]))
        return Verdict("L7OK", info=_text(first[1:].split(b"\0", 1)[0]))


def _packet(data: bytes, at: int) -> bytes | None:
    """The packet that begins there, None while it is not complete. An empty one says nothing: it never is."""
    size = int.from_bytes(data[at:at + 3], "little")
    packet = data[at + _HEADER:at + _HEADER + size]
    return packet if size and len(packet) == size else None


def _text(data: bytes) -> str:
    return "".join(char if char.isprintable() else "?" for char in data.decode("latin-1"))


def login(user: str, protocol: str) -> bytes:
    """A login without password or database, and a QUIT."""
    name = user.encode() + b"\0"
    if protocol == "pre-41":
        body = b"\x00\x80" + b"\x00\x00\x01" + name + b"\0"
    else:
        body = b"\x00\x82\x00\x00" + b"\x00\x80\x00\x01" + b"\x21" + bytes(23) + name + b"\0"
    return len(body).to_bytes(3, "little") + b"\x01" + body + _QUIT


def script(health: HealthDialogue, check: Check) -> Script:
    """Connect, log in if there is a user, look at what the server says."""
    steps: list[Step] = [first_connect(check)]
    if health.user:
        steps += [Send(login(health.user, health.mysql_protocol)), Expect(PacketExpected(3)),
                  Expect(PacketExpected(4, index=1))]
    else:
        steps.append(Expect(PacketExpected(2)))
    return Script(tuple(steps), passed=Verdict("L7OK"))
