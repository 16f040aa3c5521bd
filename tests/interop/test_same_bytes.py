"""For the same keepalived.conf pyha sends what keepalived sends, byte for byte: in the same lab, and as recorded."""

from functools import partial
from pathlib import Path

import pytest

from tests.interop import likeness
from tests.interop.flavours import FLAVOURS, Setup
from tests.interop.stage import Story

pytestmark = [pytest.mark.root, pytest.mark.peer, pytest.mark.timeout(300)]
_VECTORS = Path(__file__).parents[3] / "shared" / "vectors"
_THREE = ("10.99.0.10/24", "10.99.0.11/24", "10.99.0.12/24")
_SIX = ("fe80::5e:10/128", "fd00:99::10/128")

# Each with the recording that was made with the same configuration.
_CASES = (
    ("v2", "v2_none", {}),
    ("v2 PASS", "v2_pass", {}),
    ("v2 PASS", "v2_pass3", {"vips": _THREE, "password": "42"}),
    ("v2 AH", "v2_ah", {}),
    ("v2 unicast PASS", "v2_unicast", {}),
    ("v2 vmac xmit_base", "v2_vmac_xmit_base", {"more": "  vmac_xmit_base"}),
    ("v3 half a second", "v3_ip4", {}),
    ("v3 10 ms", "v3_ip4_3vip_10ms", {"vips": _THREE}),
    ("v3 one second unicast", "v3_unicast", {}),
    ("v3 one second vmac", "v3_vmac", {}),
    ("v3 one second IPv6", "v3_ip6", {"vips": _SIX}),
    ("v3 one second IPv6 unicast", "v3_ip6_unicast", {}),
    ("v3 one second IPv6 vmac", "v3_vmac6", {"vips": _SIX}),
)


def _stories():
    for flavour, vector, more in _CASES:
        path = _VECTORS / f"{vector}.pcap"
        play = partial(likeness.alike, vector=path if path.exists() else None)
        yield Story(f"bytes: {vector}", flavour, ("keepalived",), play, (150,), setup=partial(Setup, **more)).param()


@pytest.fixture(params=_stories())
def story(request):
    return request.param


def test_advertisements(told):
    told.reached("advertisements")


def test_the_advertisement_of_priority_0(told):
    told.reached("goodbyes")


def test_gratuitous_arp_and_neighbour_advertisements(told):
    told.reached("announcements")


def test_what_is_sent_in_which_order_at_a_takeover(told):
    told.reached("takeover")


@pytest.mark.corpus
@pytest.mark.skipif(not _VECTORS.exists(), reason="the recordings are not here")
def test_recorded_frames(told):
    told.reached("recorded")


def test_every_flavour_is_there():
    assert {flavour for flavour, _, _ in _CASES} <= set(FLAVOURS)
