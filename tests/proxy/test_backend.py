"""Backends, servers, frontends and shares: configuration, reload, slow start, limits."""

import random

from pyha.config import model
from pyha.proxy.backend import Backend
from pyha.proxy.frontend import FrontendState
from pyha.proxy.session import Session
from pyha.proxy.shares import share


def settings(*servers, **options):
    return model.Backend(name="api", servers=servers, **options)


def configured(config, index=0, workers=1, backend=None):
    backend = backend or Backend("api")
    backend.configure(config, index, workers, random.Random(1).random)
    return backend


def server(name, **options):
    return model.Server(name=name, host="10.0.0.1", port=1, **options)


def test_shares_add_up_and_nobody_has_none():
    assert [share(5, index, 2) for index in range(2)] == [3, 2]
    assert [share(2, index, 4) for index in range(4)] == [1, 1, 1, 1]


def test_limits_are_divided_between_workers():
    api = configured(settings(server("a", maxconn=5, maxqueue=3)), index=1, workers=2)
    assert (api.servers["a"].limit, api.servers["a"].maxqueue) == (2, 1)


def test_workers_begin_with_different_servers():
    config = settings(server("a"), server("b"))
    assert [configured(config, index, 2).algorithm.pick(0).name for index in range(2)] == ["a", "b"]


def test_a_reload_keeps_load_state_and_counters():
    api = configured(settings(server("a"), server("b")))
    session = Session(api, 0)
    session.start(0.0)
    api.set_state("b", "DOWN", 1, 0.0)
    before = dict(api.servers)
    configured(settings(server("a", weight=7), server("b"), server("c")), backend=api)
    assert api.servers["a"] is before["a"]
    assert (api.servers["a"].sessions, api.servers["a"].weight, api.servers["b"].status) == (1, 7, "DOWN")
    assert {server.name for server in api.chosen} == {"a", "c"}


def test_a_reload_can_disable_enable_and_remove():
    api = configured(settings(server("a"), server("b", disabled=True), server("c")))
    gone = api.servers["c"]
    configured(settings(server("a", disabled=True), server("b")), backend=api)
    assert [server.name for server in api.chosen] == ["b"]
    assert not gone.chosen
    configured(settings(server("b"), disabled=True), backend=api)
    assert api.chosen == []


def test_a_reload_can_change_the_algorithm():
    api = configured(settings(server("a"), server("b")))
    configured(settings(server("a"), server("b"), balance=model.Balance(algorithm="first")), backend=api)
    assert [api.algorithm.pick(0).name for _ in range(3)] == ["a", "a", "a"]


def test_a_server_with_weight_0_gets_nobody():
    api = configured(settings(server("a", weight=0), server("b")))
    assert [server.name for server in api.chosen] == ["b"]
    assert not api.servers["a"].in_service


def test_backups_take_over_one_by_one_or_all():
    servers = server("a"), server("b", backup=True), server("c", backup=True)
    api = configured(settings(*servers))
    api.set_state("a", "DOWN", 1, 0.0)
    assert ([s.name for s in api.chosen], api.active) == (["b"], 0)
    api = configured(settings(*servers, allbackups=True))
    api.set_state("a", "DOWN", 1, 0.0)
    assert [s.name for s in api.chosen] == ["b", "c"]


def test_a_slow_start_grows_weight_and_maxconn():
    api = configured(settings(server("a", slowstart=10_000, maxconn=100), server("b", slowstart=10_000)))
    assert api.advance(0.0) == []
    for name in "ab":
        api.set_state(name, "DOWN", 1, 0.0)
        api.set_state(name, "UP", 1, 100.0)
    one = api.servers["a"]
    assert (one.ramp, one.limit) == (0.05, 5)
    api.advance(105.0)
    assert (one.ramp, one.limit) == (0.5, 50)
    api.advance(110.0)
    assert (one.ramp, one.limit) == (1.0, 100)
    assert api.advance(111.0) == []
    assert not one.grow(112.0)


def test_a_slow_start_that_is_interrupted_begins_again():
    api = configured(settings(server("a", slowstart=10_000)))
    for now in (0.0, 5.0):
        api.set_state("a", "DOWN", 1, now)
        api.set_state("a", "UP", 1, now)
    assert api.servers["a"].ramp_end == 15.0


def test_a_frontend_admits_up_to_its_maxconn():
    front = FrontendState("front")
    assert front.admit()
    assert not front.leave(1, 2)
    front.configure(model.Frontend(name="front", maxconn=3), 1, 2)
    assert front.admit()
    assert not front.admit()
    assert front.leave(10, 20)
    assert (front.sessions, front.total, front.max_sessions, front.bytes_in, front.bytes_out) == (0, 2, 1, 11, 22)
    front.configure(model.Frontend(name="front"), 0, 1)
    assert front.limit > 10**9
    assert front.admit() and front.admit()
