"""The header that carries a client's addresses through proxies (PROXY protocol specification, version 2020/03/05).

    read(bytes so far)  --> None: more has to come | Header | HeaderError
    written(...)        --> the bytes to send before the first of the client

Version 1 is a line of text (section 2.1), version 2 is binary (2.2). Nothing behind a header is looked at. The words of
errors are those that HAProxy logs.
"""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final, Literal

MOST: Final = 16 * 1024
"""Bytes of the longest header that is read; HAProxy's limit is its buffer, of the same size."""

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_TEXT = b"PROXY "
_LONGEST_LINE = 107  # section 2.1, CRLF included
_FIXED = 16
_CRC32C, _SSL = 0x03, 0x20  # section 2.2: PP2_TYPE_*
_NOT_TLS = bytes((_SSL, 0, 5, 0, 0, 0, 0, 0))  # pp2_tlv_ssl: the client did not use TLS, as far as we know

Endpoint = tuple[Any, ...]
"""(host, port, ...) as sockets have it."""


class HeaderError(ValueError):
    """What came is no header; the text is HAProxy's."""


@dataclass(frozen=True, slots=True)
class Header:
    """`size` bytes long. No addresses: those of the connection itself are right (LOCAL, UNKNOWN, UNIX sockets)."""

    size: int
    source: Endpoint | None = None
    destination: Endpoint | None = None


def _alien() -> HeaderError:
    return HeaderError("Received something which does not look like a PROXY protocol header")


def _invalid() -> HeaderError:
    return HeaderError("Received an invalid PROXY protocol header")


# -- reading -----------------------------------------------------------------------------------------------------------


def read(data: bytes) -> Header | None:
    """The header that `data` begins with; None while it may yet become one. Raises HeaderError, and nothing else."""
    if data.startswith(_TEXT):
        return _read_line(data)
    if data.startswith(SIGNATURE):
        return _read_binary(data) if len(data) >= _FIXED else None
    if _TEXT.startswith(data) or SIGNATURE.startswith(data):
        return None
    raise _alien()


def _read_line(data: bytes) -> Header | None:
    end = data.find(b"\n", 0, _LONGEST_LINE) + 1
    if not end:
        if len(data) < _LONGEST_LINE:
            return None
        raise _invalid()
    if data[end - 2] != 0x0D:
        raise _invalid()
    words = data[len(_TEXT):end - 2].split(b" ")
    if words[0] == b"UNKNOWN":  # whatever follows has to be ignored
        return Header(end)
    if words[0] not in (b"TCP4", b"TCP6"):
        raise HeaderError("Received an unhandled protocol in the PROXY protocol header")
    if len(words) != 5:
        raise _invalid()
    family = IPv4Address if words[0] == b"TCP4" else IPv6Address
    hosts = [_host(word, family) for word in words[1:3]]
    ports = [_port(word) for word in words[3:]]
    return Header(end, (hosts[0], ports[0]), (hosts[1], ports[1]))


def _host(word: bytes, family: type[IPv4Address] | type[IPv6Address]) -> str:
    if b"%" in word:
        raise _invalid()
    try:
        return str(family(word.decode("ascii")))
    except ValueError:  # UnicodeDecodeError is one
        raise _invalid() from None


def _port(word: bytes) -> int:
    if not (word.isdigit() and len(word) <= 5 and int(word) <= 65535):
        raise _invalid()
    return int(word)


def _read_binary(data: bytes) -> Header | None:
    command, family = data[12], data[13]
    size = _FIXED + int.from_bytes(data[14:16])
    if command >> 4 != 2:
        raise _alien()
    if command & 15 > 1 or size > MOST:
        raise _invalid()
    if len(data) < size:
        return None
    if command & 15 == 0:  # LOCAL: the proxy's own connection, a health check
        return Header(size)
    if family == 0x11:
        return _endpoints(data[:size], 4, IPv4Address)
    if family == 0x21:
        return _endpoints(data[:size], 16, IPv6Address)
    return Header(size)  # unknown to us: "the receiver should use the real connection endpoints"


def _endpoints(header: bytes, width: int, family: type[IPv4Address] | type[IPv6Address]) -> Header:
    ports = _FIXED + 2 * width
    rest = ports + 4
    if len(header) < rest:
        raise _invalid()
    _look_at_extensions(header, rest)
    source, destination = (str(family(header[at:at + width])) for at in (_FIXED, _FIXED + width))
    return Header(len(header), (source, int.from_bytes(header[ports:ports + 2])),
                  (destination, int.from_bytes(header[ports + 2:rest])))


def _look_at_extensions(header: bytes, at: int) -> None:
    """They must end where the header ends, and a checksum has to be right (section 2.2.3)."""
    while at < len(header):
        value = at + 3
        end = value + int.from_bytes(header[at + 1:value])
        if value > len(header) or end > len(header):
            raise _invalid()
        if header[at] == _CRC32C and (
                end - value != 4 or crc32c(header[:value] + bytes(4) + header[end:]).to_bytes(4) != header[value:end]):
            raise _invalid()
        at = end


# -- writing -----------------------------------------------------------------------------------------------------------


def written(version: Literal["v1", "v2"], options: Collection[str], source: Endpoint, destination: Endpoint) -> bytes:
    """The header of a client's connection from `source` to `destination`. `options`: `proxy-v2-options`."""
    ends = _address(source), _address(destination)
    if ends[0].version != ends[1].version:  # a header that we were sent need not be of our family
        ends = _six(ends[0]), _six(ends[1])
    if version == "v1":
        texts = [_text(end) for end in ends]
        return f"PROXY TCP{ends[0].version} {texts[0]} {texts[1]} {source[1]} {destination[1]}\r\n".encode()
    ports: bytes = source[1].to_bytes(2) + destination[1].to_bytes(2)
    addresses = ends[0].packed + ends[1].packed + ports
    checksum = bytes((_CRC32C, 0, 4, 0, 0, 0, 0)) if "crc32c" in options else b""
    extensions = checksum + (_NOT_TLS if "ssl" in options else b"")
    head = SIGNATURE + bytes((0x21, 0x11 if ends[0].version == 4 else 0x21))
    header = head + (len(addresses) + len(extensions)).to_bytes(2) + addresses + extensions
    if not checksum:
        return header
    at = _FIXED + len(addresses) + 3
    return header[:at] + crc32c(header).to_bytes(4) + header[at + 4:]


def _address(endpoint: Endpoint) -> IPv4Address | IPv6Address:
    return ip_address(endpoint[0].partition("%")[0])


def _six(address: IPv4Address | IPv6Address) -> IPv6Address:
    return address if address.version == 6 else IPv6Address((0xFFFF << 32) + int(address))


def _text(address: IPv4Address | IPv6Address) -> str:
    """As inet_ntop(3), which writes ::ffff:192.0.2.1; Python does so from 3.13 on."""
    mapped = address.ipv4_mapped if address.version == 6 else None
    return str(address) if mapped is None else f"::ffff:{mapped}"


# -- CRC-32C (RFC 3720, section 12.1) ----------------------------------------------------------------------------------


def _table_entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value


_TABLE = tuple(_table_entry(value) for value in range(256))


def crc32c(data: bytes) -> int:
    """The Castagnoli checksum."""
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF
