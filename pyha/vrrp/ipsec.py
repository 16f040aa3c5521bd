"""`auth_type AH`: advertisements behind an authentication header (RFC 2402) with HMAC-MD5-96 (RFC 2403), as keepalived.

    IPv4 header, protocol 51 | next header 112, length 4, 0 | SPI | sequence number | 12 bytes of HMAC | advertisement

The SPI is the source address. The HMAC covers everything, with zeros for itself and for what changes on the way: TOS,
fragmentation, header checksum, and the TTL where the packet goes by unicast. One counter serves both directions: what
is heard has to be beyond it and moves it, what is sent is the next one. A number counts only after the HMAC was right.
"""

import hmac
import struct
from ipaddress import IPv4Address

from pyha.config.base import IPAddress
from pyha.errors import DecodeError

PROTOCOL = 51
HEADER = 24  # bytes of an authentication header with 12 bytes of HMAC
_VRRP, _TOS = 112, 0xC0
_IP = struct.Struct("!BBHHHBBH4s4s")
_AH = struct.Struct("!BBHII12s")
_WORDS = HEADER // 4 - 2  # its length as it says it: in words, less two
_KEY = 8  # bytes: a password is filled up with zeros
_LAST = 2**32 - 1


class Association:
    """The counters of one virtual router, and its password. Bytes in, bytes out; IPv4 only, as version 2 is."""

    def __init__(self, password: str) -> None:
        self._key = password.encode()[:_KEY].ljust(_KEY, b"\0")
        self.sequence = 0
        self._identification = 0

    def seal(self, message: bytes, *, source: IPAddress, destination: IPAddress, ttl: int, ahead: int = 0) -> bytes:
        """The whole IP packet for an advertisement. `ahead`: for one to be kept and sent later, without counting it."""
        identification, sequence = self._identification % 0xFFFF + 1, min(self.sequence + 1 + ahead, _LAST)
        if not ahead:
            self._identification, self.sequence = identification, sequence
        length = _IP.size + HEADER + len(message)
        header = _IP.pack(0x45, _TOS, length, identification, 0, ttl, PROTOCOL, 0, source.packed, destination.packed)
        ah = _AH.pack(_VRRP, _WORDS, 0, int(source), sequence, bytes(12))
        digest = self._digest(header, ah, message, multicast=destination.is_multicast)
        return header + ah[:12] + digest + message  # the kernel fills in the header's checksum

    def open(self, packet: bytes) -> bytes:
        """The advertisement in an IP packet. Raises DecodeError: length, auth_type, auth_data or sequence."""
        length = (packet[0] & 15) * 4 if packet else 0
        if length < _IP.size or len(packet) < length + HEADER:
            raise DecodeError("length", f"{len(packet)} bytes are too short for an authentication header")
        header, ah, message = packet[:length], packet[length:length + HEADER], packet[length + HEADER:]
        following, words, _reserved, spi, sequence, digest = _AH.unpack(ah)
        if (following, words) != (_VRRP, _WORDS):
            raise DecodeError("auth_type", "its authentication header is not one of VRRP with HMAC-MD5-96")
        source, destination = header[12:16], IPv4Address(header[16:20])
        if spi.to_bytes(4) != source:
            raise DecodeError("auth_data", f"its SPI is {IPv4Address(spi)}, which is not its source")
        expected = self._digest(header, ah[:12] + bytes(12), message, multicast=destination.is_multicast)
        if not hmac.compare_digest(digest, expected):
            raise DecodeError("auth_data", "it was not made with our password, or was changed on the way")
        if sequence <= self.sequence:
            raise DecodeError("sequence", f"its sequence number {sequence} is not beyond {self.sequence}: it is an "
                              "old one, or its sender has just started")
        self.sequence = sequence
        return message

    def _digest(self, header: bytes, ah: bytes, message: bytes, *, multicast: bool) -> bytes:
        # RFC 2402 section 3.3.3.1.1.1 has the TTL as zero, too; keepalived lets it be where it has to be 255.
        covered = bytearray(header)
        covered[1], covered[6:8], covered[10:12] = 0, bytes(2), bytes(2)
        if not multicast:
            covered[8] = 0
        return hmac.digest(self._key, bytes(covered) + ah + message, "md5")[:12]
