"""Routes and rules that move with the virtual addresses, or stay while pyha runs (keepalived.conf(5), ip-route(8))."""

from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Annotated, Literal

from pydantic import Field

from .base import Frozen

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Interface | IPv6Interface  # as ip-route(8): host bits may be set
Number = Annotated[int, Field(ge=0, le=2**32 - 1)]
RouteType = Literal["unicast", "local", "broadcast", "anycast", "multicast", "throw", "unreachable", "prohibit",
                    "blackhole", "nat"]


class NextHop(Frozen):
    """One `nexthop` of a route with several."""

    via: IPAddress | None = None
    dev: str | None = None
    weight: Annotated[int, Field(ge=1, le=256)] = 1
    onlink: bool = False


class Route(Frozen):
    """One line of `virtual_routes` or `static_routes`. Names of tables, protocols and scopes are those of iproute2.

    `options`: attributes that the kernel keeps for the route (`mtu`, `advmss` ...), a name and a value each.
    """

    destination: IPNetwork
    family: Literal[4, 6]
    kind: RouteType = "unicast"
    source: IPAddress | None = None  # `src`: the preferred source address
    via: IPAddress | None = None
    dev: str | None = None
    nexthops: tuple[NextHop, ...] = ()
    metric: Number | None = None
    table: str | None = None
    scope: str | None = None
    protocol: str | None = None
    tos: str | None = None
    onlink: bool = False
    append: bool = False
    options: tuple[tuple[str, str], ...] = ()
    no_track: bool = False
    track_groups: tuple[str, ...] = ()  # static routes


class Rule(Frozen):
    """One line of `virtual_rules` or `static_rules` (ip-rule(8)). None: not looked at."""

    family: Literal[4, 6] | None = None  # None: both
    inverted: bool = False  # `not`
    source: IPNetwork | None = None  # `from`
    destination: IPNetwork | None = None  # `to`
    priority: Number | None = None
    table: str | None = None
    action: Literal["table", "goto", "nop", "blackhole", "unreachable", "prohibit", "throw"] = "table"
    goto: Number | None = None
    iif: str | None = None
    oif: str | None = None
    fwmark: str | None = None  # MARK or MARK/MASK
    tos: str | None = None
    options: tuple[tuple[str, str], ...] = ()  # l3mdev, ipproto, sport, dport, uidrange, realms ...
    no_track: bool = False
    track_groups: tuple[str, ...] = ()  # static rules


UNSUPPORTED_OPTIONS = {
    "encap": "pyha makes no tunnels of routes",
    "as": "the kernel has no address translation by routes any more",
    "vrf": "name the table of the VRF with 'table'",
    "flow": "use 'realms'",
}
"""Options that are read and cannot be done, with the reason."""
