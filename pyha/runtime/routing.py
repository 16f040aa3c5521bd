"""Routes and rules as netlink messages (rtnetlink(7)): virtual ones come and go with the addresses, static ones stay.

A message is made once as bytes, so that the will can carry the one that removes it.
"""

import contextlib
import logging
import re
import socket
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from pyha.config.vrrp_routes import IPAddress, IPNetwork, NextHop, Route, Rule
from pyha.runtime import route_options
from pyha.runtime.route_options import attribute

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
_ONLINK, _INVERT = 4, 2
_METRIC6 = 1024  # the kernel's own for IPv6
_MINE = _PROTOCOLS["keepalived"]  # as keepalived marks its routes, so that `ip route` shows whose they are
_NAMES = {"table": ("/etc/iproute2/rt_tables", "/usr/share/iproute2/rt_tables"),
          "protocol": ("/etc/iproute2/rt_protos", "/usr/share/iproute2/rt_protos")}


Key = tuple[str, bytes, bytes, bytes, int]
"""What tells a route or rule from others: which of the two, its lengths, TOS, table, where to and from, its metric."""


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
    attributes = [attribute(15, struct.pack("=I", table))]
    if config.destination.network.prefixlen:
        attributes.append(attribute(1, config.destination.ip.packed))
    if config.dev is not None:
        attributes.append(attribute(4, struct.pack("=I", _index(links, config.dev))))
    if config.via is not None:
        attributes.append(_gateway(config.via, config.family))
    if config.metric is not None:
        attributes.append(attribute(6, struct.pack("=I", config.metric)))
    if config.source is not None:
        attributes.append(attribute(7, config.source.packed))
    attributes.append(_options(route_options.of_route, config.options))
    if config.nexthops:
        attributes.append(attribute(9, b"".join(_hop(hop, links, config.family) for hop in config.nexthops)))
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
    following = config.action == "table" and (config.table is not None or "l3mdev" not in dict(config.options))
    table = _number("table", config.table or "main", _TABLES) if following else 0
    header = _RTMSG.pack(_family(family), _length(config.destination), _length(config.source), _tos(config.tos),
                         table if table < 256 else 0, 0, 0, _ACTIONS[config.action], _INVERT if config.inverted else 0)
    attributes = [attribute(15, struct.pack("=I", table))] if table else []
    for kind, network in ((1, config.destination), (2, config.source)):
        if network is not None and network.network.prefixlen:
            attributes.append(attribute(kind, network.ip.packed))
    for kind, number in ((4, config.goto), (6, config.priority)):
        if number is not None:
            attributes.append(attribute(kind, struct.pack("=I", number)))
    for kind, name in ((3, config.iif), (17, config.oif)):
        if name is not None:
            attributes.append(attribute(kind, name.encode() + b"\0"))
    if config.fwmark is not None:
        mark, _, mask = config.fwmark.partition("/")
        attributes.append(attribute(10, struct.pack("=I", int(mark, 0))))
        if mask:
            attributes.append(attribute(16, struct.pack("=I", int(mask, 0))))
    attributes.append(_options(route_options.of_rule, config.options))
    return _message(_NEWRULE if add else _DELRULE, _CREATE | _EXCL if add else 0, header + b"".join(attributes))


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _NLMSG.pack(_NLMSG.size + len(body), kind, _REQUEST_ACK | flags, 1, 0) + body


def _options(reader: Callable[[Iterable[tuple[str, str]]], bytes], options: Iterable[tuple[str, str]]) -> bytes:
    try:
        return reader(options)
    except route_options.OptionError as error:
        raise UnknownNameError(str(error)) from None


def _gateway(via: IPAddress, family: int) -> bytes:
    if via.version == family:
        return attribute(5, via.packed)
    return attribute(18, struct.pack("=H", _family(via.version)) + via.packed)


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


def removes(message: bytes) -> bool:
    """Whether the message says that a route or rule is gone."""
    return _NLMSG.unpack_from(message)[1] in (_DELROUTE, _DELRULE)


def key(message: bytes) -> Key | None:
    """Which route or rule a message of ours or of the kernel is about; None: about something else."""
    kind = _NLMSG.unpack_from(message)[1]
    if kind not in (_NEWROUTE, _DELROUTE, _NEWRULE, _DELRULE) or len(message) < _NLMSG.size + _RTMSG.size:
        return None
    family, to, source, tos, table, _protocol, _scope_number, action, _flags = _RTMSG.unpack_from(message, _NLMSG.size)
    found = dict(_attributes(message[_NLMSG.size + _RTMSG.size:]))
    table = struct.unpack("=I", found[15])[0] if 15 in found else table
    head = struct.pack("=BBBBI", family, to, source, tos, table)
    if kind in (_NEWRULE, _DELRULE):
        # Not its priority: the kernel chooses one where none is given.
        return "rule", head + bytes([action]), found.get(1, b""), found.get(2, b""), 0
    metric = struct.unpack("=I", found[6])[0] if 6 in found else 0
    if family == socket.AF_INET6 and not metric:
        metric = _METRIC6
    return "route", head, found.get(1, b""), b"", metric


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if not 4 <= length <= len(data):
            return
        yield kind & 0x3FFF, data[4:length]
        data = data[(length + 3) & ~3:]
