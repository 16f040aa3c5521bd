"""Routes and rules as netlink messages (rtnetlink(7)): virtual ones come and go with the addresses, static ones stay.

A message is made once as bytes, so that the will can carry the one that removes it.
"""

import contextlib
import logging
import re
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pyha.config.vrrp_routes import IPAddress, IPNetwork, NextHop, Route, Rule

_log = logging.getLogger("pyha.vrrp")
_NLMSG = struct.Struct("=IHHII")
_RTMSG = struct.Struct("=8BI")
_NEWROUTE, _DELROUTE, _NEWRULE, _DELRULE = 24, 25, 32, 33
_REQUEST_ACK, _REPLACE, _EXCL, _CREATE, _APPEND = 0x5, 0x100, 0x200, 0x400, 0x800
_KINDS = {"unicast": 1, "local": 2, "broadcast": 3, "anycast": 4, "multicast": 5, "blackhole": 6, "unreachable": 7,
          "prohibit": 8, "throw": 9, "nat": 10}
_SCOPES = {"global": 0, "universe": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}
_TABLES = {"main": 254, "local": 255, "default": 253, "unspec": 0, "all": 0}
_PROTOCOLS = {"redirect": 1, "kernel": 2, "boot": 3, "static": 4, "ra": 9, "keepalived": 18}
_ACTIONS = {"table": 1, "goto": 2, "nop": 3, "blackhole": 6, "unreachable": 7, "prohibit": 8, "throw": 1}
_METRICS = {"mtu": 2, "window": 3, "rtt": 4, "rttvar": 5, "ssthresh": 6, "cwnd": 7, "advmss": 8, "reordering": 9,
            "hoplimit": 10, "initcwnd": 11, "features": 12, "rto_min": 13, "initrwnd": 14, "quickack": 15}
_ONLINK, _INVERT = 4, 2
_MINE = _PROTOCOLS["keepalived"]  # as keepalived marks its routes, so that `ip route` shows whose they are
_NAMES = {"table": ("/etc/iproute2/rt_tables", "/usr/share/iproute2/rt_tables"),
          "protocol": ("/etc/iproute2/rt_protos", "/usr/share/iproute2/rt_protos")}


class UnknownNameError(Exception):
    """A name that this machine does not know; `str()` is a sentence."""


def route(config: Route, links: Mapping[str, int], *, add: bool) -> bytes:
    """The message that adds or removes a route. `links`: indexes by name. Raises UnknownNameError."""
    table = _number("table", config.table or "main", _TABLES)
    scope = _scope(config)
    protocol = _number("protocol", config.protocol, _PROTOCOLS) if config.protocol else _MINE
    header = _RTMSG.pack(_family(config.family), config.destination.network.prefixlen, 0, _tos(config.tos),
                         table if table < 256 else 0, protocol, scope, _KINDS[config.kind],
                         _ONLINK if config.onlink else 0)
    attributes = [_attribute(15, struct.pack("=I", table))]
    if config.destination.network.prefixlen:
        attributes.append(_attribute(1, config.destination.ip.packed))
    if config.dev is not None:
        attributes.append(_attribute(4, struct.pack("=I", _index(links, config.dev))))
    if config.via is not None:
        attributes.append(_gateway(config.via, config.family))
    if config.metric is not None:
        attributes.append(_attribute(6, struct.pack("=I", config.metric)))
    if config.source is not None:
        attributes.append(_attribute(7, config.source.packed))
    metrics = b"".join(_attribute(_METRICS[name], struct.pack("=I", int(value)))
                       for name, value in config.options if name in _METRICS and value.isdigit())
    if metrics:
        attributes.append(_attribute(8, metrics))
    if config.nexthops:
        attributes.append(_attribute(9, b"".join(_hop(hop, links, config.family) for hop in config.nexthops)))
    flags = _CREATE | (_APPEND if config.append else _REPLACE) if add else 0
    return _message(_NEWROUTE if add else _DELROUTE, flags, header + b"".join(attributes))


def rules(config: Rule, *, add: bool) -> list[bytes]:
    """The messages that add or remove a rule: one for each family that it is for. Raises UnknownNameError."""
    families = [config.family] if config.family else _families(config)
    return [_rule(config, family, add=add) for family in families]


def _families(config: Rule) -> Iterable[int]:
    for network in (config.source, config.destination):
        if network is not None:
            return [network.version]
    return [4, 6]


def _rule(config: Rule, family: int, *, add: bool) -> bytes:
    table = _number("table", config.table or "main", _TABLES) if config.action == "table" else 0
    header = _RTMSG.pack(_family(family), _length(config.destination), _length(config.source), _tos(config.tos),
                         table if table < 256 else 0, 0, 0, _ACTIONS[config.action], _INVERT if config.inverted else 0)
    attributes = [_attribute(15, struct.pack("=I", table))] if table else []
    for kind, network in ((1, config.destination), (2, config.source)):
        if network is not None and network.network.prefixlen:
            attributes.append(_attribute(kind, network.ip.packed))
    for kind, number in ((4, config.goto), (6, config.priority)):
        if number is not None:
            attributes.append(_attribute(kind, struct.pack("=I", number)))
    for kind, name in ((3, config.iif), (17, config.oif)):
        if name is not None:
            attributes.append(_attribute(kind, name.encode() + b"\0"))
    if config.fwmark is not None:
        mark, _, mask = config.fwmark.partition("/")
        attributes.append(_attribute(10, struct.pack("=I", int(mark, 0))))
        if mask:
            attributes.append(_attribute(16, struct.pack("=I", int(mask, 0))))
    return _message(_NEWRULE if add else _DELRULE, _CREATE | _EXCL if add else 0, header + b"".join(attributes))


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _NLMSG.pack(_NLMSG.size + len(body), kind, _REQUEST_ACK | flags, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _gateway(via: IPAddress, family: int) -> bytes:
    if via.version == family:
        return _attribute(5, via.packed)
    return _attribute(18, struct.pack("=H", _family(via.version)) + via.packed)


def _hop(hop: NextHop, links: Mapping[str, int], family: int) -> bytes:
    inner = b"" if hop.via is None else _gateway(hop.via, family)
    index = _index(links, hop.dev) if hop.dev is not None else 0
    return struct.pack("=HBBi", 8 + len(inner), _ONLINK if hop.onlink else 0, hop.weight - 1, index) + inner


def _scope(config: Route) -> int:
    """The scope as ip-route(8) chooses it when it is not given."""
    if config.scope is not None:
        return _number("scope", config.scope, _SCOPES)
    if config.family == 6 or config.via is not None or config.nexthops:
        return 0
    if config.kind in ("local", "nat"):
        return _SCOPES["host"]
    return _SCOPES["link"] if config.kind in ("unicast", "broadcast", "multicast", "anycast") else 0


def _family(version: int) -> int:
    return socket.AF_INET if version == 4 else socket.AF_INET6


def _length(network: IPNetwork | None) -> int:
    return 0 if network is None else network.network.prefixlen


def _tos(text: str | None) -> int:
    with contextlib.suppress(ValueError):
        return int(text, 0) & 255 if text else 0
    raise UnknownNameError(f"there is no type of service '{text}'")


def _index(links: Mapping[str, int], name: str) -> int:
    if name not in links:
        raise UnknownNameError(f"there is no interface {name}")
    return links[name]


def _number(what: str, text: str, known: Mapping[str, int]) -> int:
    """A number, or a name that everybody or iproute2 on this machine knows."""
    with contextlib.suppress(ValueError):
        return int(text, 0)
    if text in known:
        return known[text]
    for file in _NAMES.get(what, ()):
        with contextlib.suppress(OSError):
            if found := re.search(rf"^\s*(\d+)\s+{re.escape(text)}\s*$", Path(file).read_text(), re.MULTILINE):
                return int(found[1])
    raise UnknownNameError(f"there is no {what} '{text}' on this machine")


def requests(
    configs: Iterable[Route | Rule], links: Mapping[str, int], what: str, *, add: bool
) -> Iterator[bytes]:
    """The messages for all of them. What names something that is not there is told, and left out."""
    for config in configs:
        try:
            if isinstance(config, Route):
                yield route(config, links, add=add)
            else:
                yield from rules(config, add=add)
        except UnknownNameError as error:
            if add:
                _log.error("%s: a route or rule is left out: %s", what, error)
