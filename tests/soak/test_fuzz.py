"""Ten minutes of whatever a network or an editor may come up with: no exception but the one that counts, no hang.

`make soak` runs it; PYHA_FUZZ_MINUTES says for how long in all (10). Each part begins with another seed each time, and
says which when it fails.
"""

import os
import time
from ipaddress import ip_address

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from pyha.errors import DecodeError
from pyha.vrrp.advertisement import Advertisement, decode, encode
from pyha.vrrp.ipsec import Association
from tests.config.keepalived.test_fuzz import LINES, WORDS, holds

MINUTES = float(os.environ.get("PYHA_FUZZ_MINUTES", "10"))
_ROUND = settings(max_examples=500, deadline=5000, database=None, suppress_health_check=list(HealthCheck))

pytestmark = [
    pytest.mark.skipif("PYHA_SOAK" not in os.environ, reason="takes minutes: run by `make soak`"),
    pytest.mark.timeout(3600),
]
SOURCES = {4: ip_address("10.0.0.1"), 6: ip_address("fe80::1")}
GROUPS = {4: ip_address("224.0.0.18"), 6: ip_address("ff02::12")}


def for_its_share(share, check, *strategies):
    """Try new examples until the share of the time is used up."""
    end = time.monotonic() + MINUTES * 60 * share
    number = int.from_bytes(os.urandom(4))
    while time.monotonic() < end:
        number += 1
        try:
            _ROUND(seed(number)(given(*strategies)(check)))()
        except BaseException:
            print(f"seed {number}")
            raise


def read(payload, version, ttl):
    try:
        advert = decode(payload, source=SOURCES[version], destination=GROUPS[version], ttl=ttl)
    except DecodeError as error:
        assert error.reason in ("length", "version", "type", "ttl", "vrid", "count", "checksum", "interval")
        return
    assert 1 <= advert.vrid <= 255
    assert advert.addresses
    assert advert.interval


def mutated(version, priority, count, cuts):
    kind = 4 if version == 2 else 6
    addresses = tuple(ip_address("10.0.0.9") if kind == 4 else ip_address("fe80::9") for _ in range(count))
    data = bytearray(encode(Advertisement(version, 1, priority, 100, addresses), source=SOURCES[kind],
                            destination=GROUPS[kind]))
    for place, value in cuts:
        if value is None:
            del data[place % (len(data) + 1):]
        elif data:
            data[place % len(data)] = value
    read(bytes(data), kind, 255)


def opened(packet):
    try:
        Association("k8sha123").open(packet)
    except DecodeError as error:
        assert error.reason in ("length", "auth_type", "auth_data", "sequence")
    else:
        raise AssertionError("nobody knows the password")


def test_any_bytes_as_an_advertisement():
    for_its_share(0.2, read, st.binary(max_size=200), st.sampled_from([4, 6]), st.integers(0, 255))


def test_advertisements_with_something_odd_in_them():
    cut = st.tuples(st.integers(0, 300), st.one_of(st.none(), st.integers(0, 255)))
    for_its_share(0.2, mutated, st.sampled_from([2, 3]), st.integers(0, 255), st.integers(0, 20),
                  st.lists(cut, max_size=4))


def test_any_bytes_as_an_authentication_header():
    for_its_share(0.1, opened, st.binary(max_size=120))


def test_any_text_as_keepalived_conf():
    words = st.lists(st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join), max_size=40).map("\n".join)
    lines = st.lists(st.one_of(st.sampled_from(LINES), st.sampled_from(WORDS)), max_size=80).map("\n".join)
    for_its_share(0.5, holds, st.one_of(st.text(max_size=400), words, lines))
