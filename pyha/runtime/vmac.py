"""Virtual MAC addresses (keepalived.conf(5), use_vmac; RFC 9568 section 7.3): a macvlan for each virtual router.

The virtual addresses live on it, and advertisements leave by it, so that switches learn where the MAC is. The interface
below has to be kept from answering for addresses that it does not have. Over IPv6 the kernel sends from a link-local
address only by the interface that has it, so that the macvlan gets those of the interface below, as keepalived's does.
"""

import logging
import struct
from pathlib import Path

from pyha.config.vrrp_model import VirtualRouter, Vrrp
from pyha.runtime import vips
from pyha.runtime.mirror import Wanted
from pyha.runtime.netlink import Netlink

_log = logging.getLogger("pyha.vrrp")
_NLMSG = struct.Struct("=IHHII")
_IFINFOMSG = struct.Struct("=BxHiII")
_NEWLINK, _DELLINK = 16, 17
_REQUEST_ACK, _EXCL, _CREATE = 0x5, 0x200, 0x400
_UP, _PRIVATE = 1, 1
_BELOW = {"ipv4": {"arp_ignore": "1", "arp_filter": "1"}}
_ITS_OWN = {"ipv4": {"arp_ignore": "1", "accept_local": "1", "rp_filter": "0", "promote_secondaries": "1"},
            "ipv6": {"addr_gen_mode": "1", "autoconf": "0", "accept_ra": "0"}}


def named(config: VirtualRouter, vrrp: Vrrp) -> VirtualRouter:
    """The same with the name of its interface, which depends on `vmac_prefix`. An ipvlan is done without."""
    if config.vmac is not None and config.vmac.kind != "macvlan":
        return config.model_copy(update={"vmac": None})
    if config.vmac is None or config.vmac.name is not None:
        return config
    family = "6" if vips.family(config) == 6 else ""
    name = f"{vrrp.vmac_prefix}{family}.{config.vrid}"
    return config.model_copy(update={"vmac": config.vmac.model_copy(update={"name": name})})


def ensure(config: VirtualRouter, netlink: Netlink) -> None:
    """Have its interface, if the one below is there. What does not work is told."""
    below = netlink.mirror.links.get(config.interface)
    if config.vmac is None or config.vmac.name is None or below is None or config.vmac.name in netlink.mirror.links:
        return
    mac = config.vmac.mac or f"00:00:5e:00:{'02' if vips.family(config) == 6 else '01'}:{config.vrid:02x}"
    name = config.vmac.name
    try:
        netlink.perform(_create(name, below.index, bytes.fromhex(mac.replace(":", ""))))
        netlink.drain()
        _settings(config.interface, _BELOW)
        _settings(name, _ITS_OWN)
        netlink.perform(_up(netlink.mirror.links[name].index))
        netlink.drain()
        for held in tuple(netlink.mirror.held(below.index)) if vips.family(config) == 6 else ():
            if held.interface.ip.is_link_local and held.interface.ip not in vips.virtual([config]):
                netlink.add(Wanted(netlink.mirror.links[name].index, held.interface))
    except (OSError, KeyError) as error:
        _log.error("(%s) cannot make the interface %s with the MAC %s: %s", config.name, name, mac, error)


def remove(config: VirtualRouter, netlink: Netlink) -> None:
    """Its interface goes."""
    link = netlink.mirror.links.get(config.vmac.name or "") if config.vmac is not None else None
    if link is not None:
        try:
            netlink.perform(_message(_DELLINK, 0, _IFINFOMSG.pack(0, 0, link.index, 0, 0)))
            netlink.drain()
        except OSError as error:
            _log.warning("(%s) cannot remove the interface %s: %s", config.name, link.name, error.strerror)


def _settings(name: str, settings: dict[str, dict[str, str]]) -> None:
    for family, values in settings.items():
        for key, value in values.items():
            path = Path("/proc/sys/net", family, "conf", name, key)
            try:
                path.write_text(value)
            except OSError as error:
                _log.debug("%s: %s", path, error.strerror)


def _create(name: str, below: int, mac: bytes) -> bytes:
    data = _attribute(2, _attribute(1, struct.pack("=I", _PRIVATE)))
    return _message(_NEWLINK, _CREATE | _EXCL, _IFINFOMSG.pack(0, 0, 0, 0, 0) + b"".join((
        _attribute(3, name.encode() + b"\0"), _attribute(5, struct.pack("=I", below)), _attribute(1, mac),
        _attribute(18, _attribute(1, b"macvlan") + data))))


def _up(index: int) -> bytes:
    return _message(_NEWLINK, 0, _IFINFOMSG.pack(0, 0, index, _UP, _UP))


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return _NLMSG.pack(_NLMSG.size + len(body), kind, _REQUEST_ACK | flags, 1, 0) + body


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)
