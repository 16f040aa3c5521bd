import struct
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.layers.vrrp import VRRP, VRRPv3
from scapy.utils import RawPcapReader

from pyha.errors import DecodeError
from pyha.vrrp.advertisement import Advertisement, decode, encode

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors"
WAY4 = {"source": ip_address("10.99.0.1"), "destination": ip_address("224.0.0.18")}
UNICAST4 = {"source": ip_address("10.99.0.1"), "destination": ip_address("10.99.0.2")}
WAY6 = {"source": ip_address("fe80::1"), "destination": ip_address("ff02::12")}
REASONS = {"length", "version", "type", "ttl", "vrid", "count", "checksum", "interval"}


def advert(version: int = 3, *addresses: str, **more: object) -> Advertisement:
    return Advertisement(**{
        "version": version, "vrid": 51, "priority": 150, "interval": 100,
        "addresses": tuple(map(ip_address, addresses or ("10.99.0.10",))),
        "auth_data": b"" if version == 3 else b"k8sha123", "auth_type": 0 if version == 3 else 1, **more,
    })


def summed(payload: bytes) -> bytes:
    """With a right checksum over the message alone."""
    bare = payload[:6] + b"\0\0" + payload[8:]
    total = sum(struct.unpack(f"!{len(bare) // 2}H", bare))
    total = (total & 0xFFFF) + (total >> 16)
    return bare[:6] + (~(total + (total >> 16)) & 0xFFFF).to_bytes(2) + bare[8:]


def reason(payload: bytes, ttl: int = 255, **way: object) -> str:
    with pytest.raises(DecodeError) as caught:
        decode(payload, ttl=ttl, **(way or WAY4))
    assert str(caught.value)
    return caught.value.reason


# -- scapy as the other opinion ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("addresses", [["10.99.0.10"], ["10.99.0.10", "10.99.0.11", "192.0.2.1"]])
def test_version_2_as_scapy_writes_it_is_read(addresses):
    packet = IP(src="10.99.0.1", dst="224.0.0.18", ttl=255) / VRRP(
        vrid=7, priority=200, adv=3, authtype=1, addrlist=addresses, auth1=0x6B387368, auth2=0x61313233)
    read = decode(bytes(packet)[20:], ttl=255, **WAY4)
    assert read == Advertisement(2, 7, 200, 300, tuple(map(ip_address, addresses)), 1, b"k8sha123")


@pytest.mark.parametrize("way", [WAY4, UNICAST4])
def test_version_3_over_ipv4_as_scapy_writes_it_is_read(way):
    packet = IP(src=str(way["source"]), dst=str(way["destination"]), ttl=255, proto=112) / VRRPv3(
        vrid=7, priority=200, adv=10, addrlist=["10.99.0.10"])
    assert decode(bytes(packet)[20:], ttl=255, **way) == Advertisement(3, 7, 200, 10, (ip_address("10.99.0.10"),))


def test_version_3_over_ipv6_as_scapy_writes_it_is_read():
    packet = IPv6(src="fe80::1", dst="ff02::12", hlim=255, nh=112) / VRRPv3(
        vrid=7, priority=200, adv=4095, addrlist=["fe80::9", "2001:db8::9"])
    assert decode(bytes(packet)[40:], ttl=255, **WAY6) == Advertisement(
        3, 7, 200, 4095, (ip_address("fe80::9"), ip_address("2001:db8::9")))


@pytest.mark.parametrize("pseudo_header", [True, False])
@pytest.mark.parametrize(("message", "way"), [
    (advert(2), WAY4), (advert(3), WAY4), (advert(3), UNICAST4), (advert(3, "fe80::9"), WAY6),
    (advert(2, "10.0.0.1", "10.0.0.2"), WAY4),
])
def test_what_is_written_is_read_again(message, way, pseudo_header):
    payload = encode(message, **way, pseudo_header=pseudo_header)
    assert decode(payload, ttl=255, **way) == message


def test_the_checksum_of_old_unicasts_covers_the_multicast_group_and_is_accepted():
    assert decode(encode(advert(3), **WAY4), ttl=255, **UNICAST4) == advert(3)


def test_an_interval_that_does_not_fit_is_written_as_the_longest():
    assert decode(encode(advert(3, interval=9999), **WAY4), ttl=255, **WAY4).interval == 4095


def test_a_password_counts_up_to_eight_bytes():
    assert decode(encode(advert(2, auth_data=b"123456789"), **WAY4), ttl=255, **WAY4).auth_data == b"12345678"
    assert decode(encode(advert(2, auth_data=b"42"), **WAY4), ttl=255, **WAY4).auth_data == b"42" + bytes(6)


# -- each check of RFC 9568 section 7.1 --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", [WAY4, WAY6])
def test_a_multicast_that_came_through_a_router_is_refused(way):
    address = "10.0.0.9" if way is WAY4 else "fe80::9"
    assert reason(encode(advert(3, address), **way), 254, **way) == "ttl"


def test_a_unicast_may_have_crossed_routers():
    assert decode(encode(advert(3), **UNICAST4), ttl=64, **UNICAST4) == advert(3)


@pytest.mark.parametrize("version", [0, 1, 4, 15])
def test_other_versions_are_refused(version):
    payload = encode(advert(3), **WAY4)
    assert reason(bytes([version << 4 | 1]) + payload[1:]) == "version"


def test_version_2_over_ipv6_is_refused():
    assert reason(encode(advert(2), **WAY4), **WAY6) == "version"


@pytest.mark.parametrize("kind", [0, 2, 15])
def test_what_is_no_advertisement_is_refused(kind):
    assert reason(bytes([3 << 4 | kind]) + encode(advert(3), **WAY4)[1:]) == "type"


@pytest.mark.parametrize("version", [2, 3])
def test_a_wrong_checksum_is_refused(version):
    payload = encode(advert(version), **WAY4)
    assert reason(payload[:6] + bytes([payload[6] ^ 1]) + payload[7:]) == "checksum"


def test_over_ipv6_the_checksum_covers_the_pseudo_header():
    assert reason(summed(encode(advert(3, "fe80::9"), **WAY6)), **WAY6) == "checksum"


def test_version_2_has_no_pseudo_header():
    with_pseudo = encode(advert(3), **WAY4)
    message = bytes([0x21]) + with_pseudo[1:] + bytes(8)
    total = int.from_bytes(message[6:8]) + 0x1000 - 8  # the version moved from 3 to 2, and eight bytes longer
    assert reason(message[:6] + (total & 0xFFFF).to_bytes(2) + message[8:]) == "checksum"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("size", [0, 7, 8, 11])
def test_an_incomplete_packet_is_refused(version, size):
    assert reason(encode(advert(version), **WAY4)[:size]) == "length"


@pytest.mark.parametrize("version", [2, 3])
def test_a_packet_that_is_too_long_is_refused(version):
    assert reason(encode(advert(version), **WAY4) + bytes(4)) == "length"


def test_a_count_that_is_not_the_number_of_addresses_is_refused():
    payload = encode(advert(3), **WAY4)
    assert reason(summed(payload[:3] + b"\2" + payload[4:])) == "length"


def test_vrid_0_is_refused():
    payload = encode(advert(3), **WAY4)
    assert reason(summed(payload[:1] + b"\0" + payload[2:])) == "vrid"


def test_no_address_is_refused():
    assert reason(summed(bytes([0x31, 51, 150, 0, 0, 100, 0, 0]))) == "count"


@pytest.mark.parametrize("version", [2, 3])
def test_an_interval_of_0_is_refused(version):
    assert reason(encode(advert(version, interval=0), **WAY4)) == "interval"


def test_the_reserved_bits_of_version_3_are_ignored():
    payload = encode(advert(3), **WAY4)
    assert decode(summed(payload[:4] + bytes([payload[4] | 0xF0]) + payload[5:]), ttl=255, **WAY4) == advert(3)


# -- garbage -----------------------------------------------------------------------------------------------------------


@given(payload=st.binary(max_size=1500), ttl=st.integers(-1, 256), way=st.sampled_from([WAY4, UNICAST4, WAY6]))
def test_no_bytes_do_more_than_give_a_reason(payload, ttl, way):
    try:
        read = decode(payload, ttl=ttl, **way)
    except DecodeError as error:
        assert error.reason in REASONS
    else:
        assert encode(read, **way)[:6] == payload[:6] or read.version == 3  # reserved bits may differ


@given(st.sampled_from([advert(2), advert(3), advert(3, "10.0.0.1", "10.0.0.2")]), st.data())
def test_a_changed_bit_is_never_taken_for_the_advertisement_that_was_sent(message, data):
    payload = bytearray(encode(message, **WAY4))
    bit = data.draw(st.integers(0, len(payload) * 8 - 1))
    payload[bit // 8] ^= 1 << bit % 8
    try:
        read = decode(bytes(payload), ttl=255, **WAY4)
    except DecodeError as error:
        assert error.reason in REASONS
    else:
        assert read != message


@given(
    version=st.sampled_from([2, 3]), vrid=st.integers(1, 255), priority=st.integers(0, 255),
    interval=st.integers(1, 40), numbers=st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=255),
    pseudo_header=st.booleans(),
)
def test_every_advertisement_survives_the_wire(version, vrid, priority, interval, numbers, pseudo_header):
    message = Advertisement(version, vrid, priority, interval * 100, tuple(map(ip_address, numbers)),
                            auth_data=bytes(8) if version == 2 else b"")
    assert decode(encode(message, **WAY4, pseudo_header=pseudo_header), ttl=255, **WAY4) == message


# -- packets of real routers -------------------------------------------------------------------------------------------


def captured(path: Path) -> Iterator[tuple[Ether, object]]:
    for data, _when in RawPcapReader(str(path)):
        frame = Ether(data)
        if IP in frame and frame[IP].proto == 112:
            yield frame, frame[IP]
        elif IPv6 in frame and frame[IPv6].nh == 112:
            yield frame, frame[IPv6]


@pytest.mark.corpus
@pytest.mark.skipif(not VECTORS.exists(), reason="the captured packets are not here")
@pytest.mark.parametrize("path", sorted(VECTORS.glob("*.pcap")) if VECTORS.exists() else [], ids=lambda path: path.stem)
def test_every_advertisement_of_keepalived_and_frr_is_read_and_written_again_to_the_byte(path):
    packets = list(captured(path))
    assert packets or path.stem == "v2_ah"
    for frame, packet in packets:
        header = 20 if IP in frame else 40
        length = packet.len if IP in frame else packet.plen + 40
        payload = bytes(packet)[header:length]
        way = {"source": ip_address(packet.src), "destination": ip_address(packet.dst)}
        read = decode(payload, ttl=packet.ttl if IP in frame else packet.hlim, **way)
        assert encode(read, **way) == payload
        assert read.vrid == 51
