"""Virtual MAC addresses (keepalived.conf(5), use_vmac; RFC 9568 section 7.3): a macvlan for each virtual router.

The virtual addresses live on it, and advertisements leave by it, so that switches learn where the MAC is. The interface
below has to be kept from answering for addresses that it does not have. Over IPv6 the kernel sends from a link-local
address only by the interface that has it, so that the macvlan gets those of the interface below, as keepalived's does.

Addresses on other interfaces get a macvlan there with `use_vmac` behind the address, or `use_vmac_addr` for all. An
ipvlan (`use_ipvlan`) shares the MAC of the interface below.
"""

import errno
import logging
import struct
from dataclasses import dataclass
from pathlib import Path

from pyha.config.base import IPAddress
from pyha.config.vrrp_model import VirtualAddress, VirtualRouter, Vrrp
from pyha.errors import FitnessError
from pyha.runtime import vips
from pyha.runtime.mirror import Wanted
from pyha.runtime.netlink import Netlink
from pyha.runtime.route_options import attribute

_log = logging.getLogger("pyha.vrrp")
_NLMSG = struct.Struct("=IHHII")
_IFINFOMSG = struct.Struct("=BxHiII")
_NEWLINK, _DELLINK = 16, 17
_REQUEST_ACK, _EXCL, _CREATE = 0x5, 0x200, 0x400
_UP, _PRIVATE = 1, 1
_IPVLAN_FLAGS = {"private": 1, "vepa": 2}
_PROBE = "pyha-probe"
_BELOW = {"ipv4": {"arp_ignore": "1", "arp_filter": "1"}}
_ITS_OWN = {"ipv4": {"arp_ignore": "1", "accept_local": "1", "rp_filter": "0", "promote_secondaries": "1"},
            "ipv6": {"addr_gen_mode": "1", "autoconf": "0", "accept_ra": "0"}}


@dataclass(frozen=True, slots=True)
class Device:
    """An interface of our own, on top of another one. `mac` is empty for an ipvlan."""

    name: str
    below: str
    mac: str
    mode: str | None = None
    main: bool = True  # that of the virtual router, not of an address on another interface


def plan(config: VirtualRouter, vrrp: Vrrp) -> tuple[VirtualRouter, tuple[Device, ...]]:
    """The same virtual router with the names of its interfaces, and these: what is named depends on `vmac_prefix`."""
    devices: dict[str, Device] = {}
    family = "6" if vips.family(config) == 6 else ""
    mac = f"00:00:5e:00:{'02' if family else '01'}:{config.vrid:02x}"
    if config.vmac is not None:
        kind = config.vmac.kind
        name = config.vmac.name or f"{vrrp.vmac_prefix if kind == 'macvlan' else 'ipvl'}{family}.{config.vrid}"
        own = config.vmac.mac or mac
        if own.count(":") == 4:  # keepalived.conf(5): without its last octet, which is the VRID then
            own += f":{config.vrid:02x}"
        mac = own if kind == "macvlan" else mac
        devices[name] = Device(name, config.interface, mac if kind == "macvlan" else "", config.vmac.mode)
        config = config.model_copy(update={"vmac": config.vmac.model_copy(update={"name": name})})
    every = config.vmac is not None and config.vmac.other_interfaces

    def moved(address: VirtualAddress) -> VirtualAddress:
        elsewhere = address.dev not in (None, config.interface)
        if not (address.use_vmac and (elsewhere or config.vmac is None)) and not (every and elsewhere):
            return address
        below = address.dev or config.interface
        found = next((device.name for device in devices.values() if device.below == below), None)
        if found is None:
            found = f"{vrrp.vmac_address_prefix or vrrp.vmac_prefix}{family}.{config.vrid}.{len(devices)}"
            devices[found] = Device(found, below, mac, main=False)
        return address.model_copy(update={"dev": found})

    addresses, excluded = (tuple(map(moved, some)) for some in (config.addresses, config.excluded_addresses))
    if devices:
        config = config.model_copy(update={"addresses": addresses, "excluded_addresses": excluded})
    return config, tuple(devices.values())


def check(config: VirtualRouter, netlink: Netlink) -> None:
    """Whether this kernel has what the virtual router needs. Raises FitnessError."""
    below = netlink.mirror.links.get(config.interface)
    if config.vmac is None or config.vmac.kind != "ipvlan" or below is None:
        return
    try:
        netlink.perform(_create(Device(_PROBE, config.interface, "", config.vmac.mode), below.index))
        netlink.drain()
        netlink.perform(_message(_DELLINK, 0, _IFINFOMSG.pack(0, 0, netlink.mirror.links[_PROBE].index, 0, 0)))
        netlink.drain()
    except (OSError, KeyError) as error:
        if isinstance(error, OSError) and error.errno == errno.EOPNOTSUPP:
            raise FitnessError(f"virtual router {config.name}: this kernel has no ipvlan; remove 'use_ipvlan', then "
                               "the addresses live on the interface itself") from None
        raise FitnessError(f"virtual router {config.name}: an ipvlan on {config.interface} is not possible: "
                           f"{error}") from None


def ensure(config: VirtualRouter, devices: tuple[Device, ...], netlink: Netlink) -> None:
    """Have these interfaces, if the ones below are there. What does not work is told."""
    for device in devices:
        if device.below in netlink.mirror.links and device.name not in netlink.mirror.links:
            try:
                _make(config, device, netlink)
            except (OSError, KeyError) as error:
                _log.error("(%s) cannot make the interface %s with the MAC %s: %s", config.name, device.name,
                           device.mac or "of the one below", error)


def _make(config: VirtualRouter, device: Device, netlink: Netlink) -> None:
    below = netlink.mirror.links[device.below]
    netlink.perform(_create(device, below.index))
    netlink.drain()
    if device.mac:
        _settings(device.below, _BELOW)
    _settings(device.name, _ITS_OWN)
    index = netlink.mirror.links[device.name].index
    netlink.perform(_up(index))
    netlink.drain()
    if config.vmac is not None and config.vmac.address is not None and device.main:
        netlink.add(Wanted(index, config.vmac.address))
    if vips.family(config) == 6 and device.main and device.mac:
        virtual: frozenset[IPAddress] = vips.virtual([config])
        for held in tuple(netlink.mirror.held(below.index)):
            if held.interface.ip.is_link_local and held.interface.ip not in virtual:
                netlink.add(Wanted(index, held.interface))


def remove(name: str, devices: tuple[Device, ...], netlink: Netlink) -> None:
    """The interfaces of this virtual router go."""
    for device in devices:
        link = netlink.mirror.links.get(device.name)
        if link is not None:
            try:
                netlink.perform(_message(_DELLINK, 0, _IFINFOMSG.pack(0, 0, link.index, 0, 0)))
                netlink.drain()
            except OSError as error:
                _log.warning("(%s) cannot remove the interface %s: %s", name, link.name, error.strerror)


def _settings(name: str, settings: dict[str, dict[str, str]]) -> None:
    for family, values in settings.items():
        for key, value in values.items():
            path = Path("/proc/sys/net", family, "conf", name, key)
            try:
                path.write_text(value)
            except OSError as error:
                _log.debug("%s: %s", path, error.strerror)


def _create(device: Device, below: int) -> bytes:
    mac = b""
    if device.mac:
        kind, data = b"macvlan", attribute(1, struct.pack("=I", _PRIVATE))
        mac = attribute(1, bytes.fromhex(device.mac.replace(":", "")))
    else:
        flags = struct.pack("=H", _IPVLAN_FLAGS.get(device.mode or "", 0))
        kind, data = b"ipvlan", attribute(1, struct.pack("=H", 0)) + attribute(2, flags)  # mode 0: layer 2
    return _message(_NEWLINK, _CREATE | _EXCL, _IFINFOMSG.pack(0, 0, 0, 0, 0) + b"".join((
        attribute(3, device.name.encode() + b"\0"), attribute(5, struct.pack("=I", below)), mac,
        attribute(18, attribute(1, kind) + attribute(2, data)))))


def _up(index: int) -> bytes:
    return _message(_NEWLINK, 0, _IFINFOMSG.pack(0, 0, index, _UP, _UP))


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _NLMSG.pack(_NLMSG.size + len(body), kind, _REQUEST_ACK | flags, 1, 0) + body
