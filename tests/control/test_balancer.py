import pytest

from pyha.config.model import Backend, Bind, Config, Frontend, HttpService, Server
from pyha.control.balancer import health
from pyha.control.messages import ServerState

SERVERS = (Server(name="m1", host="10.0.0.1", port=6443), Server(name="m2", host="10.0.0.2", port=6443))
CONFIG = Config(
    frontends=(
        Frontend(name="api", binds=(Bind(host="0.0.0.0", port=8443),), default_backend="api"),
        Frontend(name="stats", binds=(Bind(host="0.0.0.0", port=9000),), http=HttpService(stats_uri="/")),
    ),
    backends=(Backend(name="api", servers=SERVERS), Backend(name="unused", servers=SERVERS)),
)


def state(server, status, backend="api"):
    return ServerState(backend=backend, server=server, address="10.0.0.1:6443", status=status, weight=1, since=0.0)


def test_without_a_worker_nothing_works():
    verdict = health(CONFIG, accepting=False, servers=[])
    assert (verdict.healthy, verdict.reason) == (False, "no worker accepts connections")


def test_servers_nobody_has_checked_yet_count_as_usable():
    verdict = health(CONFIG, accepting=True, servers=[])
    assert (verdict.healthy, verdict.reason) == (True, "2 of 2 servers usable")


def test_one_usable_server_is_enough():
    verdict = health(CONFIG, accepting=True, servers=[state("m1", "DOWN"), state("m2", "UP")])
    assert (verdict.healthy, verdict.reason) == (True, "1 of 2 servers usable")


@pytest.mark.parametrize("status", ["DOWN", "MAINT", "NOLB", "DRAIN"])
def test_without_a_usable_server_the_balancer_does_not_work(status):
    verdict = health(CONFIG, accepting=True, servers=[state("m1", status), state("m2", status)])
    assert (verdict.healthy, verdict.reason) == (False, "none of the 2 servers is usable")


def test_a_backend_that_no_frontend_uses_does_not_count():
    states = [state("m1", "DOWN"), state("m2", "DOWN"), state("m1", "UP", backend="unused")]
    assert not health(CONFIG, accepting=True, servers=states).healthy


def test_a_disabled_server_is_not_usable_even_before_the_first_report():
    disabled = tuple(server.model_copy(update={"disabled": True}) for server in SERVERS)
    config = CONFIG.model_copy(update={"backends": (Backend(name="api", servers=disabled),)})
    assert not health(config, accepting=True, servers=[]).healthy


def test_a_backend_without_servers_is_no_reason_to_leave():
    config = CONFIG.model_copy(update={"backends": (Backend(name="api"),)})
    assert health(config, accepting=True, servers=[]).healthy
