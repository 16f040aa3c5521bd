"""A session's way to a server, event by event, in virtual time."""

import random
from math import inf

import pytest

from pyha.config import model
from pyha.proxy.backend import Backend
from pyha.proxy.effects import Connect, Judge, Refuse, ShutdownSessions, Suspect, Wait, Wake
from pyha.proxy.session import Session


def backend(*servers, workers=1, index=0, **options):
    options.setdefault("timeout_connect", 5000)
    options.setdefault("retries", 3)
    result = Backend("api")
    result.configure(model.Backend(name="api", servers=servers, **options), index, workers, random.Random(1).random)
    return result


def server(name="s1", **options):
    return model.Server(name=name, host="10.0.0.1", port=6443, **options)


def begun(of, now=0.0, key=0):
    session = Session(of, key)
    return session, session.start(now)


def to(of, name):
    return Connect(of.servers[name])


# -- the straight way ------------------------------------------------------------------------------------------------


def test_a_session_connects_talks_and_ends():
    api = backend(server())
    session, effect = begun(api, now=10.0)
    assert effect == to(api, "s1")
    assert (session.deadline, session.assigned) == (15.0, 10.0)
    session.connected()
    assert session.deadline == inf
    assert session.expire(1e9) == []
    assert session.finish("", 20.0, 100, 2000) is None
    one = api.servers["s1"]
    assert (one.sessions, one.total, one.max_sessions, one.bytes_in, one.bytes_out) == (0, 1, 1, 100, 2000)
    assert (session.code, api.sessions) == ("--", 0)


@pytest.mark.parametrize("cause", ["C", "c", "S", "s", "D", "K"])
def test_whose_fault_the_end_was_stands_first(cause):
    session, _ = begun(backend(server()))
    session.connected()
    session.finish(cause, 1.0, 0, 0)
    assert session.code == cause + "D"


def test_nobody_to_relay_to():
    api = backend()
    session, effect = begun(api)
    assert effect == Refuse("S")
    session.finish("S", 0.0, 5, 0)
    assert session.code == "SC"
    assert (api.nobody.total, api.nobody.connect_failures, api.nobody.bytes_in) == (1, 1, 5)


# -- attempts that fail ----------------------------------------------------------------------------------------------


def test_the_same_server_is_tried_again_after_a_second():
    api = backend(server(), server("s2"))
    session, _ = begun(api)
    assert session.connect_failed(1.0) == [Wait(2.0)]
    assert session.expire(1.9) == []
    assert session.expire(2.0) == [to(api, "s1")]
    assert session.deadline == 7.0
    assert (session.retries, session.redispatched, api.servers["s1"].retries) == (1, False, 1)


def test_the_pause_is_no_longer_than_timeout_connect():
    session, _ = begun(backend(server(), timeout_connect=400))
    assert session.connect_failed(1.0) == [Wait(1.4)]


def test_an_attempt_that_took_too_long_is_repeated_at_once():
    api = backend(server())
    session, _ = begun(api)
    assert session.expire(4.9) == []
    assert session.expire(5.0) == [to(api, "s1")]


def test_an_attempt_that_failed_on_this_machine_is_repeated_at_once():
    api = backend(server())
    session, _ = begun(api)
    assert session.connect_failed(0.0, "R", at_once=True) == [to(api, "s1")]


def test_without_timeout_connect_an_attempt_may_take_for_ever():
    session, _ = begun(backend(server(), timeout_connect=None))
    assert session.deadline == inf


def test_retries_come_to_an_end():
    api = backend(server(), retries=1)
    session, _ = begun(api)
    session.connect_failed(0.0)
    session.expire(1.0)
    assert session.connect_failed(1.0) == [Refuse("S")]
    session.finish("S", 1.0, 0, 0)
    one = api.servers["s1"]
    assert (session.code, one.sessions, one.connect_failures) == ("SC", 0, 1)


def test_redispatch_takes_another_server_at_once_where_servers_take_turns():
    api = backend(server(), server("s2"), redispatch=True)
    session, _ = begun(api)
    assert session.connect_failed(0.0) == [to(api, "s2")]
    assert (session.redispatched, session.retries, api.servers["s1"].redispatches) == (True, 1, 1)
    assert api.servers["s1"].sessions == 0


def test_redispatch_waits_for_the_last_retry_where_they_do_not():
    api = backend(server(), server("s2"), redispatch=True, retries=2, balance=model.Balance(algorithm="leastconn"))
    session, _ = begun(api)
    assert session.connect_failed(0.0) == [Wait(1.0)]
    session.expire(1.0)
    assert session.connect_failed(1.0) == [to(api, "s2")]


def test_redispatch_leaves_a_server_that_went_down():
    api = backend(server(), server("s2"), redispatch=True, balance=model.Balance(algorithm="leastconn"))
    session, _ = begun(api)
    api.set_state("s1", "DOWN", 1, 0.0)
    # Only one is left: no hurry.
    assert session.connect_failed(0.0) == [Wait(1.0)]
    assert session.expire(1.0) == [to(api, "s2")]


def test_redispatch_to_the_only_server_is_a_retry():
    api = backend(server(), redispatch=True, retries=1)
    session, _ = begun(api)
    assert session.connect_failed(0.0) == [Wait(1.0)]
    assert session.expire(1.0) == [to(api, "s1")]
    assert (session.redispatched, api.servers["s1"].retries) == (False, 1)


def test_redispatch_finds_nobody_left():
    api = backend(server(), redispatch=True)
    session, _ = begun(api)
    api.set_state("s1", "DOWN", 1, 0.0)
    session.connect_failed(0.0)
    assert session.expire(1.0) == [Refuse("S")]


def test_a_place_given_up_by_redispatch_goes_to_who_waits():
    api = backend(server(maxconn=1), server("s2"), redispatch=True, balance=model.Balance(algorithm="first"), retries=1)
    session, _ = begun(api)
    api.servers["s2"].limit = 0
    waiting, effect = begun(api)
    assert isinstance(effect, Wait)
    api.servers["s2"].limit = 5
    assert session.connect_failed(0.0) == [Wake(waiting), to(api, "s2")]


# -- queues ----------------------------------------------------------------------------------------------------------


def test_who_finds_all_servers_full_waits_and_is_served_in_order():
    api = backend(server(maxconn=1), timeout_queue=3000)
    first, _ = begun(api)
    second, effect = begun(api, now=1.0)
    third, _ = begun(api, now=2.0)
    assert effect == Wait(4.0)
    assert first.finish("", 3.0, 0, 0) == Wake(second)
    assert (second.assigned, second.backend_queue) == (3.0, 1)
    assert second.finish("", 4.0, 0, 0) == Wake(third)
    assert third.backend_queue == 2


def test_nobody_overtakes_the_queue():
    api = backend(server(maxconn=1))
    begun(api)
    begun(api)
    api.servers["s1"].limit = 5
    assert isinstance(begun(api)[1], Wait)


def test_waiting_ends_with_timeout_queue_or_timeout_connect():
    api = backend(server(maxconn=1), timeout_connect=2000)
    begun(api)
    session, _ = begun(api)
    assert session.expire(1.9) == []
    assert session.expire(2.0) == [Refuse("s")]
    session.finish("s", 2.0, 0, 0)
    assert (session.code, len(api.queue)) == ("sQ", 0)


def test_a_client_of_a_full_server_waits_for_that_one():
    api = backend(server(maxconn=1, maxqueue=1), balance=model.Balance(algorithm="source"))
    first, _ = begun(api)
    second, effect = begun(api)
    assert isinstance(effect, Wait)
    third, refused = begun(api)
    assert refused == Refuse("S")
    third.finish("S", 0.0, 0, 0)
    assert third.code == "SQ"
    assert first.finish("", 1.0, 0, 0) == Wake(second)
    assert (second.server_queue, second.backend_queue) == (1, 0)


def test_who_waits_for_a_server_that_goes_down_waits_for_another():
    api = backend(server(maxconn=1), server("s2", maxconn=1), balance=model.Balance(algorithm="source"))
    begun(api, key=0)
    waiting, _ = begun(api, key=0)
    another, _ = begun(api, key=0)
    assert api.set_state("s1", "DOWN", 1, 1.0) == [Wake(waiting)]
    assert another.waits_for is api.servers["s2"]


def test_who_waits_for_the_last_server_goes_on_waiting():
    api = backend(server(maxconn=1), balance=model.Balance(algorithm="source"))
    begun(api)
    waiting, _ = begun(api)
    assert api.set_state("s1", "DOWN", 1, 1.0) == []
    assert api.set_state("s1", "UP", 1, 2.0) == []
    api.servers["s1"].limit = 2
    assert api.serve(3.0) == [Wake(waiting)]


def test_a_server_that_comes_up_serves_the_queue():
    api = backend(server(maxconn=1), server("s2", maxconn=1))
    begun(api)
    api.set_state("s2", "DOWN", 1, 0.0)
    waiting, _ = begun(api)
    assert api.set_state("s2", "UP", 1, 1.0) == [Wake(waiting)]


def test_leaving_while_pausing_frees_nothing_twice():
    api = backend(server(), redispatch=True, retries=1)
    session, _ = begun(api)
    session.connect_failed(0.0)
    session.finish("C", 0.5, 0, 0)
    assert (session.code, api.servers["s1"].sessions) == ("CC", 0)


# -- marked up and down ----------------------------------------------------------------------------------------------


def test_sessions_of_a_server_that_goes_down_are_cut_when_asked_for():
    api = backend(server(on_marked_down="shutdown-sessions"), server("s2"))
    assert api.set_state("s1", "DOWN", 1, 0.0) == [ShutdownSessions(api.servers["s1"], "D")]
    assert api.set_state("s1", "DOWN", 1, 0.0) == []
    assert api.set_state("s2", "DOWN", 1, 0.0) == []
    assert api.set_state("unknown", "DOWN", 1, 0.0) == []


def test_sessions_of_backups_are_cut_when_a_server_comes_back():
    api = backend(server(on_marked_up="shutdown-backup-sessions"), server("s2", backup=True))
    api.set_state("s1", "DOWN", 1, 0.0)
    assert begun(api)[1] == to(api, "s2")
    assert api.set_state("s1", "UP", 1, 0.0) == [ShutdownSessions(api.servers["s2"], "U")]


# -- rules look first --------------------------------------------------------------------------------------------------


def test_a_client_is_looked_at_and_then_gets_its_server():
    entry, of = backend(), backend(server())
    session = Session(entry, 0)
    session.inspect(5.0)
    session.inspect(6.0)
    assert (entry.sessions, session.expire(5.5), session.expire(6.0)) == (1, [], [Judge()])
    session.enter(of, 7)
    assert (entry.sessions, of.sessions, session.key) == (0, 1, 7)
    assert session.begin(6.0, None) == to(of, "s1")
    session.connected()
    session.finish("", 7.0, 1, 2)
    assert (of.sessions, session.code) == (0, "--")


def test_a_client_that_rules_reject_was_looked_at():
    session = Session(backend(), 0)
    session.inspect(5.0)
    session.finish("P", 1.0, 10, 0)
    assert session.code == "PR"


def wanting(of, name):
    session = Session(of, 0)
    session.inspect(0.0)
    return session, session.begin(0.0, of.servers[name])


def test_a_server_that_is_wanted_is_taken_or_waited_for():
    of = backend(server(), server("s2", maxconn=1, maxqueue=1), timeout_queue=1000)
    first, effect = wanting(of, "s2")
    assert effect == to(of, "s2")
    second, effect = wanting(of, "s2")
    assert effect == Wait(1.0)
    _, effect = wanting(of, "s2")
    assert effect == to(of, "s1")
    first.connected()
    assert first.finish("", 0.5, 0, 0) == Wake(second)


# -- servers that are observed -----------------------------------------------------------------------------------------


def test_failures_in_a_row_are_told_each_time_that_they_reach_the_limit():
    api = backend(server(observe=model.Observe(error_limit=2)), retries=0)
    told = []
    for _ in range(5):
        session, _ = begun(api)
        told.append(session.connect_failed(0.0)[:-1])
        session.finish("S", 0.0, 0, 0)
    suspect = Suspect("api", "s1", 2)
    assert told == [[], [suspect], [], [suspect], []]


def test_a_success_between_them_makes_them_start_anew():
    api = backend(server(observe=model.Observe(error_limit=2)), retries=0)
    for answered in (False, True, False):
        session, _ = begun(api)
        if answered:
            session.connected()
        else:
            assert session.connect_failed(0.0) == [Refuse("S")]
        session.finish("", 0.0, 0, 0)


def test_retries_count_and_so_do_those_that_go_elsewhere():
    api = backend(server(observe=model.Observe(error_limit=1)), server("s2"), retries=1, redispatch=True)
    session, _ = begun(api)
    assert session.connect_failed(0.0) == [Suspect("api", "s1", 1), to(api, "s2")]
    alone = backend(server(observe=model.Observe(error_limit=1)), retries=1)
    session, _ = begun(alone)
    assert session.connect_failed(0.0)[0] == Suspect("api", "s1", 1)


def test_want_of_our_own_resources_is_nobodys_fault():
    api = backend(server(observe=model.Observe(error_limit=1)), retries=0)
    session, _ = begun(api)
    assert session.connect_failed(0.0, "R", at_once=True) == [Refuse("R")]
