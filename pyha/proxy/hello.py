"""What a TLS client says first, as far as it has arrived (RFC 8446, section 4.1.2; SNI: RFC 6066, section 3).

The bytes are looked at and never taken. A hello may come in any number of segments and records; whatever is not one is
None, for ever, and what may still become one is MORE.
"""

from dataclasses import dataclass
from typing import Final


class More(str):
    """See MORE."""

    __slots__ = ()


MORE: Final = More("more")
"""Not enough bytes to tell. Compared by identity."""

_HANDSHAKE, CLIENT_HELLO = 22, 1
_LARGEST_RECORD = 16 * 1024 + 2048
_MOST_RECORDS = 8  # nobody cuts a hello finer than that, except to keep us busy
_SERVER_NAME, _ALPN = 0, 16


@dataclass(frozen=True, slots=True)
class Hello:
    """A ClientHello. `version` is major * 65536 + minor: 0x30001 is TLS 1.0, 0x30003 is 1.2, as 1.3 says, too."""

    version: int
    sni: str | None
    alpn: str | None  # the first protocol


def read(data: bytes) -> Hello | More | None:
    """The hello at the beginning of `data`."""
    kind = hello_type(data)
    if isinstance(kind, More):
        return MORE
    message = _message(data) if kind == CLIENT_HELLO else None
    return _hello(message) if isinstance(message, bytes) else message


def hello_type(data: bytes) -> int | More | None:
    """The type of the handshake message that the first record begins with: 1 is a ClientHello.

    Told when the record is complete, as HAProxy does: rules that wait for the type go on to ask for the name.
    """
    if data[:1] not in (b"", bytes([_HANDSHAKE])) or data[1:2] not in (b"", b"\x03"):
        return None
    if len(data) < 5:
        return MORE
    length = int.from_bytes(data[3:5], "big")
    if not 4 <= length <= _LARGEST_RECORD:
        return None
    return data[5] if len(data) >= 5 + length else MORE


def _message(data: bytes) -> bytes | More | None:
    """The body of the handshake message, put together from its records."""
    body = b""
    at = 0
    for _ in range(_MOST_RECORDS):
        if len(body) >= 4:
            wanted = 4 + int.from_bytes(body[1:4], "big")
            if len(body) >= wanted:
                return body[4:wanted]
        header = data[at : at + 5]
        if header[:1] not in (b"", bytes([_HANDSHAKE])):
            return None
        length = int.from_bytes(header[3:5], "big")
        if len(header) < 5 or len(data) < at + 5 + length:
            return MORE
        if not 0 < length <= _LARGEST_RECORD:
            return None
        body += data[at + 5 : at + 5 + length]
        at += 5 + length
    return None


def _hello(body: bytes) -> Hello | None:
    try:
        version = (body[0] << 16) + body[1]
        at = 2 + 32
        at += 1 + body[at]  # session id
        at += 2 + _number(body, at)  # cipher suites
        at += 1 + body[at]  # compression methods
        sni = alpn = None
        if at < len(body):
            end = at + 2 + _number(body, at)
            at += 2
            while at < end:
                kind, length = _number(body, at), _number(body, at + 2)
                content = body[at + 4 : at + 4 + length]
                if len(content) != length:
                    return None
                at += 4 + length
                if kind == _SERVER_NAME:
                    sni = _server_name(content)
                elif kind == _ALPN:
                    alpn = content[3 : 3 + content[2]].decode("latin-1")
    except IndexError:
        return None
    return Hello(version, sni, alpn)


def _number(body: bytes, at: int) -> int:
    return (body[at] << 8) + body[at + 1]


def _server_name(content: bytes) -> str | None:
    """The first host name of the list."""
    if len(content) < 5 or content[2] != 0:
        return None
    length = _number(content, 3)
    name = content[5 : 5 + length]
    return name.decode("latin-1") if len(name) == length and name else None
