from ipaddress import ip_address, ip_interface

import pytest

from pyha.config.vrrp_model import VirtualAddress, VirtualRouter
from pyha.runtime import vips
from pyha.runtime.mirror import Held, Link, Mirror


def mirror(*addresses: str, up: bool = True) -> Mirror:
    result = Mirror()
    result.appeared(Link(2, "eth0", up=up))
    for address in addresses:
        interface = ip_interface(address)
        result.took(Held(2, interface, scope=253 if interface.ip.is_link_local else 0))
    return result


def router(*addresses: str, **more: object) -> VirtualRouter:
    virtual = tuple(VirtualAddress(interface=address) for address in addresses)
    return VirtualRouter.model_validate({"name": "VI_1", "interface": "eth0", "vrid": 51, "addresses": virtual, **more})


VIP = router("10.0.0.9/24")
MOVING = vips.virtual([VIP])


@pytest.mark.parametrize(("config", "expected"), [
    (VIP, 4),
    (router("fd00::9"), 6),
    (router(source=ip_address("fd00::1")), 6),
    (router(unicast_peers=(ip_address("10.0.0.2"),)), 4),
    (router(), 4),
])
def test_the_first_virtual_address_decides_the_family(config, expected):
    assert vips.family(config) == expected


def test_the_source_is_the_first_address_that_does_not_move():
    assert vips.source(VIP, mirror("10.0.0.9/24", "fd00::1/64", "10.0.0.1/24", "10.0.0.2/24"), MOVING) == \
        ip_address("10.0.0.1")


def test_a_primary_address_is_preferred_to_a_secondary():
    known = mirror("10.0.0.2/24")
    known.took(Held(2, ip_interface("10.0.0.2/24"), secondary=True))
    known.took(Held(2, ip_interface("10.0.0.1/24")))
    assert vips.source(VIP, known, MOVING) == ip_address("10.0.0.1")


def test_ipv6_multicast_comes_from_the_link_local_address_once_it_is_usable():
    config = router("fd00::9")
    known = mirror("fd00::1/64")
    assert vips.source(config, known, frozenset()) is None
    known.took(Held(2, ip_interface("fe80::1/64"), scope=253, tentative=True))
    assert vips.source(config, known, frozenset()) is None
    known.took(Held(2, ip_interface("fe80::1/64"), scope=253))
    assert vips.source(config, known, frozenset()) == ip_address("fe80::1")


def test_ipv6_unicast_comes_from_a_global_address():
    config = router("fd00::9", unicast_peers=(ip_address("fd00::2"),))
    assert vips.source(config, mirror("fe80::1/64", "fd00::1/64"), frozenset()) == ip_address("fd00::1")


@pytest.mark.parametrize(("config", "known", "expected"), [
    (VIP, mirror("10.0.0.1/24"), ""),
    (VIP, Mirror(), "there is no interface eth0"),
    (VIP, mirror("10.0.0.1/24", up=False), "interface eth0 is down"),
    (router("10.0.0.9", track_primary=False), mirror("10.0.0.1/24", up=False), ""),
    (VIP, mirror("10.0.0.9/24"), "interface eth0 has no IPv4 address of its own"),
    (router("fd00::9"), mirror(), "interface eth0 has no IPv6 address of its own"),
    (router("10.0.0.9", source=ip_address("10.0.0.7")), mirror("10.0.0.1/24"),
     "no interface has the source address 10.0.0.7"),
    (router(addresses=(VirtualAddress(interface="10.0.0.9", dev="eth7"),)), mirror("10.0.0.1/24"),
     "there is no interface eth7 for 10.0.0.9/32"),
])
def test_what_stands_in_the_way_is_said_in_words(config, known, expected):
    assert vips.obstacle(config, known, MOVING) == expected


def test_addresses_come_out_as_the_kernel_needs_them():
    config = router(
        addresses=(VirtualAddress(interface="10.0.0.9/24", broadcast="+", label="eth0:vip", scope="link"),
                   VirtualAddress(interface="10.0.0.8/24", broadcast=ip_address("10.0.0.255"))),
        excluded_addresses=(VirtualAddress(interface="fd00::9", broadcast="-"),
                            VirtualAddress(interface="fd00::8", broadcast="+"),
                            VirtualAddress(interface="10.0.0.7", dev="gone")),
    )
    found = [wanted for _address, _link, wanted in vips.wanted(config, mirror())]
    assert [(str(one.interface), one.scope, one.label, str(one.broadcast)) for one in found] == [
        ("10.0.0.9/24", "link", "eth0:vip", "10.0.0.255"),
        ("10.0.0.8/24", "global", None, "10.0.0.255"),
        ("fd00::9/128", "global", None, "None"),
        ("fd00::8/128", "global", None, "None"),
    ]


@pytest.mark.parametrize(("addresses", "expected"), [
    (("10.0.0.9/24",), True),
    (("10.0.0.9/24", "10.0.0.1/24"), False),
    ((), False),
    (("10.0.0.1/24",), False),
])
def test_a_virtual_address_that_is_the_only_one_is_noticed(addresses, expected):
    assert vips.only_virtual(VIP, mirror(*addresses), MOVING) is expected


def test_an_absent_interface_has_no_only_address():
    assert not vips.only_virtual(VIP, Mirror(), MOVING)


UNICAST = {"unicast_peers": ["10.0.0.2", "10.0.0.3"]}


def configured(**more: object) -> VirtualRouter:
    return VirtualRouter.model_validate({
        "name": "VI", "interface": "eth0", "vrid": 51, "addresses": [{"interface": "10.0.0.9/24"}], **more})


@pytest.mark.parametrize(("config", "expected"), [
    (configured(), 255),
    (configured(unicast_ttl=7), 255),
    (configured(**UNICAST), 255),
    (configured(**UNICAST, unicast_ttl=7), 7),
    (configured(unicast_peers=["fd00::2"], addresses=[{"interface": "fd00::9"}]), 64),
])
def test_unicasts_go_as_far_as_keepalived_s(config, expected):
    assert vips.hops(config) == expected


@pytest.mark.parametrize(("more", "sender", "ttl", "expected"), [
    ({}, "10.0.0.7", 64, ""),
    ({"check_unicast_source": True}, "10.0.0.7", 255, "it is none of our unicast peers"),
    ({"check_unicast_source": True}, "10.0.0.2", 255, ""),
    ({"unicast_limits": [{"address": "10.0.0.2", "min_ttl": 250}]}, "10.0.0.2", 249,
     "TTL 249, ours are 250 to 255 for this peer"),
    ({"unicast_limits": [{"address": "10.0.0.2", "min_ttl": 250}]}, "10.0.0.3", 249, ""),
])
def test_unicasts_are_welcome_from_peers_and_from_near_where_that_is_asked_for(more, sender, ttl, expected):
    assert vips.unwelcome(configured(**UNICAST, **more), ip_address(sender), ttl) == expected


def test_multicasts_are_no_affair_of_unicast_peers():
    assert vips.unwelcome(configured(check_unicast_source=True), ip_address("10.0.0.7"), 1) == ""


def test_without_peers_it_is_a_fault_where_that_is_asked_for():
    assert vips.obstacle(configured(fault_without_peers=True), mirror("10.0.0.1/24"), MOVING) == (
        "it has no unicast peers")


def test_with_a_virtual_mac_the_addresses_have_an_interface_of_their_own():
    config = configured(vmac={"name": "vrrp.51"})
    known = mirror("10.0.0.1/24")
    assert vips.obstacle(config, known, MOVING) == "there is no interface vrrp.51"
    assert list(vips.wanted(config, known)) == []
    known.appeared(Link(7, "vrrp.51", up=True))
    assert [link.name for _address, link, _wanted in vips.wanted(config, known)] == ["vrrp.51"]
    assert vips.transmitter(config, known).name == "vrrp.51"
    base = configured(vmac={"name": "vrrp.51", "transmit_base": True})
    assert vips.transmitter(base, known).name == vips.transmitter(configured(), known).name == "eth0"
