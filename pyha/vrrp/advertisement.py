"""Advertisements on the wire: RFC 9568 section 5.2 (version 3) and RFC 3768 section 5.3 (version 2).

    0                   1                   2                   3
    |Version| Type=1|      VRID     |   Priority    |     Count     |
    version 3:      |Rsvd|  interval, 12 bits, 1/100 s|   Checksum  |
    version 2:      |   Auth Type   |  interval, s  |   Checksum    |
    |                  Count addresses of 4 or 16 bytes             |
    version 2:      |         8 bytes of authentication data        |

`decode` applies the checks of RFC 9568 section 7.1 that need nothing but the packet, each with its own counted reason.
What depends on the configuration is compared later (pyha/vrrp/mismatch.py).
"""

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from pyha.config.base import IPAddress
from pyha.errors import DecodeError

PROTOCOL = 112
TTL = 255
_ADVERTISEMENT = 1  # the only type there is
_HEADER = 8
_AUTH_DATA = 8  # always there in version 2, whatever the type of authentication
_LONGEST_INTERVAL = 4095  # twelve bits of hundredths of a second
_OLD_UNICAST = IPv4Address("224.0.0.18")


@dataclass(frozen=True, slots=True)
class Advertisement:
    """One advertisement. `interval` is in hundredths of a second in both versions; `auth_data` as it was sent."""

    version: int
    vrid: int
    priority: int
    interval: int
    addresses: tuple[IPAddress, ...]
    auth_type: int = 0  # version 2 only: 0 none, 1 PASS, 2 AH
    auth_data: bytes = b""  # version 2 only


def decode(payload: bytes, *, source: IPAddress, destination: IPAddress, ttl: int) -> Advertisement:
    """Read the payload of an IP packet of protocol 112.

    Raises DecodeError and nothing else, whatever the bytes. Its reason is one of: length, version, type, ttl, vrid,
    count, checksum, interval.
    """
    if len(payload) < _HEADER:
        raise DecodeError("length", f"{len(payload)} bytes are too short for an advertisement")
    # RFC 9568 5.2.8 names version and type first, because everything else depends on them.
    version, kind = payload[0] >> 4, payload[0] & 15
    if version not in (2, 3) or (version == 2 and source.version == 6):
        raise DecodeError("version", f"version {version} of VRRP over IPv{source.version}")
    if kind != _ADVERTISEMENT:
        raise DecodeError("type", f"type {kind}, which is no advertisement")
    # RFC 9568 7.1: "MUST verify that the IPv4 TTL or IPv6 Hop Limit is 255". Unicast is ours and keepalived's addition:
    # it crosses routers, and keepalived sends it over IPv6 with a hop limit of 64.
    if destination.is_multicast and ttl != TTL:
        raise DecodeError("ttl", f"TTL {ttl} instead of {TTL}: it came through a router, or is forged")
    _, vrid, priority, count, middle, _checksum = struct.unpack_from("!BBBBHH", payload)
    if not vrid:
        raise DecodeError("vrid", "VRID 0")
    if not count:
        raise DecodeError("count", "no address")
    size = 4 if source.version == 4 else 16
    # RFC 9568 7.1: "MUST verify that the received packet contains the complete VRRP packet". No more than that, either.
    expected = _HEADER + count * size + (_AUTH_DATA if version == 2 else 0)
    if len(payload) != expected:
        raise DecodeError("length", f"{len(payload)} bytes instead of {expected} for {count} addresses")
    if not _checksum_ok(payload, version, source, destination):
        raise DecodeError("checksum", "wrong checksum")
    interval = middle & _LONGEST_INTERVAL if version == 3 else (middle & 255) * 100
    if not interval:
        # Believing it would make a Backup time out without end.
        raise DecodeError("interval", "advertisement interval 0")
    kind_of = IPv4Address if size == 4 else IPv6Address
    end = _HEADER + count * size
    return Advertisement(
        version=version, vrid=vrid, priority=priority, interval=interval,
        addresses=tuple(kind_of(payload[at:at + size]) for at in range(_HEADER, end, size)),
        auth_type=middle >> 8 if version == 2 else 0, auth_data=payload[end:],
    )


def encode(
    advert: Advertisement, *, source: IPAddress, destination: IPAddress, pseudo_header: bool = True
) -> bytes:
    """The payload of the IP packet.

    The checksum of version 3 over IPv4 covers a pseudo header, as keepalived and FRR have it, or with
    `pseudo_header=False` the message alone (RFC 9568 section 5.2.8). Over IPv6 it always covers one.
    """
    packed = b"".join(address.packed for address in advert.addresses)
    if advert.version == 2:
        middle = advert.auth_type << 8 | advert.interval // 100
        packed += advert.auth_data[:_AUTH_DATA].ljust(_AUTH_DATA, b"\0")
    else:
        middle = min(advert.interval, _LONGEST_INTERVAL)
    message = struct.pack("!BBBBHH", advert.version << 4 | _ADVERTISEMENT, advert.vrid, advert.priority,
                          len(advert.addresses), middle, 0) + packed
    covered = message
    if advert.version == 3 and (source.version == 6 or pseudo_header):
        covered = _pseudo_header(source, destination, len(message)) + message
    return message[:6] + (~_sum(covered) & 0xFFFF).to_bytes(2) + message[8:]


def _checksum_ok(payload: bytes, version: int, source: IPAddress, destination: IPAddress) -> bool:
    """RFC 9568 7.1: "MUST verify the VRRP checksum".

    Over IPv4 version 3 exists with the pseudo header (RFC 5798; keepalived and FRR send that) and without (RFC 9568).
    Old versions of keepalived put the multicast group into the pseudo header of unicasts, too.
    """
    over_message = _sum(payload)
    if source.version == 6:
        return _folded(over_message + _sum(_pseudo_header(source, destination, len(payload)))) == 0xFFFF
    if over_message == 0xFFFF:
        return True
    return version == 3 and any(
        _folded(over_message + _sum(_pseudo_header(source, to, len(payload)))) == 0xFFFF
        for to in (destination, _OLD_UNICAST)
    )


def _pseudo_header(source: IPAddress, destination: IPAddress, length: int) -> bytes:
    if source.version == 4:
        return source.packed + destination.packed + struct.pack("!BBH", 0, PROTOCOL, length)
    return source.packed + destination.packed + struct.pack("!IHBB", length, 0, 0, PROTOCOL)


def _sum(data: bytes) -> int:
    """The ones' complement sum of RFC 1071, of an even number of bytes, as everything here has."""
    return _folded(sum(struct.unpack(f"!{len(data) // 2}H", data)))


def _folded(total: int) -> int:
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
