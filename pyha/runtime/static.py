"""Static addresses, routes and rules: there while pyha runs (keepalived.conf(5), static_ipaddress and its siblings)."""

import logging
from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv6Interface

from pyha.config.vrrp_model import VirtualAddress, Vrrp
from pyha.config.vrrp_routes import Route, Rule
from pyha.runtime import routing, vips
from pyha.runtime.netlink import Netlink

_Known = tuple[dict[str, int], list[tuple[int, IPv4Interface | IPv6Interface]]]
_log = logging.getLogger("pyha.vrrp")


class Static:
    """Puts them there, puts them back when their interface comes back, and takes them away in the end."""

    def __init__(self) -> None:
        self._addresses: tuple[VirtualAddress, ...] = ()
        self._routing: tuple[Route | Rule, ...] = ()
        self._gone: set[routing.Key] = set()  # routes and rules that somebody removed
        self._known: _Known = {}, []  # links and addresses at the last look

    def configure(self, vrrp: Vrrp, netlink: Netlink) -> None:
        """Be these from now on."""
        routing_now: tuple[Route | Rule, ...] = (*vrrp.static_routes, *vrrp.static_rules)
        if self._addresses == vrrp.static_addresses and self._routing == routing_now:
            return
        kept = {address.interface for address in vrrp.static_addresses}
        self._remove(netlink, [one for one in self._addresses if one.interface not in kept])
        self._addresses, self._routing = vrrp.static_addresses, routing_now
        self._known, self._gone = ({}, []), set()
        self.refresh(netlink)

    def route_changed(self, key: routing.Key, *, gone: bool) -> bool:
        """A route or rule of this machine came or went. Returns whether that changes what is `missing`."""
        before = key in self._gone
        (self._gone.add if gone else self._gone.discard)(key)
        return before != gone and any(one.track_groups for one in self._routing)

    def missing(self, netlink: Netlink) -> dict[str, str]:
        """What is not there, by the track groups that need it."""
        found: dict[str, str] = {}
        for address in self._addresses:
            link = netlink.mirror.links.get(address.dev or "")
            if link is None or (link.index, address.interface.ip) not in netlink.mirror.addresses:
                found |= dict.fromkeys(address.track_groups, f"the static address {address.interface} is missing")
        links = {name: link.index for name, link in netlink.mirror.links.items()}
        for one in self._routing:
            what = "route" if isinstance(one, Route) else "rule"
            if one.track_groups and any(routing.key(request) in self._gone
                                        for request in routing.requests([one], links, "static", add=True)):
                found |= dict.fromkeys(one.track_groups, f"a static {what} is missing")
        return found

    def refresh(self, netlink: Netlink) -> None:
        """Links changed: one that is new gets what belongs to it.

        So does one whose addresses changed: with the last of them the kernel has silently dropped all its routes.
        """
        links = {name: link.index for name, link in netlink.mirror.links.items() if link.up or name == "lo"}
        held = [(index, held.interface) for index in links.values() for held in netlink.mirror.held(index)]
        before, self._known = self._known, (links, held)
        if before == self._known:
            return
        for address in self._addresses if before[0] != links else ():
            link = netlink.mirror.links.get(address.dev or "")
            if link is not None:
                try:
                    netlink.add(vips.as_wanted(address, link))
                except OSError as error:
                    _log.error("cannot add the static address %s to %s: %s", address.interface, link.name,
                               error.strerror)
        for request in self._requests(netlink, add=True):
            if before[0] == links and routing.key(request) in self._gone:
                continue  # somebody wanted that; with a link that is new it went with the old one
            try:
                netlink.perform(request)
            except OSError as error:
                _log.error("a static route or rule cannot be added: %s", error.strerror)

    def remove(self, netlink: Netlink) -> None:
        """Take everything away."""
        self._remove(netlink, list(self._addresses))

    def _remove(self, netlink: Netlink, addresses: list[VirtualAddress]) -> None:
        for request in self._requests(netlink, add=False):
            try:
                netlink.perform(request)
            except OSError as error:
                _log.warning("a static route or rule cannot be removed: %s", error.strerror)
        for address in addresses:
            link = netlink.mirror.links.get(address.dev or "")
            if link is not None:
                try:
                    netlink.remove(link.index, address.interface)
                except OSError as error:
                    _log.warning("cannot remove the static address %s: %s", address.interface, error.strerror)

    def _requests(self, netlink: Netlink, *, add: bool) -> Iterator[bytes]:
        links = {name: link.index for name, link in netlink.mirror.links.items()}
        return routing.requests(self._routing, links, "static", add=add)
