"""One virtual router at work: its machine decides (pyha/vrrp/router.py), this performs what it says.

An event goes in by one of the methods named after it; the effects that come back are performed in their order, and the
one timer is set to the machine's deadline. Packets are built when something changed and sent from memory otherwise.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable

from pyha.config.base import IPAddress
from pyha.config.vrrp_model import VirtualRouter
from pyha.control.messages import PeerReport, RouterReport, WillPacket
from pyha.errors import DecodeError
from pyha.runtime import clock, firewall, packets, routing, vips, vmac
from pyha.runtime.holdings import Holdings
from pyha.runtime.lateness import Lateness
from pyha.runtime.log import notice
from pyha.runtime.rawsocket import GROUPS, Datagram
from pyha.runtime.station import Station
from pyha.units import seconds
from pyha.vrrp import ipsec
from pyha.vrrp.advertisement import Advertisement, decode
from pyha.vrrp.effects import (
    AddAddresses,
    Announce,
    Effect,
    HeardLower,
    PriorityChanged,
    RemoveAddresses,
    Report,
    SendAdvertisement,
    State,
    StateChanged,
)
from pyha.vrrp.group import Group
from pyha.vrrp.mismatch import AH, auth_data, auth_type
from pyha.vrrp.router import VirtualRouter as Machine
from pyha.vrrp.track import Kind, Tracker

_log = logging.getLogger("pyha.vrrp")
_FILTERED = ("accept", "priority", "addresses", "excluded_addresses")
_AHEAD = 64  # sequence numbers
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "err": logging.ERROR,
           "error": logging.ERROR}


class Router:
    """One virtual router. Nothing here raises for anything that the network, the kernel or a script does."""

    def __init__(
        self, config: VirtualRouter, devices: tuple[vmac.Device, ...], station: Station, tracker: Tracker,
        on_change: Callable[["Router", StateChanged | HeardLower | PriorityChanged], None],
        on_settle: Callable[[Group, float], None],
    ) -> None:
        self.config = config
        self.outside = ""  # what is in the way that is not ours: a track group
        self._devices = devices
        self.version = vips.family(config)
        self._station = station
        self._on_change = on_change
        self._on_settle = on_settle
        self.group: Group | None = None
        self._source = vips.source(config, station.mirror, station.moving)
        self._tracker = tracker
        self._started = False
        self.machine = Machine(config, source=self._source, effective_priority=tracker.priority())
        self.holdings = Holdings(config, station)
        self._timer: asyncio.TimerHandle | None = None
        self._lateness = Lateness()
        self._elsewhere: asyncio.TimerHandle | None = None
        self._adverts: dict[int, list[tuple[IPAddress, bytes]]] = {}
        self._heard: tuple[Datagram, Advertisement] | None = None
        self._association = ipsec.Association(config.authentication.password)  # used with `auth_type AH` only
        self._trouble = ""

    def continues_as(self, config: VirtualRouter, devices: tuple[vmac.Device, ...]) -> bool:
        """Whether this is the same virtual router with other settings, or another one that takes its place."""
        ours = (self.config.interface, self.config.vrid, self.config.version, self.version, self.config.vmac,
                self._devices)
        return ours == (config.interface, config.vrid, config.version, vips.family(config), config.vmac, devices)

    @property
    def active(self) -> bool:
        """Whether it holds the addresses."""
        return self.machine.state is State.ACTIVE

    # -- events ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin with the next `judge`."""
        self._started = True
        firewall.apply(self.config)
        vmac.ensure(self.config, self._devices, self._station.netlink)
        self._track_interfaces()

    def clean(self) -> None:
        """Addresses that a predecessor left behind go, unless this router is Active at once."""
        if not self.active:
            self.holdings.remove()

    def expects(self, datagram: Datagram) -> bool:
        """Whether it came the way that this router talks to its peers: by multicast, or by unicast."""
        return datagram.destination.is_multicast != bool(self.config.unicast_peers)

    def receive(self, datagram: Datagram, now: float) -> None:
        """An advertisement with our VRID came by our interface."""
        if not self._started:
            return
        if wrong := vips.unwelcome(self.config, datagram.source, datagram.ttl):
            self.reject("peer", wrong, datagram.source, now)
            return
        try:
            advert = self._decode(datagram)
        except DecodeError as error:
            self.reject(error.reason, str(error), datagram.source, now)
            return
        self._perform(self.machine.receive(advert, datagram.source, now), now)

    def _decode(self, datagram: Datagram) -> Advertisement:
        if self._heard is not None and self._heard[0] == datagram:
            return self._heard[1]  # the same bytes from the same router, as nearly always
        advert = decode(datagram.payload, source=datagram.source, destination=datagram.destination, ttl=datagram.ttl)
        if bool(datagram.packet) != (advert.auth_type == AH):
            raise DecodeError("auth_type", "its authentication header does not go with the type that it names")
        if datagram.packet and self._authenticated:
            self._association.open(datagram.packet)
        else:
            self._heard = datagram, advert
        return advert

    @property
    def _authenticated(self) -> bool:
        return auth_type(self.config) == AH

    def kernel_changed(self, now: float) -> None:
        """A link or an address of this machine changed."""
        if not self._started:
            return
        vmac.ensure(self.config, self._devices, self._station.netlink)
        self._track_interfaces()
        source = vips.source(self.config, self._station.mirror, self._station.moving)
        if source is not None and source != self._source:
            self._adverts.clear()
            self._source = source
            self._perform(self.machine.set_source(source), now)
        if self.active and not self.obstacle() and self.holdings.lost():
            self._perform(self.machine.lost_address(now), now)

    def tracked(self, kind: Kind, name: str, value: int) -> None:
        """A tracked thing has another verdict; a file: another number. `judge` draws the conclusion."""
        self._tracker.update(kind, name, value)

    def count(self, reason: str) -> None:
        """Something that was no advertisement for us came by."""
        self.machine.counters[reason] = self.machine.counters.get(reason, 0) + 1

    def misdirected(self, datagram: Datagram, now: float) -> None:
        """It came by multicast and we talk to unicast peers, or the other way round."""
        ways = "unicast", "multicast"
        theirs, ours = ways[datagram.destination.is_multicast], ways[not self.config.unicast_peers]
        self.reject("destination", f"it came by {theirs} to {datagram.destination}, ours go by {ours}",
                    datagram.source, now)

    def reject(self, reason: str, sentence: str, source: IPAddress, now: float) -> None:
        """An advertisement with our VRID came that must not be heard."""
        self._perform(self.machine.reject(reason, sentence, source, now), now)

    def judge(self, now: float) -> None:
        """Compare what this router needs with what there is."""
        if not self._started:
            return
        self._perform(self.machine.set_priority(self._tracker.priority(), now), now)
        if reason := self.obstacle() or (self.group.obstacle(self.config.name) if self.group else ""):
            self._perform(self.machine.fault(reason, now), now)
        elif self._tracker.pending() and self.machine.state in (State.INITIALIZE, State.FAULT):
            self.machine.reason = self._tracker.pending()
        else:
            self._perform([*self.machine.startup(now), *self.machine.recover(now)], now)

    def reconfigure(self, config: VirtualRouter, tracker: Tracker, now: float) -> None:
        """The same virtual router with other settings."""
        if self.active:
            kept = {address.interface.ip for address in vips.all_addresses(config)}
            self.holdings.remove(but=kept)
            if (self.config.routes, self.config.rules) != (config.routes, config.rules):
                self.holdings.route(add=False)
        if self.config.authentication != config.authentication:
            self._association = ipsec.Association(config.authentication.password)
        before = self.config
        self.config = self.holdings.config = config
        self._tracker = tracker
        self._adverts.clear()
        self._heard = None
        if self._started:
            if any(getattr(before, field) != getattr(config, field) for field in _FILTERED):
                firewall.remove(before)
                firewall.apply(config)
            self._perform(self.machine.reconfigure(config, tracker.priority(), now), now)
            self.kernel_changed(now)

    def shutdown(self, now: float) -> None:
        """Let go of the addresses and say goodbye."""
        self._started = False
        self._perform(self.machine.shutdown(now), now)
        vmac.remove(self.config.name, self._devices, self._station.netlink)
        firewall.remove(self.config)
        self._station.announcer.cancel(self.config.name)
        if self._timer is not None:
            self._timer.cancel()

    def renew(self) -> None:
        """Renew the leases of the addresses."""
        if self.active:
            self.holdings.renew()

    def route_removed(self, removed: routing.Key) -> None:
        """Somebody removed a route or a rule."""
        if self.active:
            self.holdings.restore(removed)

    def _expire(self) -> None:
        if self.machine.deadline is not None:
            now = clock.now()
            self._lateness.note(max(0.0, now - self.machine.deadline), now)
        # After a pause of this process its peers' advertisements may be waiting: they come before any conclusion.
        self._station.drain()
        now = clock.now()
        self._perform(self.machine.expire(now), now)

    # -- effects -----------------------------------------------------------------------------------------------------

    def _perform(self, effects: list[Effect], now: float) -> None:
        self.perform(effects, now)
        if self.group is not None:
            self._on_settle(self.group, now)

    def perform(self, effects: list[Effect], now: float) -> None:
        """Do what the machine said, in this order."""
        for effect in effects:
            match effect:
                case SendAdvertisement(priority=priority):
                    self._send(priority)
                case AddAddresses():
                    self.holdings.add()
                case RemoveAddresses():
                    self.holdings.remove()
                case Announce(repeat=repeat):
                    self._announce(repeat)
                case StateChanged():
                    self._state_changed(effect)
                case HeardLower() | PriorityChanged():
                    self._on_change(self, effect)
                case Report(level=level, message=message):
                    _log.log(_LEVELS.get(level, logging.INFO), "(%s) %s", self.config.name, message)
        self._rearm(now)

    def _rearm(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.machine.deadline is not None:
            # The loop counts in milliseconds: rounding up keeps it from calling too early, again and again.
            delay = math.ceil(max(0.0, self.machine.deadline - now) * 1000) / 1000
            self._timer = self._station.loop.call_later(delay, self._expire)

    def _state_changed(self, change: StateChanged) -> None:
        notice(_log, f"({self.config.name}) Entering {change.new} STATE: {change.reason}")
        if change.new is not State.ACTIVE:
            self._station.announcer.cancel(self.config.name)
        self._on_change(self, change)
        if self.active and self.config.garp.extra_interfaces:
            self._announce_elsewhere()

    def _send(self, priority: int) -> None:
        link = vips.transmitter(self.config, self._station.mirror)
        if link is None or self._source is None:
            return
        sock = self._station.sockets[vips.carrier(self.config)]
        trouble = ""
        for destination, payload in self._payloads(priority, self._source):
            if self._authenticated:
                payload = self._seal(payload, self._source, destination)
            try:
                sock.send(payload, interface=link.index, source=self._source, destination=destination,
                          ttl=vips.hops(self.config))
            except OSError as error:
                trouble = f"cannot send advertisements to {destination}: {error.strerror}"
        if not priority:
            notice(_log, f"({self.config.name}) sent 0 priority")
        if trouble != self._trouble:
            self._trouble = trouble
            _log.warning("(%s) %s", self.config.name, trouble or "advertisements can be sent again")

    def _seal(self, payload: bytes, source: IPAddress, destination: IPAddress, ahead: int = 0) -> bytes:
        return self._association.seal(payload, source=source, destination=destination, ttl=vips.hops(self.config),
                                      ahead=ahead)

    def _payloads(self, priority: int, source: IPAddress) -> list[tuple[IPAddress, bytes]]:
        """What to send where. Built once for each priority, until something changes."""
        if priority not in self._adverts:
            config = self.config
            advert = Advertisement(
                version=config.version, vrid=config.vrid, priority=priority, interval=config.advert_int,
                addresses=tuple(address.interface.ip for address in config.addresses),
                auth_type=auth_type(config), auth_data=auth_data(config),
            )
            group = config.multicast_group or GROUPS[self.version]
            # Files shared by all nodes list this one among its own peers.
            peers = [peer for peer in config.unicast_peers if peer != source] if config.unicast_peers else [group]
            self._adverts[priority] = [
                # Keepalived before 1.3.6 had the multicast group in the checksum of unicasts, too.
                (peer, packets.advertisement(advert, source=source, pseudo_header=config.pseudo_header,
                                             destination=group if config.old_unicast_checksum else peer))
                for peer in peers
            ]
        return self._adverts[priority]

    def _announce(self, repeat: int) -> None:
        self._station.announcer.announce(self.config, self.holdings.targets(), repeat)

    def _announce_elsewhere(self) -> None:
        """`garp_extra_if`: by interfaces where no advertisement keeps the switches' memory fresh."""
        if self._elsewhere is not None:
            self._elsewhere.cancel()
        garp, transmitter = self.config.garp, vips.transmitter(self.config, self._station.mirror)
        if not self.active or not garp.extra_interfaces:
            self._elsewhere = None
            return
        ours = {device.name for device in self._devices}
        places = [(link, address) for link, address in self.holdings.targets()
                  if link != transmitter and (garp.extra_all or link.name in ours)]
        self._elsewhere = self._station.loop.call_later(seconds(garp.extra_interfaces), self._announce_elsewhere)
        self._station.announcer.announce(self.config, places, 1)

    # -- what there is -----------------------------------------------------------------------------------------------

    def obstacle(self) -> str:
        """Why this router by itself cannot take part; empty when it can."""
        if reason := vips.obstacle(self.config, self._station.mirror, self._station.moving):
            return reason
        return next(iter(self._tracker.faults()), self.outside)

    def _track_interfaces(self) -> None:
        for tracked in self.config.track_interfaces:
            link = self._station.mirror.links.get(tracked.name)
            self._tracker.update("interface", tracked.name, link is not None and link.up)

    # -- what to tell ------------------------------------------------------------------------------------------------

    def report(self) -> RouterReport:
        """For `pyha status`."""
        machine = self.machine
        return RouterReport(
            name=self.config.name, interface=self.config.interface, vrid=self.config.vrid,
            family="ipv4" if self.version == 4 else "ipv6", state=machine.state.value, priority=self.config.priority,
            effective_priority=machine.effective_priority, reason=machine.reason,
            addresses=tuple(str(address.interface) for address in vips.all_addresses(self.config)),
            since=round(time.time() - (clock.now() - machine.since), 1),
            master=None if machine.master is None else PeerReport(
                address=str(machine.master.address), priority=machine.master.priority),
            counters=machine.counters | {"late_us": self._lateness.recent, "late_us_max": self._lateness.worst},
            rejected=machine.complaints.rejections(machine.counters),
        )

    def will(self) -> tuple[list[WillPacket], list[str]]:
        """What is to be done if this process dies now: nothing, unless this router is Active."""
        link = vips.transmitter(self.config, self._station.mirror)
        if not self.active or link is None or self._source is None:
            return [], []
        goodbyes = []
        for destination, payload in self._payloads(0, self._source):
            if self._authenticated:  # beyond what may still be sent before the next will is made
                payload = self._seal(payload, self._source, destination, ahead=_AHEAD)
            goodbyes.append(WillPacket(interface=link.name, source=str(self._source), destination=str(destination),
                                       payload=payload.hex(), ttl=vips.hops(self.config),
                                       protocol=vips.carrier(self.config)[1]))
        return goodbyes, self.holdings.removals()
