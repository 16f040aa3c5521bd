"""Addresses in all the forms that haproxy.cfg knows."""

import pytest

from pyha.config.haproxy.address import Address, AddressError, parse


@pytest.mark.parametrize(("text", "address"), [
    ("*:80", Address("0.0.0.0", 80, 80)), (":80", Address("0.0.0.0", 80, 80)), ("10.0.0.1:80", Address("10.0.0.1", 80,
    80)),
    ("10.0.0.1:80-90", Address("10.0.0.1", 80, 90)), (":::80", Address("::", 80, 80)), ("[::1]:80", Address("::1", 80,
    80)),
    (":::6443;", Address("::", 6443, 6443)), ("2409:8080::12:6443", Address("2409:8080::12", 6443, 6443)),
    ("10.0.0.1", Address("10.0.0.1")), ("[::1]", Address("::1")), ("api.example.com:6443", Address("api.example.com",
    6443, 6443)),
    ("ipv6@:80", Address("::", 80, 80)), ("ipv4@*:80", Address("0.0.0.0", 80, 80)),
    ("10.0.0.1:+1000", Address("10.0.0.1", 1000, offset=True)), ("10.0.0.1:-5", Address("10.0.0.1", -5, offset=True))])
def test_an_address_is_read(text, address):
    assert parse(text) == address


@pytest.mark.parametrize(("text", "reason"), [
    ("10.0.0.300:80", "neither an IP address nor a host name"), ("a_b c:80", "neither"), ("10.0.0.1:0", "invalid port"),
    ("10.0.0.1:99999", "invalid port"), ("10.0.0.1:x", "invalid port"), ("10.0.0.1:9-8", "ends before it begins"),
    ("ipv4@::1:80", "not an IPv4 address"), ("ipv6@10.0.0.1:80", "not an IPv6 address"), ("/run/x", "no UNIX"),
    ("unix@/run/x", "no UNIX"), ("abns@x", "no UNIX"), ("fd@3", "no UNIX"), ("[::g]:80", "neither"), ("1::2::3:80",
    "neither")])
def test_what_is_no_address_says_why(text, reason):
    with pytest.raises(AddressError, match=reason):
        parse(text)


def test_the_family_is_known():
    assert [parse(text).family for text in ("10.0.0.1:1", "[::1]:1", "name:1")] == [4, 6, 0]
