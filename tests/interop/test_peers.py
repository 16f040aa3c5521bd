"""keepalived and FRR among themselves, without pyha: that the stories are true of what they are compared with."""

import os

import pytest

from tests.interop import stories
from tests.interop.flavours import FLAVOURS
from tests.interop.stage import Story

pytestmark = [
    pytest.mark.root, pytest.mark.peer, pytest.mark.timeout(600),
    pytest.mark.skipif("PYHA_SOAK" not in os.environ, reason="shows nothing about pyha: make soak"),
]

_BOTH = (("keepalived", "frr"), ("frr", "keepalived"))
_MEETINGS = [
    *((name, ("keepalived", "keepalived")) for name in FLAVOURS if name != "v3 10 ms"),
    *((name, kinds) for name in ("v2", "v3", "v3 IPv6") for kinds in _BOTH),
]


@pytest.fixture(params=[Story(f"peers, {name}: {kinds[0]} over {kinds[1]}", name, kinds, stories.pair).param()
                        for name, kinds in _MEETINGS])
def story(request):
    return request.param


def test_everything_that_may_happen_to_the_stronger_one(told):
    told.reached("mended")
