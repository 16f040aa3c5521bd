"""Sees every frame that the nodes of a laboratory send, and by which port it came: a MAC address can be shared.

It sits in the switch and reads on demand; the kernel keeps the frames, with the time at which it saw them.
"""

import ipaddress
import socket
import struct
import time
from dataclasses import dataclass
from functools import cached_property

from tests.netns.lab import Lab, Node

_SO_TIMESTAMPNS, _SO_RCVBUFFORCE = 35, 33
_OUTGOING = 4
_ARP, _IPV4, _IPV6 = b"\x08\x06", b"\x08\x00", b"\x86\xdd"
_ALL, _ANY = 0.05, 1.0  # seconds to wait for further answers, and for the first one
_TIME = struct.Struct("@qq")


@dataclass(frozen=True)
class Advert:
    """What matters of an advertisement on the wire."""

    version: int
    vrid: int
    priority: int


@dataclass(frozen=True)
class Frame:
    """One Ethernet frame: when (Unix time), from which node, what."""

    time: float
    node: str
    data: bytes

    @cached_property
    def advert(self) -> Advert | None:
        """The advertisement in it, behind an authentication header where there is one."""
        payload = self._payload
        return Advert(payload[0] >> 4, payload[1], payload[2]) if payload else None

    @property
    def source(self) -> str:
        """The IP address that sent it."""
        data = self.data
        packed = data[26:30] if data[12:14] == _IPV4 else data[22:38]
        return str(ipaddress.ip_address(packed))

    @property
    def _payload(self) -> bytes:
        data = self.data
        if data[12:14] == _IPV6 and data[20] == 112:
            return data[54:]
        if data[12:14] != _IPV4 or data[23] not in (51, 112):
            return b""
        start = 14 + (data[14] & 15) * 4
        return data[start + (24 if data[23] == 51 else 0):]

    @cached_property
    def announces(self) -> str:
        """The address that it announces: gratuitous ARP, or a neighbour advertisement to everybody."""
        data = self.data
        if data[12:14] == _ARP and data[28:32] == data[38:42]:
            return str(ipaddress.IPv4Address(data[28:32]))
        if data[12:14] == _IPV6 and data[20] == 58 and data[54] == 136 and data[38:40] == b"\xff\x02":
            return str(ipaddress.IPv6Address(data[62:78]))
        return ""

    def answers(self, address: str) -> bool:
        """Whether it is the answer to the question who has this address."""
        data, packed = self.data, ipaddress.ip_address(address).packed
        if len(packed) == 4:
            return data[12:14] == _ARP and data[20:22] == b"\0\2" and data[28:32] == packed
        return (data[12:14] == _IPV6 and data[20] == 58 and data[54] == 136 and bool(data[58] & 0x40)
                and data[62:78] == packed)


class Tap:
    """All frames since it was made; `client` is the node that asks who has an address."""

    def __init__(self, lab: Lab, client: Node) -> None:
        self._names = {node.port: node.name for node in lab.nodes}
        self._client = client
        self.frames: list[Frame] = []
        with lab.switch.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))  # everything
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 8 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._socket.setblocking(False)
        with client.inside():
            self._asking = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self._asking.bind(("eth0", 0))
        self._mac = self._asking.getsockname()[4]

    def read(self) -> list[Frame]:
        """Take in what has come; returns all frames so far."""
        while True:
            try:
                data, controls, _flags, address = self._socket.recvmsg(2048, 64)
            except BlockingIOError:
                return self.frames
            # Bridge and ports see each frame several times; it is sent once, and then enters by a port.
            if address[2] != _OUTGOING and address[0] in self._names:
                seconds, nanoseconds = _TIME.unpack(controls[0][2][:_TIME.size])
                self.frames.append(Frame(seconds + nanoseconds / 1e9, self._names[address[0]], data))

    def forget(self, *, older_than: float) -> None:
        """Drop the frames that were sent so many seconds ago."""
        self.frames = [frame for frame in self.read() if frame.time > time.time() - older_than]

    def adverts(self, *, since: float = 0.0, node: str | None = None) -> list[Frame]:
        """Advertisements, of all nodes or of one, after a moment."""
        return [frame for frame in self.read()
                if frame.advert and frame.time >= since and node in (None, frame.node)]

    def announcements(self, address: str, *, since: float = 0.0, node: str | None = None) -> list[Frame]:
        """Gratuitous ARPs, or unsolicited neighbour advertisements, for an address."""
        return [frame for frame in self.read()
                if frame.announces == address and frame.time >= since and node in (None, frame.node)]

    def answering(self, address: str) -> list[str]:
        """Ask everybody who has the address; returns the nodes that answered, sorted."""
        asked = len(self.read())
        self._asking.send(self._question(address))
        began = time.monotonic()
        while True:
            time.sleep(0.01)
            found = {frame.node for frame in self.read()[asked:] if frame.answers(address)}
            # A macvlan hands broadcasts to a kernel thread, which on a busy machine takes its time.
            if time.monotonic() - began > (_ALL if found else _ANY):
                return sorted(found)

    def _question(self, address: str) -> bytes:
        mac, target = self._mac, ipaddress.ip_address(address).packed
        if len(target) == 4:
            own = ipaddress.IPv4Address(self._client.addresses()[0].split("/")[0]).packed
            return (b"\xff" * 6 + mac + _ARP + bytes.fromhex("0001 0800 06 04 0001") + mac + own + bytes(6) + target)
        link_local = next(held.split("/")[0] for held in self._client.addresses() if "fe80" in held)
        own = ipaddress.IPv6Address(link_local).packed
        group = bytes.fromhex("ff0200000000000000000001ff") + target[13:]
        solicitation = bytes([135, 0, 0, 0, 0, 0, 0, 0]) + target + b"\x01\x01" + mac
        covered = own + group + struct.pack("!IHBB", len(solicitation), 0, 0, 58) + solicitation
        total = sum(struct.unpack(f"!{len(covered) // 2}H", covered))
        while total >> 16:
            total = (total & 0xFFFF) + (total >> 16)
        message = solicitation[:2] + struct.pack("!H", ~total & 0xFFFF) + solicitation[4:]
        return (b"\x33\x33\xff" + target[13:] + mac + _IPV6 + struct.pack("!IHBB", 6 << 28, len(message), 58, 255)
                + own + group + message)

    def summary(self, last: int = 40) -> str:
        """The latest of what routers said, for the report of a failure."""
        lines = []
        for frame in self.read():
            if frame.advert:
                lines.append(f"{frame.time:.3f} {frame.node}: advertisement, priority {frame.advert.priority}")
            elif frame.announces:
                lines.append(f"{frame.time:.3f} {frame.node}: announces {frame.announces}")
        return "\n".join(lines[-last:])

    def close(self) -> None:
        """Stop looking."""
        self._socket.close()
        self._asking.close()
