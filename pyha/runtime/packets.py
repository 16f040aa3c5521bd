"""The packets that a virtual router sends, built by scapy: advertisements and announcements of addresses.

Building one costs a millisecond, so the callers keep the bytes and build again only when something changes. The only
module that imports scapy, of which it takes four layers (`scapy.all` costs far more time and memory).
"""

import contextlib
import os
from collections.abc import Iterator

from pyha.config.base import IPAddress
from pyha.vrrp.advertisement import Advertisement


@contextlib.contextmanager
def _without_home() -> Iterator[None]:
    """Keep scapy from creating directories and caches under the home directory while it is imported."""
    names = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    before = {name: os.environ.get(name) for name in names}
    # Nothing can be created below a device, which makes scapy do without.
    os.environ.update(dict.fromkeys(names, f"{os.devnull}/none"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


with _without_home():
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
    from scapy.layers.l2 import ARP, Ether
    from scapy.layers.vrrp import VRRP, VRRPv3
    from scapy.utils import checksum

_BROADCAST = "ff:ff:ff:ff:ff:ff"
_ALL_NODES = "ff02::1"
_ALL_NODES_MAC = "33:33:00:00:00:01"


def advertisement(
    advert: Advertisement, *, source: IPAddress, destination: IPAddress, pseudo_header: bool = True
) -> bytes:
    """An advertisement as the payload of IP: RFC 9568 section 5.2, or RFC 3768 section 5.3 for version 2.

    The checksum of version 3 over IPv4 covers a pseudo header, as keepalived and FRR have it, or with
    `pseudo_header=False` the message alone (RFC 9568 section 5.2.8). Over IPv6 it always covers one.
    """
    addresses = [str(address) for address in advert.addresses]
    if advert.version == 2:
        password = advert.auth_data.ljust(8, b"\0")[:8]
        return bytes(VRRP(
            vrid=advert.vrid, priority=advert.priority, adv=advert.interval // 100, authtype=advert.auth_type,
            addrlist=addresses, auth1=int.from_bytes(password[:4]), auth2=int.from_bytes(password[4:]),
        ))
    message = VRRPv3(vrid=advert.vrid, priority=advert.priority, adv=advert.interval, addrlist=addresses)
    # The checksum depends on the addresses of the header, which the kernel will put in front.
    if source.version == 6:
        return bytes(IPv6(src=str(source), dst=str(destination), nh=112) / message)[40:]
    payload = bytes(IP(src=str(source), dst=str(destination), proto=112) / message)[20:]
    if pseudo_header:
        return payload
    bare = payload[:6] + bytes(2) + payload[8:]
    return bare[:6] + int(checksum(bare)).to_bytes(2) + bare[8:]


def gratuitous_arp(address: IPAddress, mac: str) -> bytes:
    """An Ethernet frame that tells an IPv4 network where an address now is: a request, as keepalived sends it."""
    return bytes(
        Ether(dst=_BROADCAST, src=mac, type=0x0806)
        / ARP(op=1, hwsrc=mac, psrc=str(address), hwdst=_BROADCAST, pdst=str(address))
    )


def unsolicited_advertisement(address: IPAddress, mac: str, *, router: bool = False) -> bytes:
    """The same for IPv6: an unsolicited neighbour advertisement with the override flag (RFC 4861 section 7.2.6)."""
    return bytes(
        Ether(dst=_ALL_NODES_MAC, src=mac, type=0x86DD)
        / IPv6(src=str(address), dst=_ALL_NODES, hlim=255)
        / ICMPv6ND_NA(tgt=str(address), R=int(router), S=0, O=1)
        / ICMPv6NDOptDstLLAddr(lladdr=mac)
    )


def announcement(address: IPAddress, mac: str) -> bytes:
    """The frame that announces an address of either family."""
    return gratuitous_arp(address, mac) if address.version == 4 else unsolicited_advertisement(address, mac)
