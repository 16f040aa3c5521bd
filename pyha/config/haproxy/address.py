"""Addresses (HAProxy's manual, section 11.1): `*:80`, `:::80`, `[::1]:80`, `10.0.0.1:80-90`, `host:+1000`."""

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

_ELSEWHERE = ("unix@", "abns@", "fd@", "sockpair@", "udp@", "udp4@", "udp6@", "quic4@", "quic6@", "uxst@", "uxdg@",
              "stream+", "dgram+", "uxst+", "tcp@", "tcp4@", "tcp6@", "ip@")
_FAMILIES = {"ipv4@": 4, "ipv6@": 6, "tcp4@": 4, "tcp6@": 6, "tcp@": 0, "ip@": 0}
_LARGEST_PORT = 65535


class AddressError(Exception):
    """An address that cannot be used; `str()` says why, `hint` what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port. `offset`: the port is relative to the one the client came to."""

    host: str  # "" and "*" are written as 0.0.0.0; else an IP address or a name
    first: int | None = None
    last: int | None = None
    offset: bool = False

    @property
    def family(self) -> int:
        """4, 6, or 0 for a name."""
        try:
            IPv4Address(self.host)
        except AddressValueError:
            try:
                IPv6Address(self.host)
            except AddressValueError:
                return 0
            return 6
        return 4


def parse(text: str) -> Address:
    """Read one address. The last colon separates the port, also after an IPv6 address without brackets.

    Raises AddressError. A trailing semicolon is tolerated, as HAProxy does (kind's template writes one).
    """
    rest = text.rstrip(";")
    family = 0
    prefix = next((word for word in _FAMILIES if rest.startswith(word)), "")
    if prefix:
        family, rest = _FAMILIES[prefix], rest[len(prefix):]
    elif rest.startswith("/") or rest.startswith(_ELSEWHERE):
        raise AddressError(f"'{text}': only TCP over IPv4 and IPv6 is supported here, no UNIX or inherited sockets",
                           "write an address such as 10.0.0.1:6443")
    host, port = _split(rest)
    if host in ("", "*"):
        host = "::" if family == 6 else "0.0.0.0"
    address = _ports(text, _host(text, host), port)
    if family and address.family not in (0, family):
        raise AddressError(f"'{text}' is not an IPv{family} address")
    return address


def _split(text: str) -> tuple[str, str | None]:
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        return host, port[1:] if port.startswith(":") else (port or None)
    host, colon, port = text.rpartition(":")
    return (host, port) if colon else (text, None)


def _host(text: str, host: str) -> str:
    try:
        return str(IPv6Address(host)) if ":" in host else host if _plausible(host) else _refuse(text, host)
    except AddressValueError:
        return _refuse(text, host)


def _plausible(host: str) -> bool:
    if host.replace(".", "").isdigit():
        try:
            IPv4Address(host)
        except AddressValueError:
            return False
    return host.isascii() and len(host) <= 253 and all(char.isalnum() or char in "-._" for char in host)


def _refuse(text: str, host: str) -> str:
    raise AddressError(f"'{text}': '{host}' is neither an IP address nor a host name")


def _ports(text: str, host: str, port: str | None) -> Address:
    if port is None or port == "":
        return Address(host)
    if port[0] in "+-":
        return Address(host, _port(text, port[1:]) * (1 if port[0] == "+" else -1), offset=True)
    first, dash, last = port.partition("-")
    low = _port(text, first)
    high = _port(text, last) if dash else low
    if high < low:
        raise AddressError(f"'{text}': the port range {port} ends before it begins")
    return Address(host, low, high)


def _port(text: str, port: str) -> int:
    if not (port.isascii() and port.isdigit()) or len(port) > 5 or not 1 <= int(port) <= _LARGEST_PORT:
        raise AddressError(f"'{text}': invalid port '{port}', expected a number between 1 and {_LARGEST_PORT}")
    return int(port)
