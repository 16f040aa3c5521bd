"""This machine as its virtual routers see it: sockets for advertisements and announcements, links and addresses."""

import asyncio
import logging
from collections.abc import Callable, Iterable

from pyha.config.base import IPAddress
from pyha.config.vrrp_model import VirtualRouter
from pyha.errors import FitnessError
from pyha.runtime import vips
from pyha.runtime.announcer import Announcer
from pyha.runtime.linkdelays import LinkDelays
from pyha.runtime.mirror import Mirror
from pyha.runtime.netlink import Netlink
from pyha.runtime.rawsocket import GROUPS, AdvertSocket, Datagram

_log = logging.getLogger("pyha.vrrp")
_PRIVILEGES = ("VRRP needs the privileges to send raw packets and to change addresses; "
               "run as root, or with the capabilities CAP_NET_ADMIN and CAP_NET_RAW")


class Station:
    """Opened once, for as long as the process lives. Raises FitnessError when the machine or our privileges forbid it.

    `arrived` gets every datagram of protocol 112; `changed` is called after links or addresses changed.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, arrived: Callable[[Datagram], None], changed: Callable[[], None]
    ) -> None:
        self.loop = loop
        self.moving: frozenset[IPAddress] = frozenset()  # the virtual addresses of all virtual routers
        self.lease: int | None = None  # seconds that an address stays without a renewal; None: for ever
        self.sockets: dict[vips.Carrier, AdvertSocket] = {}
        self._arrived = arrived
        try:
            self.netlink = Netlink()
            try:
                if not self.netlink.may_change():
                    raise FitnessError(_PRIVILEGES)
                self.announcer = Announcer(loop)
            except BaseException:
                self.netlink.close()
                raise
        except PermissionError:
            raise FitnessError(_PRIVILEGES) from None
        except OSError as error:
            raise FitnessError(f"the kernel does not tell about its addresses: {error.strerror}") from error
        self.delays = LinkDelays(loop, self.mirror, changed)
        self.netlink.attach(loop, changed)

    @property
    def mirror(self) -> Mirror:
        """Links and addresses."""
        return self.netlink.mirror

    def open(self, carriers: set[vips.Carrier]) -> None:
        """Have a socket for each of these. Raises FitnessError."""
        for carrier in carriers - self.sockets.keys():
            version, protocol = carrier
            try:
                self.sockets[carrier] = AdvertSocket(version, protocol)
            except PermissionError:
                raise FitnessError(_PRIVILEGES) from None
            except OSError as error:
                raise FitnessError(f"there is no IPv{version} on this machine: {error.strerror}") from error
            self.loop.add_reader(self.sockets[carrier].fileno(), self.drain)

    def listen(self, configs: Iterable[VirtualRouter]) -> None:
        """Be a member of the multicast groups that these need, on those of their interfaces that exist now.

        With a virtual MAC that is the macvlan: what a peer sends from the same MAC, the kernel hands to it alone.
        """
        wanted: dict[vips.Carrier, set[tuple[IPAddress, int]]] = {carrier: set() for carrier in self.sockets}
        for config in configs:
            link = self.mirror.links.get(vips.home(config)) or self.mirror.links.get(config.interface)
            if link is not None and not config.unicast_peers:
                for carrier in vips.carriers(config):
                    wanted[carrier].add((config.multicast_group or GROUPS[carrier[0]], link.index))
        for carrier, memberships in wanted.items():
            for problem in self.sockets[carrier].join(memberships):
                _log.warning("%s", problem)

    def enlarge(self, configs: Iterable[VirtualRouter]) -> None:
        """Have receive buffers of the largest size that is asked for (`kernel_rx_buf_size`)."""
        if buffer := max((config.receive_buffer or 0 for config in configs), default=0):
            for sock in self.sockets.values():
                sock.enlarge(buffer)

    def drain(self) -> None:
        """Hand on everything that has arrived."""
        for sock in self.sockets.values():
            while (datagram := sock.receive()) is not None:
                self._arrived(datagram)

    def close(self) -> None:
        """Close everything."""
        self.delays.close()
        self.netlink.detach(self.loop)
        self.netlink.close()
        self.announcer.close()
        for sock in self.sockets.values():
            self.loop.remove_reader(sock.fileno())
            sock.close()
