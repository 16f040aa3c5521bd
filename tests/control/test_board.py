from pyha.config.model import Backend, Bind, Config, Frontend, Server
from pyha.control.board import Board
from pyha.control.messages import (
    CheckResult,
    FrontendCounters,
    RouterReport,
    ServerCounters,
    ServerState,
    ServerStates,
    VrrpReport,
    Will,
    WorkerReport,
)
from pyha.control.status import ProcessStatus, address

CONFIG = Config(
    frontends=(Frontend(name="api", binds=(Bind(host="::", port=8443), Bind(host="10.0.0.9", port=443))),),
    backends=(Backend(name="api", servers=(Server(name="m1", host="10.0.0.1", port=6443),
                                           Server(name="m2", host="fd00::2", port=6443, disabled=True))),),
)
UP = ServerState(backend="api", server="m1", address="10.0.0.1:6443", status="UP", weight=3, since=50.0,
                 check=CheckResult(status="L7OK", code=200, duration_ms=4, last=60.0))
ROUTER = RouterReport(name="VI_1", interface="eth0", vrid=51, family="ipv4", state="MASTER", priority=100,
                      effective_priority=98, addresses=("10.0.0.100/24",), since=1.0, reason="no better router")


def report(total, sessions=0, server_sessions=0):
    return WorkerReport(
        frontends=(FrontendCounters(name="api", total=total, sessions=sessions),),
        servers=(ServerCounters(backend="api", server="m1", sessions=server_sessions),),
    )


def status(board, now=100.0):
    return board.status(CONFIG, [ProcessStatus(role="supervisor", pid=1, restarts=0, rss_bytes=1)], version="1",
                        generation=2, started=10.0, now=now, clock=70.0)


def test_sessions_and_rates_are_summed_over_the_workers():
    board = Board()
    for index in (0, 1):
        board.worker_report(index, report(100), now=10.0)
        board.worker_report(index, report(150, sessions=7, server_sessions=7), now=11.0)
    frontend = status(board, now=11.5).frontends[0]
    assert (frontend.name, frontend.binds, frontend.sessions, frontend.rate) == (
        "api", ("[::]:8443", "10.0.0.9:443"), 14, 100.0)
    assert status(board, now=11.5).backends[0].servers[0].sessions == 14


def test_a_rate_is_forgotten_when_nothing_is_reported_any_more():
    board = Board()
    board.worker_report(0, report(0), now=10.0)
    board.worker_report(0, report(50), now=11.0)
    assert board.rates(13.4) == {"api": 50.0}
    assert board.rates(13.6) == {}


def test_a_worker_that_died_takes_its_sessions_and_rates_with_it_and_its_successor_counts_from_zero():
    board = Board()
    board.worker_report(0, report(0, sessions=5), now=10.0)
    board.worker_report(0, report(500, sessions=5), now=11.0)
    board.worker_died(0)
    assert board.rates(11.1) == {}
    assert status(board).frontends[0].sessions == 0
    board.worker_report(0, report(3, sessions=1), now=12.0)
    board.worker_report(0, report(4, sessions=1), now=13.0)
    assert board.rates(13.0) == {"api": 1.0}


def test_a_burst_after_a_long_silence_is_a_burst():
    board = Board()
    board.worker_report(0, report(0), now=10.0)
    board.worker_report(0, report(50), now=600.0)
    assert board.rates(600.5) == {"api": 50.0}


def test_two_reports_at_the_same_moment_give_no_rate():
    board = Board()
    board.worker_report(0, report(1), now=10.0)
    board.worker_report(0, report(2), now=10.0)
    assert board.rates(10.0) == {}


def test_server_states_stand_until_the_server_leaves_the_configuration():
    board = Board()
    gone = UP.model_copy(update={"server": "gone"})
    board.server_states(ServerStates(states=(UP, gone)))
    board.configured(CONFIG)
    assert list(board.servers.values()) == [UP]
    assert board.balancer(CONFIG, accepting=True).healthy


def test_a_dead_vrrp_process_leaves_its_will_once():
    board = Board()
    board.will = Will(requests=("aa",))
    board.vrrp_report(VrrpReport(routers=(ROUTER,)))
    assert board.vrrp_died(200.0) == Will(requests=("aa",))
    assert board.vrrp_died(300.0) == Will()
    assert [(router.state, router.master) for router in board.routers] == [("INIT", None)]


def test_status_tells_everything_in_its_fixed_shape():
    board = Board()
    board.server_states(ServerStates(states=(UP,)))
    board.vrrp_report(VrrpReport(routers=(ROUTER,)))
    result = status(board).model_dump(mode="json", by_alias=True)
    assert list(result) == ["schema", "version", "generation", "uptime_s", "processes", "vrrp", "frontends", "backends"]
    assert (result["schema"], result["uptime_s"], result["generation"]) == ("pyha/status/v1", 60.0, 2)
    assert result["vrrp"][0]["state"] == "MASTER"
    checked, unchecked = result["backends"][0]["servers"]
    assert checked == {
        "name": "m1", "address": "10.0.0.1:6443", "state": "UP", "weight": 3, "sessions": 0, "since": 50.0,
        "check": {"status": "L7OK", "code": 200, "duration_ms": 4, "last": 60.0},
    }
    assert (unchecked["address"], unchecked["state"], unchecked["check"], unchecked["since"]) == (
        "[fd00::2]:6443", "MAINT", None, 10.0)


def test_addresses_are_written_as_people_write_them():
    assert address("10.0.0.1", 80) == "10.0.0.1:80"
    assert address("fd00::1", 80) == "[fd00::1]:80"
    assert address("10.0.0.1", None) == "10.0.0.1"


def test_a_server_without_its_own_check_says_so():
    board = Board()
    board.server_states(ServerStates(states=(UP.model_copy(update={"check": None}),)))
    assert status(board).backends[0].servers[0].check is None
