"""What a virtual router needs from this machine, and what its virtual addresses look like here."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

from pyha.config.base import IPAddress
from pyha.config.vrrp_model import VirtualAddress, VirtualRouter
from pyha.runtime.mirror import Link, Mirror, Wanted
from pyha.runtime.rawsocket import AUTHENTICATED, PROTOCOL


def family(config: VirtualRouter) -> int:
    """4 or 6: the IP version that its advertisements travel over, which is that of its first virtual address."""
    if config.addresses:
        return config.addresses[0].interface.version
    for address in (config.source, *config.unicast_peers):
        if address is not None:
            return address.version
    return 4


OWNER = 255
Place = tuple[Link, IPAddress]
"""An address and the link that it is on."""

Carrier = tuple[int, int]
"""The IP version and the protocol that advertisements travel by."""


def carrier(config: VirtualRouter) -> Carrier:
    """By what advertisements travel: protocol 112, or inside an authentication header."""
    authenticated = config.version == 2 and config.authentication.kind == "AH"
    return family(config), AUTHENTICATED if authenticated else PROTOCOL


def carriers(config: VirtualRouter) -> set[Carrier]:
    """By what they may come: those of a neighbour with the other kind of authentication are to be told, not missed."""
    if config.version == 2:
        return {(family(config), PROTOCOL), (family(config), AUTHENTICATED)}
    return {(family(config), PROTOCOL)}


def hops(config: VirtualRouter) -> int:
    """The TTL or hop limit of what is sent: `unicast_ttl`, or keepalived's, who lets IPv6 unicasts go less far."""
    if not config.unicast_peers:
        return 255
    if config.unicast_ttl is not None:
        return config.unicast_ttl
    return 255 if family(config) == 4 else 64


def unwelcome(config: VirtualRouter, sender: IPAddress, ttl: int) -> str:
    """What is wrong with an advertisement that came by unicast from there, so many hops away; empty: nothing."""
    if not config.unicast_peers:
        return ""
    if config.check_unicast_source and sender not in config.unicast_peers:
        return "it is none of our unicast peers"
    for limits in config.unicast_limits:
        if limits.address == sender and not limits.min_ttl <= ttl <= limits.max_ttl:
            return f"TTL {ttl}, ours are {limits.min_ttl} to {limits.max_ttl} for this peer"
    return ""


def home(config: VirtualRouter) -> str:
    """The interface that its addresses are on, unless they name another."""
    return config.interface if config.vmac is None or config.vmac.name is None else config.vmac.name


def transmitter(config: VirtualRouter, mirror: Mirror) -> Link | None:
    """The link that advertisements leave by."""
    own = config.vmac is not None and not config.vmac.transmit_base
    return mirror.links.get(home(config) if own and not config.unicast_peers else config.interface)


def all_addresses(config: VirtualRouter) -> tuple[VirtualAddress, ...]:
    """Advertised and excluded ones."""
    return config.addresses + config.excluded_addresses


def virtual(configs: Iterable[VirtualRouter]) -> frozenset[IPAddress]:
    """Every address that moves between nodes, and so is not this node's own."""
    return frozenset(address.interface.ip for config in configs for address in all_addresses(config))


def source(config: VirtualRouter, mirror: Mirror, moving: frozenset[IPAddress]) -> IPAddress | None:
    """The address that advertisements come from: configured, or the first of the interface's own.

    RFC 9568 section 5.1.1.1: the primary address; over IPv6 the link-local one (5.1.2.1). None: there is none now.
    """
    if config.source is not None:
        return config.source if mirror.has(config.source) else None
    link = mirror.links.get(config.interface)
    if link is None:
        return None
    version, link_local = family(config), family(config) == 6 and not config.unicast_peers
    own = [
        held for held in mirror.held(link.index)
        if held.interface.version == version and held.interface.ip not in moving and not held.tentative
        and held.interface.ip.is_link_local >= link_local
    ]
    # A secondary address goes when its primary does.
    own.sort(key=lambda held: (held.secondary, held.scope))
    return own[0].interface.ip if own else None


def obstacle(config: VirtualRouter, mirror: Mirror, moving: frozenset[IPAddress]) -> str:
    """Why this virtual router cannot take part now; empty when it can."""
    link = mirror.links.get(config.interface)
    if link is None:
        return f"there is no interface {config.interface}"
    if not link.up and config.track_primary:
        return f"interface {config.interface} is down"
    if source(config, mirror, moving) is None:
        if config.source is not None:
            return f"no interface has the source address {config.source}"
        kind = "IPv4 address" if family(config) == 4 else "IPv6 address"
        return f"interface {config.interface} has no {kind} of its own"
    if home(config) not in mirror.links:
        return f"there is no interface {home(config)}"
    if config.fault_without_peers and not config.unicast_peers:
        return "it has no unicast peers"
    for address in all_addresses(config):
        if address.dev is not None and address.dev not in mirror.links:
            return f"there is no interface {address.dev} for {address.interface}"
    return ""


def wanted(config: VirtualRouter, mirror: Mirror) -> Iterator[tuple[VirtualAddress, Link, Wanted]]:
    """How its addresses are to be on this machine, for those whose interface exists."""
    for address in all_addresses(config):
        link = mirror.links.get(address.dev or home(config))
        if link is not None:
            yield address, link, as_wanted(address, link)


def as_wanted(address: VirtualAddress, link: Link) -> Wanted:
    """How an address is to be on a link."""
    options = [name for name in ("home", "mngtmpaddr", "noprefixroute", "autojoin") if getattr(address, name)]
    preferred = 0xFFFFFFFF if address.preferred_lft == "forever" else address.preferred_lft
    return Wanted(link.index, address.interface, address.scope, address.label, _broadcast(address), address.peer,
                  dad=address.dad, options=tuple(options), preferred=preferred)


def only_virtual(config: VirtualRouter, mirror: Mirror, moving: frozenset[IPAddress]) -> bool:
    """Whether the interface has addresses of the family, but only virtual ones.

    One of them was then given to the machine itself; moving it would cut the machine off.
    """
    link = mirror.links.get(config.interface)
    if link is None:
        return False
    own = {held.interface.ip for held in mirror.held(link.index) if held.interface.version == family(config)}
    return bool(own) and own <= moving


def _broadcast(address: VirtualAddress) -> IPAddress | None:
    if address.broadcast == "+":
        network = address.interface.network
        return network.broadcast_address if isinstance(network, IPv4Network) else None
    return None if address.broadcast == "-" else address.broadcast
