from ipaddress import ip_address, ip_interface

from pyha.runtime.mirror import Held, Link, Mirror


def mirror() -> Mirror:
    result = Mirror()
    result.appeared(Link(2, "eth0", up=True))
    result.took(Held(2, ip_interface("10.0.0.1/24")))
    return result


def test_an_address_is_known_by_its_link():
    known = mirror()
    assert [held.interface for held in known.held(2)] == [ip_interface("10.0.0.1/24")]
    assert list(known.held(3)) == []
    assert known.has(ip_address("10.0.0.1"))
    assert not known.has(ip_address("10.0.0.2"))


def test_a_renamed_link_is_not_there_under_its_old_name():
    known = mirror()
    known.appeared(Link(2, "lan", up=True))
    assert list(known.links) == ["lan"]


def test_a_deleted_link_takes_its_addresses_with_it():
    known = mirror()
    known.appeared(Link(3, "eth1", up=True))
    known.took(Held(3, ip_interface("10.0.1.1/24")))
    known.vanished(2)
    known.vanished(99)
    assert list(known.links) == ["eth1"]
    assert list(known.addresses) == [(3, ip_address("10.0.1.1"))]


def test_losing_an_address_tells_what_it_was():
    known = mirror()
    assert known.lost(2, ip_address("10.0.0.1")) == Held(2, ip_interface("10.0.0.1/24"))
    assert known.lost(2, ip_address("10.0.0.1")) is None
    known.clear()
    assert known.links == {}
