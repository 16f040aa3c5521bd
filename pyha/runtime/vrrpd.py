"""The vrrp process: holds the virtual addresses, or stands by to.

What each event does:

    Configure               become what it says, the first time as any other; Rejected leaves everything as it was
    BalancerHealth          the verdict of scripts that ask whether haproxy is alive
    an advertisement        goes to the virtual router with its interface, VRID and family
    a link or address       every virtual router compares what it needs with what there is
    Stop, TERM              priority 0, addresses off, notify scripts for the stop, exit 0
    the supervisor is gone  the same

After every change the supervisor gets a report, and the will: what to do for us if we die.
"""

import asyncio
import contextlib
import gc
import logging
import math
import signal
from collections.abc import Sequence

import uvloop

from pyha.config.vrrp_model import SyncGroup, Vrrp
from pyha.control.messages import BalancerHealth, Configure, Configured, Message, Rejected, Stop, VrrpReport, Will
from pyha.errors import FitnessError
from pyha.runtime import clock, firewall, log, routing, scheduling, scripts, systemd, vips, vmac
from pyha.runtime.channel import Channel
from pyha.runtime.groups import Groups
from pyha.runtime.notifications import Notifications
from pyha.runtime.rawsocket import Datagram
from pyha.runtime.router import Router
from pyha.runtime.routewatch import RouteWatch
from pyha.runtime.static import Static
from pyha.runtime.station import Station
from pyha.runtime.tracked_scripts import TrackedScripts
from pyha.runtime.watched import Watched
from pyha.units import seconds
from pyha.vrrp.complaints import Complaints
from pyha.vrrp.effects import HeardLower, PriorityChanged, State, StateChanged
from pyha.vrrp.track import Kind, Tracker

_log = logging.getLogger("pyha.vrrp")
_REPORT = 1.0  # seconds between two reports when nothing happens, and so many more for each virtual router: with a
_REPORT_EACH = 0.03  # hundred of them, reports every second took half of the CPU time. A change is told at once
_BACKLOG = 1_000_000  # bytes: a supervisor that does not read gets no more reports
_SHORTEST_LEASE = 2  # seconds
_LAST_WORDS = 0.8  # seconds that notify scripts for the stop get


class Vrrpd:
    """All virtual routers of this node."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        self._vrrp = Vrrp()
        self._station: Station | None = None
        self._routers: dict[str, Router] = {}
        self._scripts = TrackedScripts(self._loop, self._script_changed)
        self._static = Static()
        self._strangers = Complaints()
        self._watched = Watched(self._loop, self._tracked)
        self._routes = RouteWatch(self._loop, self._route_changed)
        self._groups = Groups(self._group_changed)
        self._notifications = Notifications(self._loop)
        self._will = Will()
        self._telling: asyncio.Handle | None = None
        self._renewing: asyncio.TimerHandle | None = None

    async def run(self) -> int:
        """Until Stop, a signal, or the end of the supervisor. Returns the exit code."""
        for number in (signal.SIGINT, signal.SIGHUP):  # meant for the supervisor, which then tells us
            self._loop.add_signal_handler(number, lambda: None)
        self._loop.add_signal_handler(signal.SIGTERM, self._stopping.set)
        self._channel.attach(self._loop, self._received, self._orphaned)
        await self._stopping.wait()
        await self._stop()
        return 0

    # -- the supervisor ----------------------------------------------------------------------------------------------

    def _received(self, message: Message, _fds: list[int]) -> None:
        match message:
            case Configure():
                self._configure(message)
            case BalancerHealth(healthy=healthy, reason=reason):
                self._scripts.balancer(healthy=healthy, reason=reason)
                self._watched.balancer(healthy=healthy)
            case Stop():
                self._stopping.set()
            case _:
                pass

    def _orphaned(self) -> None:
        _log.error("the supervisor is gone: letting go of the addresses")
        self._stopping.set()

    async def _stop(self) -> None:
        now = clock.now()
        for router in self._routers.values():
            router.shutdown(now)
        self._scripts.stop()
        self._watched.stop()
        self._tell()
        while self._notifications.busy and clock.now() < now + _LAST_WORDS:
            await asyncio.sleep(0.01)
        with contextlib.suppress(TimeoutError):  # a frozen supervisor must not keep us here
            await asyncio.wait_for(self._channel.drain(), _LAST_WORDS / 4)
        self._channel.close()
        self._notifications.close()
        if self._station is not None:
            self._routes.want(wanted=False)
            self._static.remove(self._station.netlink)
            self._station.close()

    def _tell(self) -> None:
        """Report, and replace the will if it is another one; then again in a while."""
        if self._telling is not None:
            self._telling.cancel()
        packets, requests = [], []
        for router in self._routers.values():
            goodbyes, removals = router.will()
            packets += goodbyes
            requests += removals
        will = Will(packets=tuple(packets), requests=tuple(requests))
        if will != self._will:
            self._will = will
            self._channel.send(will)
        if self._channel.unsent < _BACKLOG:
            self._channel.send(VrrpReport(routers=tuple(router.report() for router in self._routers.values())))
        self._telling = self._loop.call_later(_REPORT + _REPORT_EACH * len(self._routers), self._tell)

    def _tell_soon(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        self._telling = self._loop.call_soon(self._tell)

    # -- configuration -----------------------------------------------------------------------------------------------

    def _configure(self, message: Configure) -> None:
        vrrp = message.config.vrrp
        try:
            station = self._fit(vrrp)
        except FitnessError as error:
            self._channel.send(Rejected(generation=message.generation, reason=str(error)))
            return
        self._station = station
        scheduling.apply(vrrp.scheduling)
        self._become(vrrp, station, balancer_available=bool(message.config.frontends))
        # Nothing of this becomes garbage before the next configuration: no collection need look at it.
        gc.collect()
        gc.freeze()
        self._channel.send(Configured(generation=message.generation))
        self._tell()

    def _fit(self, vrrp: Vrrp) -> Station:
        """Whether this machine can run that, and what it takes to. Raises FitnessError."""
        for script in vrrp.scripts:
            scripts.identity(vrrp, script.user, script.group)
        scripts.identity(vrrp)
        station = self._station or Station(self._loop, self._arrived, self._kernel_changed)
        try:
            station.open({carrier for router in vrrp.routers for carrier in vips.carriers(router)})
            moving = vips.virtual(vrrp.routers)
            for router in vrrp.routers:
                vmac.check(router, station.netlink)
                if vips.only_virtual(router, station.mirror, moving):
                    raise FitnessError(
                        f"virtual router {router.name}: every address of {router.interface} is a virtual one; "
                        f"give the interface an address of its own, which stays when the virtual one moves")
        except FitnessError:
            if station is not self._station:
                station.close()
            raise
        return station

    def _become(self, vrrp: Vrrp, station: Station, *, balancer_available: bool) -> None:
        now = clock.now()
        first = not self._routers
        wanted = {config.name: vmac.plan(config, vrrp) for config in vrrp.routers}
        for name, router in list(self._routers.items()):
            if name not in wanted or not router.continues_as(*wanted[name]):
                router.shutdown(now)
                self._notifications.deleted(router.config.notify, name, router.machine.effective_priority)
                del self._routers[name]
        self._vrrp = vrrp
        self._notifications.configure(vrrp)
        station.moving = vips.virtual(vrrp.routers)
        station.listen(config for config, _devices in wanted.values())
        station.enlarge(vrrp.routers)
        station.announcer.configure(vrrp.garp_groups)
        station.delays.configure(vrrp.link_delays)
        self._routes.want(wanted=any(router.routes or router.rules for router in vrrp.routers)
                          or bool(vrrp.static_routes or vrrp.static_rules))
        self._static.configure(vrrp, station.netlink)
        # The kernel counts in whole seconds.
        station.lease = max(_SHORTEST_LEASE, math.ceil(seconds(vrrp.address_lease))) if vrrp.address_lease else None
        self._renew()
        self._scripts.configure(vrrp, balancer_available=balancer_available)
        self._watched.configure(vrrp, balancer_available=balancer_available)
        fresh = []
        for name, (config, devices) in wanted.items():
            tracker = Tracker(config, vrrp, balancer_available=balancer_available)
            for tracked in tracker.names("script"):
                if (verdict := self._scripts.verdict(tracked)) is not None:
                    tracker.update("script", tracked, verdict)
            for kind, thing, value in self._watched.values():
                tracker.update(kind, thing, value)
            if name in self._routers:
                self._routers[name].reconfigure(config, tracker, now)
                kept = self._routers[name].machine
                self._notifications.repeat("INSTANCE", name, kept.state, kept.effective_priority)
            else:
                self._routers[name] = router = Router(
                    config, devices, station, tracker, self._state_changed, self._groups.settle)
                fresh.append(router)
        self._groups.form(vrrp, self._routers)
        if first:
            firewall.clean(vrrp.routers)
        self._look_at_static()
        delay = seconds(vrrp.startup_delay)
        if vrrp.delay_after_boot:
            delay = max(delay, seconds(vrrp.delay_after_boot) - now)
        if first and delay > 0:
            _log.info("delaying startup for %g seconds", delay)
            self._loop.call_later(delay, self._start, fresh)
        else:
            self._start(fresh)
        self._groups.judge(self._routers.values(), now)

    def _look_at_static(self) -> None:
        """Tell the members of track groups what static things are missing."""
        if self._station is None or not self._vrrp.track_groups:
            return
        missing = self._static.missing(self._station.netlink)
        for router in self._routers.values():
            router.outside = next((missing[group.name] for group in self._vrrp.track_groups
                                   if router.config.name in group.members and group.name in missing), "")

    def _renew(self) -> None:
        """Renew the leases of all addresses, three times within each."""
        if self._renewing is not None:
            self._renewing.cancel()
            self._renewing = None
        if self._station is not None and self._station.lease and not self._stopping.is_set():
            for router in self._routers.values():
                router.renew()
            self._renewing = self._loop.call_later(self._station.lease / 3, self._renew)

    def _start(self, routers: Sequence[Router]) -> None:
        now = clock.now()
        starting = [router for router in routers
                    if self._routers.get(router.config.name) is router and not self._stopping.is_set()]
        for router in starting:
            router.start()
        self._listen()
        self._groups.judge(self._routers.values(), now)
        for router in starting:
            router.clean()

    def _listen(self) -> None:
        """Hear the peers of every router, also by the interfaces that the routers have made for themselves."""
        if self._station is not None:
            self._station.listen(router.config for router in self._routers.values())

    # -- what happens ------------------------------------------------------------------------------------------------

    def _arrived(self, datagram: Datagram) -> None:
        assert self._station is not None
        link = self._station.mirror.link_of(datagram.interface)
        if link is None:
            return
        here = [router for router in self._routers.values()
                if link.name in (router.config.interface, vips.home(router.config))
                and router.version == datagram.source.version]
        addressed = [router for router in here if datagram.payload[1:2] == bytes([router.config.vrid])]
        if not addressed:
            for router in here:
                router.count("vrid")
            if self._vrrp.log_unknown_vrids:
                self._stranger(datagram, link.name)
            return
        expecting = [router for router in addressed if router.expects(datagram)]
        if not expecting:
            for router in addressed:
                router.misdirected(datagram, clock.now())
            return
        # Two virtual routers may share a VRID when their unicast peers differ.
        by_peer = [router for router in expecting if datagram.source in router.config.unicast_peers]
        (by_peer or expecting)[0].receive(datagram, clock.now())

    def _stranger(self, datagram: Datagram, interface: str) -> None:
        vrid = datagram.payload[1] if len(datagram.payload) > 1 else 0
        for report in self._strangers.about(interface, f"{datagram.source} {vrid}", f"unknown VRID {vrid} from "
                                            f"{datagram.source} on {interface}", clock.now()):
            _log.warning("%s", report.message)

    def _kernel_changed(self) -> None:
        if self._station is None:  # between opening the sockets and the first configuration
            return
        self._static.refresh(self._station.netlink)
        now = clock.now()
        for router in self._routers.values():
            router.kernel_changed(now)
        self._listen()
        self._look_at_static()
        self._groups.judge(self._routers.values(), now)
        self._tell_soon()

    def _route_changed(self, key: routing.Key, gone: bool) -> None:  # noqa: FBT001 - what happened, not an option
        if self._static.route_changed(key, gone=gone):
            self._kernel_changed()
        for router in self._routers.values():
            if gone:
                router.route_removed(key)

    def _script_changed(self, name: str, ok: bool) -> None:  # noqa: FBT001 - a verdict, not an option
        self._tracked("script", name, ok)

    def _tracked(self, kind: Kind, name: str, value: int) -> None:
        now = clock.now()
        for router in self._routers.values():
            router.tracked(kind, name, value)
        self._groups.judge(self._routers.values(), now)
        self._tell_soon()

    def _state_changed(self, router: Router, change: StateChanged | HeardLower | PriorityChanged) -> None:
        config, priority = router.config, router.machine.effective_priority
        match change:
            case HeardLower():
                self._notifications.heard_lower(config.notify, config.name, priority)
                return
            case PriorityChanged():
                self._notifications.priority_changed(config.notify, config.name, router.machine.state, priority)
                return
        self._notifications.changed(config.notify, "INSTANCE", config.name, change.new, priority)
        self._tell_soon()

    def _group_changed(self, group: SyncGroup, state: State) -> None:
        self._notifications.changed(group.notify, "GROUP", group.name, state, 0)


def main(channel: Channel) -> int:
    """Run the vrrp process until the supervisor says stop or goes away. Returns the exit code."""
    log.setup("vrrp", journal=systemd.on_journal())
    return uvloop.run(_main(channel))


async def _main(channel: Channel) -> int:
    return await Vrrpd(channel).run()
