"""What an Active virtual router holds: addresses, virtual routes and rules. Puts them there, and takes them away again.

Nothing here raises for anything that the kernel says: it is told, and the rest is done.
"""

import dataclasses
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

from pyha.config.base import IPAddress
from pyha.config.vrrp_model import VirtualRouter
from pyha.config.vrrp_routes import Route, Rule
from pyha.runtime import routing, vips
from pyha.runtime.mirror import Wanted
from pyha.runtime.netlink import removal
from pyha.runtime.station import Station

_log = logging.getLogger("pyha.vrrp")


class Holdings:
    """Those of one virtual router, as `config` has them."""

    def __init__(self, config: VirtualRouter, station: Station) -> None:
        self.config = config
        self._station = station

    def add(self) -> None:
        """Have all of them. What is there already is renewed."""
        if self.config.promote_secondaries:
            self._promote_secondaries()
        if self.config.addresses or self.config.excluded_addresses:
            _log.info("(%s) setting VIPs.", self.config.name)
        for address, link, wanted in vips.wanted(self.config, self._station.mirror):
            held = self._station.mirror.addresses.get((link.index, address.interface.ip))
            try:
                if held is not None and held.interface != address.interface:
                    self._station.netlink.remove(link.index, held.interface)  # left over, with another prefix length
                self._station.netlink.add(self._leased(wanted))
            except OSError as error:
                _log.error("(%s) cannot add %s to %s: %s", self.config.name, address.interface, link.name,
                           error.strerror)
        self.route(add=True)

    def remove(self, but: frozenset[IPAddress] | set[IPAddress] = frozenset()) -> None:
        """Have none, or only these addresses."""
        if not but:
            self.route(add=False)
        for address, link, _wanted in vips.wanted(self.config, self._station.mirror):
            if address.interface.ip in but or (link.index, address.interface.ip) not in self._station.mirror.addresses:
                continue
            _log.info("(%s) removing VIPs. (%s)", self.config.name, address.interface)
            try:
                self._station.netlink.remove(link.index, address.interface)
            except OSError as error:
                _log.error("(%s) cannot remove %s from %s: %s", self.config.name, address.interface, link.name,
                           error.strerror)

    def renew(self) -> None:
        """Say that the addresses are still ours. One that somebody removed is not put back by this."""
        for address, link, wanted in vips.wanted(self.config, self._station.mirror):
            if (link.index, address.interface.ip) in self._station.mirror.addresses:
                try:
                    self._station.netlink.add(self._leased(wanted))
                except OSError as error:
                    _log.error("(%s) cannot renew %s: %s", self.config.name, address.interface, error.strerror)

    def lost(self) -> bool:
        """Whether an address is not there."""
        return any(
            not address.no_track and (link.index, address.interface.ip) not in self._station.mirror.addresses
            for address, link, _wanted in vips.wanted(self.config, self._station.mirror)
        )

    def route(self, *, add: bool) -> None:
        """Have the virtual routes and rules, or not."""
        for request in self._requests(add=add):
            try:
                self._station.netlink.perform(request)
            except OSError as error:
                _log.error("(%s) a virtual route or rule cannot be %s: %s", self.config.name,
                           "added" if add else "removed", error.strerror)

    def restore(self, removed: routing.Key) -> None:
        """Somebody removed this route or rule: put it back if it is one of ours."""
        everything: tuple[Route | Rule, ...] = (*self.config.routes, *self.config.rules)
        tracked = [one for one in everything if not one.no_track]
        links = {name: link.index for name, link in self._station.mirror.links.items()}
        for request in routing.requests(tracked, links, self.config.name, add=True):
            if routing.key(request) == removed:
                _log.warning("(%s) somebody removed a virtual route or rule: it is put back", self.config.name)
                try:
                    self._station.netlink.perform(request)
                except OSError as error:
                    _log.error("(%s) it cannot be put back: %s", self.config.name, error.strerror)

    def removals(self) -> list[str]:
        """The requests that take everything away, for the will."""
        addresses = [removal(wanted.index, wanted.interface).hex()
                     for _address, _link, wanted in vips.wanted(self.config, self._station.mirror)]
        return [*(request.hex() for request in self._requests(add=False)), *addresses]

    def targets(self) -> Iterable[vips.Place]:
        """Every address with the link that it is on."""
        return [(link, address.interface.ip) for address, link, _ in vips.wanted(self.config, self._station.mirror)]

    def _requests(self, *, add: bool) -> Iterator[bytes]:
        links = {name: link.index for name, link in self._station.mirror.links.items()}
        return routing.requests((*self.config.routes, *self.config.rules), links, self.config.name, add=add)

    def _leased(self, wanted: Wanted) -> Wanted:
        return dataclasses.replace(wanted, lease=self._station.lease) if self._station.lease else wanted

    def _promote_secondaries(self) -> None:
        """So that the addresses of a subnet stay when its primary one goes (keepalived.conf(5))."""
        for name in {self.config.interface, *(address.dev for address in vips.all_addresses(self.config))} - {None}:
            try:
                Path(f"/proc/sys/net/ipv4/conf/{name}/promote_secondaries").write_text("1")
            except OSError as error:
                _log.warning("(%s) promote_secondaries has no effect on %s: %s", self.config.name, name, error.strerror)
