"""The rarer options of routes and rules as attributes of netlink messages: ip-route(8), ip-rule(8), rtnetlink(7)."""

import contextlib
import re
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_METRICS = {"mtu": 2, "window": 3, "rtt": 4, "rttvar": 5, "ssthresh": 6, "cwnd": 7, "advmss": 8, "reordering": 9,
            "hoplimit": 10, "initcwnd": 11, "features": 12, "rto_min": 13, "initrwnd": 14, "quickack": 15,
            "fastopen_no_cookie": 17}
_LOCK, _CONGCTL = 1, 16
_FEATURES = {"ecn": 1, "tcp_usec_ts": 16}
_EIGHTHS = {"rtt": 8, "rttvar": 4}  # the kernel's unit of these, of a millisecond
_TIMES = {"s": 1000, "ms": 1, "msec": 1, "msecs": 1, "sec": 1000, "secs": 1000}
_PREFERENCES = {"low": 3, "medium": 0, "high": 1}
_REALMS = {"realms": ("/etc/iproute2/rt_realms", "/usr/share/iproute2/rt_realms")}


class OptionError(Exception):
    """A value that cannot be read; `str()` is a sentence."""


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, filled up to four bytes."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def of_route(options: Iterable[tuple[str, str]]) -> bytes:
    """The attributes for these options of a route. Raises OptionError."""
    plain, metrics, locked = b"", b"", 0
    for name, text in options:
        value = text.removeprefix("lock ")
        if name in _METRICS:
            metrics += attribute(_METRICS[name], struct.pack("=I", _metric(name, value)))
            locked |= (1 << _METRICS[name]) if text != value else 0
        elif name == "congctl":
            metrics += attribute(_CONGCTL, value.encode() + b"\0")
            locked |= (1 << _CONGCTL) if text != value else 0
        elif name in _ROUTE:
            kind, read = _ROUTE[name]
            plain += attribute(kind, read(value))
    if locked:
        metrics = attribute(_LOCK, struct.pack("=I", locked)) + metrics
    return plain + (attribute(8, metrics) if metrics else b"")


def of_rule(options: Iterable[tuple[str, str]]) -> bytes:
    """The attributes for these options of a rule. Raises OptionError."""
    return b"".join(attribute(kind, read(text)) for name, text in options if name in _RULE
                    for kind, read in [_RULE[name]])


def _metric(name: str, text: str) -> int:
    if name == "features":
        return _FEATURES[text] if text in _FEATURES else _whole(text)
    found = re.fullmatch(r"(\d+)([a-z]+)", text)
    if name in (*_EIGHTHS, "rto_min") and found and found[2] in _TIMES:
        return int(found[1]) * _TIMES[found[2]] * _EIGHTHS.get(name, 1)
    return _whole(text)


def _whole(text: str, limit: int = 2**32 - 1) -> int:
    with contextlib.suppress(ValueError):
        if 0 <= (value := int(text, 0)) <= limit:
            return value
    raise OptionError(f"'{text}' is not a number up to {limit}")


def _number(layout: str) -> Callable[[str], bytes]:
    size = 8 * struct.calcsize(layout)
    return lambda text: struct.pack(layout, _whole(text, 2**size - 1))


def _word(known: Mapping[str, int]) -> Callable[[str], bytes]:
    def read(text: str) -> bytes:
        if text not in known:
            raise OptionError(f"'{text}' is none of {', '.join(known)}")
        return bytes([known[text]])
    return read


def _range(layout: str) -> Callable[[str], bytes]:
    """`A-B`, or `A` alone."""
    def read(text: str) -> bytes:
        first, _, last = text.partition("-")
        limit = 2 ** (4 * struct.calcsize(layout)) - 1
        return struct.pack(layout, _whole(first, limit), _whole(last or first, limit))
    return read


def _realms(text: str) -> bytes:
    """`[FROM/]TO`, numbers or names of this machine."""
    source, _, target = text.rpartition("/")
    return struct.pack("=I", (_realm(source) << 16 if source else 0) | _realm(target))


def _realm(text: str) -> int:
    if text.isdigit():
        return _whole(text, 0xFFFF)
    for file in _REALMS["realms"]:
        with contextlib.suppress(OSError):
            if found := re.search(rf"^\s*(\d+)\s+{re.escape(text)}\s*$", Path(file).read_text(), re.MULTILINE):
                return int(found[1])
    raise OptionError(f"there is no realm '{text}' on this machine")


def _ip_protocol(text: str) -> bytes:
    with contextlib.suppress(OSError):
        return bytes([socket.getprotobyname(text)])
    return bytes([_whole(text, 255)])


def _protocol(text: str) -> bytes:
    known = {"redirect": 1, "kernel": 2, "boot": 3, "static": 4, "ra": 9, "keepalived": 18}
    return bytes([known[text] if text in known else _whole(text, 255)])


_ROUTE: dict[str, tuple[int, Callable[[str], bytes]]] = {
    "realms": (11, _realms), "realm": (11, _realms), "pref": (20, _word(_PREFERENCES)), "expires": (23, _number("=I")),
    "ttl-propagate": (26, _word({"disabled": 0, "enabled": 1})),
}
_RULE: dict[str, tuple[int, Callable[[str], bytes]]] = {
    "realms": (11, _realms), "tun_id": (12, _number("!Q")), "suppress_ifgroup": (13, _number("=I")),
    "suppress_prefixlength": (14, _number("=I")), "l3mdev": (19, lambda _text: b"\1"), "uidrange": (20, _range("=II")),
    "protocol": (21, _protocol), "ip_proto": (22, _ip_protocol), "ipproto": (22, _ip_protocol),
    "sport": (23, _range("=HH")), "dport": (24, _range("=HH")),
}
