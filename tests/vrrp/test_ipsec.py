from ipaddress import ip_address

import pytest

from pyha.errors import DecodeError
from pyha.vrrp.ipsec import Association

SOURCE, GROUP = ip_address("10.99.0.1"), ip_address("224.0.0.18")
MESSAGE = bytes.fromhex("2133960102013c5d0a63000a0000000000000000")
# Sent by keepalived 2.2.7 with auth_pass k8sha123: the first one, and the first one of the router that took over.
FIRST = bytes.fromhex(
    "45c0004000010000ff33d0530a630001e0000012700400000a630001000000014bb59b4f295b34389a3b0ae1") + MESSAGE
SECOND = bytes.fromhex(
    "45c0004000010000ff33d0520a630002e0000012700400000a6300020000000545a9f3283c4b1f6f42a38a37"
    "2133640102016e5d0a63000a0000000000000000")


def association(password: str = "k8sha123") -> Association:
    return Association(password)


def seal(one: Association, **how) -> bytes:
    return one.seal(MESSAGE, **{"source": SOURCE, "destination": GROUP, "ttl": 255, **how})


def refused(one: Association, packet: bytes) -> str:
    with pytest.raises(DecodeError) as error:
        one.open(packet)
    return error.value.reason


def test_it_is_keepalived_s_to_the_byte():
    made = seal(association())
    assert made[:10] + FIRST[10:12] + made[12:] == FIRST  # the kernel computes the checksum of the header


def test_what_keepalived_sent_is_read():
    one = association()
    assert one.open(FIRST) == MESSAGE
    assert one.open(SECOND)[:4] == bytes.fromhex("21336401")
    assert one.sequence == 5


def test_what_is_sent_goes_on_from_what_was_heard():
    one = association()
    one.open(SECOND)
    assert int.from_bytes(seal(one)[28:32]) == 6


def test_a_packet_counts_once():
    one = association()
    one.open(SECOND)
    assert refused(one, SECOND) == "sequence"
    assert refused(one, FIRST) == "sequence"


def test_another_password_is_refused_and_does_not_move_the_counter():
    one = association("another")
    assert refused(one, SECOND) == "auth_data"
    assert one.sequence == 0


def test_a_password_counts_up_to_eight_bytes():
    assert association("k8sha123456").open(FIRST) == MESSAGE


@pytest.mark.parametrize("at", [2, 4, 12, 16, 24, 28, 35, 44, 46, 63])
def test_a_changed_byte_is_refused(at):
    changed = bytearray(SECOND)
    changed[at] ^= 1
    assert refused(association(), bytes(changed)) in ("auth_data", "auth_type")


@pytest.mark.parametrize("at", [1, 10])
def test_what_routers_may_change_may_change(at):
    changed = bytearray(FIRST)
    changed[at] ^= 1
    assert association().open(bytes(changed)) == MESSAGE


def test_by_unicast_the_ttl_may_change():
    packet = bytearray(seal(association(), destination=ip_address("10.99.0.2")))
    packet[8] = 250
    assert association().open(bytes(packet)) == MESSAGE


def test_one_kept_for_later_is_beyond_what_is_sent_meanwhile():
    one, other = association(), association()
    kept = seal(one, ahead=10)
    for _ in range(5):
        other.open(seal(one))
    assert other.open(kept) == MESSAGE
    assert one.sequence == 5


@pytest.mark.parametrize("packet", [b"", b"\x45", FIRST[:43], b"\x4f" + FIRST[1:50]])
def test_what_is_too_short_is_refused(packet):
    assert refused(association(), packet) == "length"
