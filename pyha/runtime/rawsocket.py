"""Raw sockets: advertisements in and out (protocol 112, or 51: behind an authentication header), announcements out.

One socket serves a whole address family: the control message IP_PKTINFO tells by which interface an advertisement
came, and chooses interface and source of one that goes out. Nothing here knows what is in an advertisement. Packets of
protocol 51 are sent whole, because what authenticates them covers their IP header.
"""

import contextlib
import socket
import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from pyha.config.base import IPAddress

PROTOCOL = 112
AUTHENTICATED = 51
GROUPS: dict[int, IPAddress] = {4: IPv4Address("224.0.0.18"), 6: IPv6Address("ff02::12")}
TTL = 255  # RFC 9568 section 5.1.1.3: receivers discard anything else
TOS = 0xC0  # internetwork control, as keepalived marks its advertisements

# Linux names that Python's socket module lacks.
_IP_PKTINFO, _IP_MTU_DISCOVER, _IP_PMTUDISC_DONT, _IP_MULTICAST_ALL = 8, 10, 0, 49
_IPV6_MULTICAST_ALL = 29
_SO_RCVBUFFORCE = 33
_PKTINFO4 = struct.Struct("=I4s4s")  # interface index, local address, destination
_PKTINFO6 = struct.Struct("=16sI")
_MREQN = struct.Struct("=4s4sI")
_MREQ6 = struct.Struct("=16sI")
_LARGEST = 4096  # RFC 9568 section 5.2: at most 255 addresses of 16 bytes fit, but no datagram of ours comes near
_AH = 24  # bytes of an authentication header with 12 bytes of HMAC (pyha/vrrp/ipsec.py)
_SPACE = socket.CMSG_SPACE(_PKTINFO6.size) + socket.CMSG_SPACE(4)


@dataclass(frozen=True, slots=True)
class Datagram:
    """What came: an advertisement, and where and how it came. `packet`: all of it, if it is authenticated by AH."""

    payload: bytes
    source: IPAddress
    destination: IPAddress
    ttl: int
    interface: int  # index
    packet: bytes = b""


class AdvertSocket:
    """Sends and receives the advertisements of one address family (4 or 6) on all interfaces.

    Raises PermissionError without CAP_NET_RAW. Our own multicasts are not looped back.
    """

    def __init__(self, version: int, protocol: int = PROTOCOL) -> None:
        self.version = version
        self.protocol = protocol
        self.sock = open_sender(version, protocol)
        self._joined: set[tuple[IPAddress, int]] = set()

    def enlarge(self, buffer: int) -> None:
        """Have a receive buffer of so many bytes, beyond what the system allows (CAP_NET_ADMIN). Raises OSError."""
        self.sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer)

    def fileno(self) -> int:
        """For the event loop."""
        return self.sock.fileno()

    def join(self, wanted: set[tuple[IPAddress, int]]) -> list[str]:
        """Be a member of exactly these (group, interface index). Returns what did not work; call again to retry."""
        for group, index in self._joined - wanted:
            # Fails when the interface is gone, and then there is nothing to leave.
            with contextlib.suppress(OSError):
                self._membership(group, index, join=False)
        joined = self._joined & wanted
        problems = []
        for group, index in wanted - self._joined:
            try:
                self._membership(group, index, join=True)
                joined.add((group, index))
            except OSError as error:
                problems.append(f"cannot join {group} on interface {index}: {error.strerror}")
        self._joined = joined
        return problems

    def _membership(self, group: IPAddress, index: int, *, join: bool) -> None:
        if self.version == 4:
            option = socket.IP_ADD_MEMBERSHIP if join else socket.IP_DROP_MEMBERSHIP
            self.sock.setsockopt(socket.IPPROTO_IP, option, _MREQN.pack(group.packed, bytes(4), index))
        else:
            option = socket.IPV6_JOIN_GROUP if join else socket.IPV6_LEAVE_GROUP
            self.sock.setsockopt(socket.IPPROTO_IPV6, option, _MREQ6.pack(group.packed, index))

    def send(
        self, payload: bytes, *, interface: int, source: IPAddress, destination: IPAddress, ttl: int = TTL
    ) -> None:
        """Send one advertisement. Raises OSError: no route, no such source address, interface down."""
        send(self.sock, payload, interface=interface, source=source, destination=destination, ttl=ttl)

    def receive(self) -> Datagram | None:
        """The next datagram, or None when there is none. Never raises."""
        try:
            data, controls, _flags, sender = self.sock.recvmsg(_LARGEST, _SPACE)
        except OSError:  # nothing there, or an error of the network that the next send will meet, too
            return None
        if self.version == 4:
            return _datagram4(data, controls, self.protocol)
        return _datagram6(data, controls, str(sender[0]))

    def close(self) -> None:
        """Close; memberships end with it."""
        self.sock.close()


def open_sender(version: int, protocol: int = PROTOCOL) -> socket.socket:
    """A bare raw socket that sends as AdvertSocket does."""
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK, protocol)
    try:
        if version == 4:
            _prepare4(sock)
        else:
            _prepare6(sock)
        if protocol == AUTHENTICATED:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_HDRINCL, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def send(
    sock: socket.socket, payload: bytes, *, interface: int, source: IPAddress, destination: IPAddress, ttl: int = TTL
) -> None:
    """Send one datagram by this interface, from this source. Raises OSError."""
    # The sockets have 255 already; another number goes with the packet.
    hops = struct.pack("=i", ttl)
    # For unicast the routing table chooses the way; forcing an interface would break peers behind a router.
    index = interface if destination.is_multicast else 0
    if source.version == 4:
        control = (socket.IPPROTO_IP, _IP_PKTINFO, _PKTINFO4.pack(index, source.packed, bytes(4)))
        more = [] if ttl == TTL else [(socket.IPPROTO_IP, socket.IP_TTL, hops)]
        sock.sendmsg([payload], [control, *more], 0, (str(destination), 0))
        return
    if destination.is_link_local:
        index = interface
    control = (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, _PKTINFO6.pack(source.packed, index))
    more = [] if ttl == TTL else [(socket.IPPROTO_IPV6, socket.IPV6_HOPLIMIT, hops)]
    sock.sendmsg([payload], [control, *more], 0, (str(destination), 0, 0, index))


def _prepare4(sock: socket.socket) -> None:
    for option, value in (
        (_IP_PKTINFO, 1), (socket.IP_TTL, TTL), (socket.IP_MULTICAST_TTL, TTL), (socket.IP_MULTICAST_LOOP, 0),
        (socket.IP_TOS, TOS),
        # Only groups that this socket joined, not those of every program on the machine.
        (_IP_MULTICAST_ALL, 0),
        # Without the "don't fragment" bit, as keepalived sends them.
        (_IP_MTU_DISCOVER, _IP_PMTUDISC_DONT),
    ):  # fmt: skip
        sock.setsockopt(socket.IPPROTO_IP, option, value)


def _prepare6(sock: socket.socket) -> None:
    for option, value in (
        (socket.IPV6_RECVPKTINFO, 1), (socket.IPV6_RECVHOPLIMIT, 1), (socket.IPV6_UNICAST_HOPS, TTL),
        (socket.IPV6_MULTICAST_HOPS, TTL), (socket.IPV6_MULTICAST_LOOP, 0), (socket.IPV6_TCLASS, TOS),
        (_IPV6_MULTICAST_ALL, 0),
    ):  # fmt: skip
        sock.setsockopt(socket.IPPROTO_IPV6, option, value)


_Controls = list[tuple[int, int, bytes]]


def _datagram4(data: bytes, controls: _Controls, protocol: int) -> Datagram | None:
    # A raw IPv4 socket delivers the header, too.
    header = (data[0] & 15) * 4 if data else 0
    if not 20 <= header <= len(data):
        return None
    for level, kind, value in controls:
        if level == socket.IPPROTO_IP and kind == _IP_PKTINFO and len(value) >= _PKTINFO4.size:
            interface = _PKTINFO4.unpack_from(value)[0]
            source, destination = IPv4Address(data[12:16]), IPv4Address(data[16:20])
            if protocol == AUTHENTICATED:
                return Datagram(data[header + _AH:], source, destination, data[8], interface, data)
            return Datagram(data[header:], source, destination, data[8], interface)
    return None


def _datagram6(data: bytes, controls: _Controls, sender: str) -> Datagram | None:
    ttl, destination, interface = -1, None, 0
    for level, kind, value in controls:
        if level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO and len(value) >= _PKTINFO6.size:
            packed, interface = _PKTINFO6.unpack_from(value)
            destination = IPv6Address(packed)
        elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_HOPLIMIT and len(value) >= 4:
            ttl = struct.unpack_from("=i", value)[0]
    if destination is None or ttl < 0:
        return None
    return Datagram(data, IPv6Address(sender.partition("%")[0]), destination, ttl, interface)


class FrameSocket:
    """Sends whole Ethernet frames. Raises PermissionError without CAP_NET_RAW."""

    def __init__(self) -> None:
        # Protocol 0: nothing is ever received.
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)

    def send(self, interface: str, frame: bytes) -> None:
        """Send one frame by this interface. Raises OSError: it is down or gone."""
        self._sock.sendto(frame, (interface, 0))

    def close(self) -> None:
        """Close."""
        self._sock.close()
