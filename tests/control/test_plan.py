import pytest

from pyha.config.model import Backend, Bind, Config, Frontend, Global, HttpService
from pyha.config.vrrp_model import VirtualRouter, Vrrp
from pyha.control.plan import plan

RELAY = Frontend(name="f", binds=(Bind(host="::", port=6443),), default_backend="b")
STATS = Frontend(name="s", binds=(Bind(host="::", port=9000),), http=HttpService(stats_uri="/"))
BACKEND = Backend(name="b")
VRRP = Vrrp(routers=(VirtualRouter(name="VI_1", interface="eth0", vrid=51),))


@pytest.mark.parametrize(("cpus", "workers"), [(1, 1), (2, 2), (4, 4), (64, 4)])
def test_there_are_as_many_workers_as_cpus_but_at_most_four(cpus, workers):
    assert plan(Config(frontends=(RELAY,)), cpus).workers == workers


def test_nbthread_says_how_many_workers():
    assert plan(Config(settings=Global(nbthread=7), frontends=(RELAY,)), cpus=2).workers == 7


def test_vrrp_starts_after_everything_that_serves_clients():
    config = Config(settings=Global(nbthread=2), frontends=(RELAY,), backends=(BACKEND,), vrrp=VRRP)
    assert plan(config, 1).children() == [("worker", 0), ("worker", 1), ("monitor", 0), ("vrrp", 0)]


def test_only_vrrp_needs_neither_workers_nor_monitor():
    assert plan(Config(vrrp=VRRP), 2).children() == [("vrrp", 0)]


def test_a_page_alone_needs_the_monitor_only():
    assert plan(Config(frontends=(STATS,)), 2).children() == [("monitor", 0)]


def test_a_disabled_frontend_needs_nothing():
    assert plan(Config(frontends=(RELAY.model_copy(update={"disabled": True}),)), 2).children() == []
