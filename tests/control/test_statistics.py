import pytest

from pyha.config.model import Backend, Balance, Check, Config, Frontend, Global, HttpService, Server
from pyha.control.messages import CheckResult, FrontendCounters, ServerCounters, ServerState, WorkerReport
from pyha.control.statistics import ServerView, Statistics, WebCounters, _agent, status_words
from pyha.health.verdict import Verdict

M1 = Server(name="m1", host="10.0.0.1", port=6443, check=Check(), maxconn=100)
M2 = Server(name="m2", host="10.0.0.2", port=6443, check=Check(), weight=3)
SPARE = Server(name="spare", host="10.0.0.3", port=6443, check=Check(), backup=True, weight=5)
SECOND = SPARE.model_copy(update={"name": "second"})
BACKEND = Backend(name="api", servers=(M1, M2, SPARE, SECOND), balance=Balance(algorithm="leastconn"), fullconn=500)
CONFIG = Config(
    settings=Global(maxconn=2000),
    frontends=(Frontend(name="api", default_backend="api", maxconn=1000), Frontend(name="off", disabled=True),
               Frontend(name="web", http=HttpService(stats_uri="/"))),
    backends=(BACKEND, Backend(name="empty")),
)
CLOCK = 1_000.0


def state(server="m1", status="UP", health=4, check=None, **options):
    return ServerState(backend="api", server=server, address="10.0.0.1:6443", status=status, weight=1, since=900.0,
                       check=check, health=health, **options)


def view(server="m1", status="UP", **options):
    return ServerView(state(server, status, **options), checked=True)


def views(**status):
    return {("api", server.name): view(server.name, status.get(server.name, "UP")) for server in BACKEND.servers}


def report(worker=0, total=0, server="m1", **counters):
    return WorkerReport(worker=worker, frontends=(FrontendCounters(name="api", total=total, **{
        key: value for key, value in counters.items() if key in FrontendCounters.model_fields}),),
        servers=(ServerCounters(backend="api", server=server, total=total, **{
            key: value for key, value in counters.items() if key in ServerCounters.model_fields}),))


def rows(statistics, servers=None, web=(), now=10.0, clock=CLOCK, config=CONFIG):
    found = statistics.rows(config, views() if servers is None else servers, dict(web), now, clock)
    return {(row.proxy, row.name): row for row in found}


# -- sums and rates ----------------------------------------------------------------------------------------------------


def test_counters_are_summed_over_the_workers():
    statistics = Statistics()
    statistics.report(report(0, 10, sessions=1, bytes_in=5, retries=1, queued=2), 1.0)
    statistics.report(report(1, 20, sessions=2, bytes_in=6, retries=2), 1.0)
    found = rows(statistics)
    for name in ("FRONTEND", "m1", "BACKEND"):
        row = found["api", name]
        assert (row.total, row.sessions, row.bytes_in) == (30, 3, 11)
    assert (found["api", "m1"].retries, found["api", "BACKEND"].queued) == (3, 2)
    assert statistics.load("api", "m1") == (3, 2)
    assert statistics.load("api", "m2") == (0, 0)


def test_the_last_report_of_a_worker_counts_and_workers_that_are_no_more_do_not():
    statistics = Statistics()
    statistics.report(report(0, 10), 1.0)
    statistics.report(report(0, 15), 2.0)
    statistics.report(report(1, 20), 2.0)
    assert rows(statistics)["api", "m1"].total == 35
    statistics.workers(1)
    assert rows(statistics)["api", "m1"].total == 15


def test_a_backend_counts_connections_that_found_no_server():
    statistics = Statistics()
    statistics.report(report(0, 7, server=""), 1.0)
    assert rows(statistics)["api", "BACKEND"].total == 7


def test_rates_are_new_sessions_per_second_now_and_at_most():
    statistics = Statistics()
    for now, total in ((1.0, 0), (2.0, 80), (3.0, 120)):
        statistics.report(report(0, total), now)
    row = rows(statistics, now=3.5)["api", "m1"]
    assert (row.rate, row.rate_max, row.last_session) == (40, 80, 0)


def test_a_rate_is_forgotten_when_nothing_is_reported_any_more():
    statistics = Statistics()
    statistics.report(report(0, 0), 1.0)
    statistics.report(report(0, 80), 2.0)
    row = rows(statistics, now=9.0)["api", "m1"]
    assert (row.rate, row.rate_max, row.last_session) == (0, 80, 7)


def test_the_first_report_gives_no_rate_but_says_that_there_were_sessions():
    statistics = Statistics()
    statistics.report(report(0, 80), 2.0)
    assert (rows(statistics)["api", "m1"].rate, rows(statistics)["api", "m1"].last_session) == (0, 8)
    assert rows(statistics)["api", "m2"].last_session == -1


def test_two_reports_at_one_moment_and_a_worker_that_died_give_no_absurd_rate():
    statistics = Statistics()
    statistics.report(report(0, 100), 1.0)
    statistics.report(report(0, 100), 2.0)
    statistics.report(report(0, 900), 2.0)  # in the same instant: waits for the next
    statistics.report(report(0, 3), 3.0)  # the successor counts from zero
    row = rows(statistics, now=3.0)["api", "m1"]
    assert row.rate == row.rate_max == 0


def test_workers_that_report_a_moment_apart_add_up_and_no_more():
    statistics = Statistics()
    for now in (1.0, 2.0, 3.0):
        statistics.report(report(0, int(now) * 10), now)
        statistics.report(report(1, int(now) * 10), now + 0.001)
    row = rows(statistics, now=3.1)["api", "BACKEND"]
    assert (row.rate, row.rate_max) == (20, 20)


def test_a_burst_after_a_long_silence_is_a_burst():
    statistics = Statistics()
    statistics.report(report(0, 0), 1.0)
    statistics.report(report(0, 500), 600.0)
    assert rows(statistics, now=600.5)["api", "m1"].rate == 500


# -- rows --------------------------------------------------------------------------------------------------------------


def test_rows_come_in_the_order_of_the_configuration_and_proxies_are_numbered_as_in_haproxy():
    found = Statistics().rows(CONFIG, views(), {}, 0.0, CLOCK)
    assert [(row.iid, row.proxy, row.name, row.sid) for row in found] == [
        (2, "api", "FRONTEND", 0), (2, "api", "m1", 1), (2, "api", "m2", 2), (2, "api", "spare", 3),
        (2, "api", "second", 4), (2, "api", "BACKEND", 0), (3, "off", "FRONTEND", 0), (4, "web", "FRONTEND", 0),
        (5, "empty", "BACKEND", 0)]


def test_a_frontend_tells_its_limit_and_its_state():
    found = rows(Statistics())
    assert (found["api", "FRONTEND"].sessions_limit, found["api", "FRONTEND"].status) == (1000, "OPEN")
    assert (found["off", "FRONTEND"].sessions_limit, found["off", "FRONTEND"].status) == (2000, "STOP")


def test_a_listener_in_http_mode_counts_for_itself():
    web = WebCounters(FrontendCounters(name="web", total=5, failed=1), (0, 4, 0, 1, 0, 0))
    row = rows(Statistics(), web={"web": web})["web", "FRONTEND"]
    assert (row.mode, row.total, row.failed, row.responses) == ("http", 5, 1, (0, 4, 0, 1, 0, 0))


def test_a_server_tells_what_is_known_about_it():
    check = CheckResult(status="L7STS", code=500, info="ISE", duration_ms=3, last=990.0)
    known = ServerView(state("m1", "DOWN", health=1, check=check), checked=True, failures=4, downs=2, downtime=50.0)
    row = rows(Statistics(), {("api", "m1"): known})["api", "m1"]
    assert (row.status, row.since, row.downtime, row.sessions_limit, row.active, row.backup) == (
        "DOWN 1/2", 100, 150, 100, 1, 0)
    said = row.check
    assert (said.status, said.code, said.info, said.description, said.duration_ms, said.health, said.failures,
            said.downs) == ("L7STS", 500, "ISE", "Layer7 wrong status", 3, 1, 4, 2)


def test_a_check_that_knows_no_code_shows_0_where_haproxy_does():
    def code(status):
        known = {("api", "m1"): view(check=CheckResult(status=status))}
        return rows(Statistics(), known)["api", "m1"].check.code
    assert (code("L7OK"), code("L4OK"), code("L7RSP")) == (0, None, None)


def test_a_server_that_has_not_been_checked_yet_is_initializing():
    assert rows(Statistics())["api", "m1"].check.status == "INI"


def test_an_unchecked_server_has_neither_check_nor_downtime():
    row = rows(Statistics(), {("api", "m1"): ServerView(state(), checked=False)})["api", "m1"]
    assert (row.status, row.check, row.downtime) == ("no check", None, None)


def test_a_clock_set_back_makes_no_negative_ages():
    row = rows(Statistics(), clock=10.0)["api", "m1"]
    assert row.since == 0


def test_a_server_that_nobody_watches_yet_is_left_out():
    assert ("api", "m1") not in rows(Statistics(), {})


@pytest.mark.parametrize(("down", "allbackups", "weight", "active", "backup"), [
    ({}, False, 4, 2, 2), ({"m1": "DOWN"}, False, 3, 1, 2), ({"m1": "DOWN", "m2": "MAINT"}, False, 5, 0, 2),
    ({"m1": "DOWN", "m2": "NOLB"}, True, 10, 0, 2)])
def test_a_backend_weighs_what_is_in_charge(down, allbackups, weight, active, backup):
    config = CONFIG.model_copy(update={"backends": (BACKEND.model_copy(update={"allbackups": allbackups}),)})
    row = rows(Statistics(), views(**down), config=config)["api", "BACKEND"]
    assert (row.status, row.weight, row.active, row.backup, row.algorithm, row.sessions_limit) == (
        "UP", weight, active, backup, "leastconn", 500)


# -- backends up and down ----------------------------------------------------------------------------------------------


def test_a_backend_remembers_since_when_it_can_serve_and_how_often_it_could_not():
    statistics, up = Statistics(), dict.fromkeys(("m1", "m2", "spare", "second"), "UP")
    nobody = dict.fromkeys(up, "DOWN")
    for clock, servers in ((100.0, up), (200.0, up | {"m1": "DOWN"}), (300.0, nobody), (310.0, nobody), (360.0, up),
                           (400.0, nobody)):
        statistics.stands(BACKEND, servers, clock)
    row = rows(statistics, views(**nobody), clock=405.0)["api", "BACKEND"]
    assert (row.status, row.since, row.downs, row.downtime) == ("DOWN", 5, 2, 65)
    statistics.stands(BACKEND, up, 410.0)
    row = rows(statistics, clock=500.0)["api", "BACKEND"]
    assert (row.status, row.since, row.downs, row.downtime) == ("UP", 90, 2, 70)


def test_a_backend_without_servers_is_up_as_in_haproxy():
    statistics = Statistics()
    statistics.stands(Backend(name="empty"), {}, 100.0)
    assert rows(statistics)["empty", "BACKEND"].status == "UP"


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("status", "health", "words"), [
    ("UP", 4, "UP"), ("UP", 3, "UP 2/3"), ("UP", 2, "UP 1/3"), ("DOWN", 0, "DOWN"), ("DOWN", 1, "DOWN 1/2"),
    ("NOLB", 4, "NOLB"), ("NOLB", 2, "NOLB 1/3"), ("MAINT", 0, "MAINT"), ("DRAIN", 4, "DRAIN")])
def test_states_are_haproxys_words_with_a_count_on_the_way(status, health, words):
    assert status_words(view(status=status, health=health)) == words


def test_other_words():
    assert status_words(ServerView(state(status="MAINT"), checked=True, unresolved=True)) == "MAINT (resolution)"
    assert status_words(ServerView(state(), checked=False)) == "no check"
    assert status_words(ServerView(state(status="DRAIN"), checked=False)) == "DRAIN"


def test_the_words_for_servers_with_agents_and_for_those_that_track_others():
    said = Verdict("L7STS", 0, "via agent : down")
    assert status_words(ServerView(state(status="DOWN"), checked=True, agent_down=True, agent=said)) == "DOWN (agent)"
    assert status_words(ServerView(state(status="DRAIN"), checked=True, agent=said)) == "DRAIN (agent)"
    assert status_words(ServerView(state(status="MAINT"), checked=False, via="a/s")) == "MAINT (via a/s)"
    assert status_words(ServerView(state(status="DOWN"), checked=False, via="a/s")) == "DOWN"


@pytest.mark.parametrize(("verdict", "shown"), [
    (Verdict("L7STS", 0, "via agent : down"), ("L7STS", 0, "via agent : down", "Layer7 wrong status", 7, 0)),
    (Verdict("CHECKED"), ("CHECKED", None, "", "No status change", 7, 0))])
def test_what_an_agent_said_has_its_columns(verdict, shown):
    agent = _agent(ServerView(state(), checked=True, agent_down=True, agent=verdict, agent_ms=7))
    assert (agent.status, agent.code, agent.info, agent.description, agent.duration_ms, agent.health) == shown
    assert _agent(ServerView(state(), checked=True)) is None
