"""The links and addresses of this machine as known here: filled from netlink's events, asked by virtual routers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface

from pyha.config.base import IPAddress


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface."""

    index: int
    name: str
    up: bool  # administratively, and with a carrier
    mac: str = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Held:
    """An address that an interface has."""

    index: int
    interface: IPv4Interface | IPv6Interface
    scope: int = 0
    secondary: bool = False
    tentative: bool = False  # duplicate address detection still runs: not usable yet


@dataclass(frozen=True, slots=True)
class Wanted:
    """A virtual address as it should be on an interface.

    `lease`: seconds after which the kernel removes it by itself unless it is added again; None: it stays.
    """

    index: int
    interface: IPv4Interface | IPv6Interface
    scope: str = "global"
    label: str | None = None
    broadcast: IPAddress | None = None
    peer: IPv4Interface | IPv6Interface | None = None
    lease: int | None = None
    dad: bool = False  # IPv6: duplicate address detection before it is used
    options: tuple[str, ...] = ()  # home, mngtmpaddr, noprefixroute, autojoin (ip-address(8))
    preferred: int | None = None  # seconds for which it is a source of new connections; None: as the family has it


class Mirror:
    """Links by name, addresses by (index of their link, address)."""

    def __init__(self) -> None:
        self.links: dict[str, Link] = {}
        self.addresses: dict[tuple[int, IPAddress], Held] = {}
        self.judge: Callable[[Link], Link] = lambda link: link  # what a link counts as

    def clear(self) -> None:
        """Know nothing, before everything is read anew."""
        self.links, self.addresses = {}, {}

    def link_of(self, index: int) -> Link | None:
        """The link with this index."""
        return next((link for link in self.links.values() if link.index == index), None)

    def held(self, index: int) -> Iterator[Held]:
        """The addresses of a link, in the order in which the kernel told them."""
        return (held for held in self.addresses.values() if held.index == index)

    def has(self, address: IPAddress) -> bool:
        """Whether any interface has this address."""
        return any(held == address for _index, held in self.addresses)

    def appeared(self, link: Link) -> None:
        """A link is new, or changed, its name included."""
        old = self.link_of(link.index)
        if old is not None and old.name != link.name:
            del self.links[old.name]
        self.links[link.name] = self.judge(link)

    def vanished(self, index: int) -> None:
        """A link was deleted, and its addresses with it."""
        link = self.link_of(index)
        if link is not None:
            del self.links[link.name]
        self.addresses = {key: held for key, held in self.addresses.items() if held.index != index}

    def took(self, held: Held) -> None:
        """A link has an address, or it changed."""
        self.addresses[held.index, held.interface.ip] = held

    def lost(self, index: int, address: IPAddress) -> Held | None:
        """A link has an address no longer. Returns what it was, if it was known."""
        return self.addresses.pop((index, address), None)
