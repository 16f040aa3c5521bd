"""For every way in which a connection can go wrong: the client sees, and the log says, the same as with haproxy."""

import contextlib
import shutil
import socket
import time
from dataclasses import dataclass

import pytest

from pyha.config.model import Balance
from tests.runtime import side_by_side as lab
from tests.runtime.side_by_side import backend, ending, front, parsed, reset, server
from tests.runtime.worker_lab import free_port, wait_for

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs haproxy"),
]


@dataclass
class Stage:
    """Both balancers, and the servers behind them."""

    balancers: list
    standins: dict


CUSTOM = ('custom %ci -> %fi:%fp  %ft %b/%s %{+Q}B %{+Q}s %{+X}ci %{+Q}bi %ST %Th %tsc %H %lc %% %[src] %bi %si:%sp %U '
          '%{+X}fp %ts %rc %sq/%bq %ac/%fc/%bc/%sc')

FRONTENDS = (
    front("normal"), front("null"), front("silent_null", "normal", log={"dontlognull": True}),
    front("plain", "normal", log={"format": "connect"}), front("asap", "normal", log={"asap": True}),
    front("custom", "normal", log={"format": "custom", "custom": CUSTOM}),
    front("refused"), front("redispatched"), front("deaf"), front("deafabort", "deaf"),
    front("deafdata", "deaf"), front("noserver"), front("nowhere", "none"),
    front("reset_at_once"), front("reset_in_the_middle"), front("close_first"), front("answer_at_the_end"),
    front("client_timeout", "normal", timeout_client=500),
    front("client_timeout_ignored", "ignores", timeout_client=500),
    front("server_timeout"), front("server_timeout_ignored", "server_timeout"),
    front("stalled", "flood", timeout_client=700),
    front("abort", "silent"), front("upload", "answer_at_the_end"), front("queue_timeout", "queue"),
    front("queue_abort", "queue"), front("queue_data", "queue"),
    front("queue_client_timeout", "queue", timeout_client=300),
    front("deaf_client_timeout", "slowdeaf", timeout_client=300), front("served", "longqueue", timeout_client=20_000),
    front("map"), front("ring"),
    front("crowded", "normal", maxconn=2), front("backup"), front("maxqueue"), front("tunnel", timeout_client=300),
    front("client_fin", "ignores_fin", timeout_client_fin=300),
    front("only_errors", "normal", log={"dontlog_normal": True}),
    front("errors", "refused", log={"separate_errors": True}),
    front("refused_null", "refused", log={"dontlognull": True}),
)  # fmt: skip


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    kinds = (lab.echo, lab.answer_at_the_end, lab.reset_at_once, lab.reset_in_the_middle, lab.close_first, lab.silent,
             lab.ignores_the_end, lab.flood)
    standins = {kind.__name__: lab.StandIn(kind) for kind in kinds} | {"deaf": lab.Deaf()}
    port = {name: standin.port for name, standin in standins.items()} | {"closed": free_port()}
    backends = (
        backend("normal", server(port["echo"])), backend("null", server(port["echo"])),
        backend("refused", server(port["closed"])),
        backend("redispatched", server(port["closed"]), server(port["echo"], "s2"), redispatch=True),
        backend("deaf", server(port["deaf"])), backend("slowdeaf", server(port["deaf"]), timeout_connect=5000),
        backend("noserver", server(port["echo"], disabled=True)),
        *(backend(name, server(port[name])) for name in (
            "reset_at_once", "reset_in_the_middle", "close_first", "answer_at_the_end", "silent", "flood")),
        backend("ignores", server(port["ignores_the_end"]), timeout_server=1200),
        backend("ignores_fin", server(port["ignores_the_end"]), timeout_server_fin=600),
        backend("server_timeout", server(port["silent"]), timeout_server=500),
        backend("queue", server(port["silent"], maxconn=1), timeout_queue=800),
        backend("longqueue", server(port["echo"], maxconn=1), timeout_queue=5000),
        backend("backup", server(port["echo"], disabled=True), server(port["echo"], "s2", backup=True)),
        backend("maxqueue", server(port["silent"], maxconn=1, maxqueue=1), timeout_queue=2000,
                balance=Balance(algorithm="source")),
        *(backend(name, server(port["echo"], "a", weight=2), server(port["echo"], "b", weight=4),
                  server(port["echo"], "c", weight=6), balance=Balance(algorithm="source", hash_type=kind))
          for name, kind in (("map", "map-based"), ("ring", "consistent"))),
        backend("tunnel", server(port["silent"]), timeout_server=300, timeout_tunnel=900),
    )  # fmt: skip
    frontends = [frontend if frontend.name != "nowhere" else frontend.model_copy(update={"default_backend": None})
                 for frontend in FRONTENDS]
    with contextlib.ExitStack() as stack:
        balancers = [stack.enter_context(lab.balancer(kind, frontends, backends, tmp_path_factory.mktemp(kind)))
                     for kind in ("haproxy", "pyha")]
        yield Stage(balancers, standins)
    for standin in standins.values():
        standin.close()


def both(stage, name, talk, count=1):
    """Hold the conversation with each; returns what was seen and the log's lines, which have to be alike."""
    results = []
    for balancer in stage.balancers:
        seen = talk(balancer.connect(name))
        lines = wait_for(lambda b=balancer: (found := b.log.of(name)) and len(found) >= count and found,
                         f"{count} lines of {balancer.kind} about {name}")  # fmt: skip
        results.append((seen, [comparable(parsed(line)) for line in lines]))
    assert results[1] == results[0]
    return results[1]


def comparable(fields):
    """Without what time and chance decide. Whether something happened at all stays."""
    return fields | {"Tw": fields["Tw"] != "-1", "Tc": fields["Tc"] != "-1", "Tt": None}


def code(result):
    return result[1][0]["code"]


def ask(sock, data=b"hello"):
    sock.sendall(data)
    return sock.recv(65536)


def end(sock):
    sock.shutdown(socket.SHUT_WR)
    result = ending(sock)
    sock.close()
    return result


def leave(sock):
    time.sleep(0.15)  # a client that is gone at once may be found gone before it has got anywhere
    return end(sock)


def test_a_conversation_that_the_client_ends(stage):
    assert code(both(stage, "normal", lambda sock: (ask(sock), end(sock)))) == "--"


def test_a_client_that_says_nothing(stage):
    assert code(both(stage, "null", leave)) == "--"


def test_dontlognull_logs_no_client_that_says_nothing(stage):
    for balancer in stage.balancers:
        leave(balancer.connect("silent_null"))
        sock = balancer.connect("silent_null")
        ask(sock)
        end(sock)
        lines = wait_for(lambda b=balancer: b.log.of("silent_null"), "the line")
        assert [parsed(line)["bytes"] for line in lines] == ["5"]


def test_without_a_format_the_beginning_is_logged(stage):
    for balancer in stage.balancers:
        sock = balancer.connect("plain")
        host, port = sock.getsockname()
        line = wait_for(lambda b=balancer: b.log.of("plain"), "the line")[0]
        assert line.endswith(f": Connect from {host}:{port} to 127.0.0.1:{balancer.ports['plain']} (plain/TCP)")
        assert line.startswith("<134>")
        sock.close()


def test_a_format_of_ones_own(stage):
    lines = []
    for balancer in stage.balancers:
        sock = balancer.connect("custom")
        ask(sock)
        end(sock)
        line = wait_for(lambda b=balancer: [line for line in b.log.read() if "custom 127" in line], "the line")[0]
        text = line.partition("]: ")[2]
        port = balancer.ports["custom"]
        lines.append(text.replace(f":{port} ", ":PORT ").replace(f"{port:04X}", "HEX"))
    assert lines[1] == lines[0]


def test_logasap_logs_when_the_server_has_answered(stage):
    result = both(stage, "asap", lambda sock: (ask(sock), end(sock)))
    assert result[1][0]["bytes"].startswith("+")


def test_dontlog_normal_logs_no_normal_end(stage):
    for balancer in stage.balancers:
        sock = balancer.connect("only_errors")
        ask(sock)
        end(sock)
        time.sleep(0.1)
        sock = balancer.connect("only_errors")
        ask(sock)
        reset(sock)
        lines = wait_for(lambda b=balancer: b.log.of("only_errors"), "the line")
        assert [parsed(line)["code"] for line in lines] == ["CD"]


def test_log_separate_errors_raises_the_level(stage):
    assert both(stage, "errors", ending)[1][0]["priority"] == "131"


# -- no way to a server ----------------------------------------------------------------------------------------------


def test_a_server_that_refuses_is_tried_again_and_given_up(stage):
    seen, lines = both(stage, "refused", ending)
    assert seen == (b"", "end")
    assert (lines[0]["code"], lines[0]["retries"]) == ("SC", "1")


def test_a_client_that_spoke_to_a_server_that_refuses_sees_an_end_and_no_reset(stage):
    assert both(stage, "refused_null", lambda sock: (sock.sendall(b"x"), ending(sock)))[0][1] == (b"", "end")


def test_another_server_takes_over_with_redispatch(stage):
    seen, lines = both(stage, "redispatched", lambda sock: (ask(sock), end(sock)))
    assert seen[0] == b"hello"
    assert (lines[0]["server"], lines[0]["retries"]) == ("s2", "+1")


def test_a_server_that_does_not_answer(stage):
    assert code(both(stage, "deaf", ending)) == "sC"


def test_a_client_that_leaves_while_its_server_does_not_answer(stage):
    assert code(both(stage, "deafabort", leave)) == "CC"


def test_a_client_that_said_something_and_its_end_is_still_worth_a_try(stage):
    assert code(both(stage, "deafdata", lambda sock: (sock.sendall(b"x"), end(sock)))) == "sC"


def test_a_client_that_is_silent_while_its_server_does_not_answer(stage):
    # HAProxy says cC as well, but only now and then at once: often it waits for `timeout connect` first.
    _, ours = stage.balancers
    assert ending(ours.connect("deaf_client_timeout")) == (b"", "end")
    line = wait_for(lambda: ours.log.of("deaf_client_timeout"), "the line")[0]
    assert parsed(line)["code"] == "cC"


def test_no_server_is_in_service(stage):
    seen, lines = both(stage, "noserver", ending)
    assert seen == (b"", "end")
    assert (lines[0]["code"], lines[0]["server"]) == ("SC", "<NOSRV>")


def test_a_frontend_without_a_backend(stage):
    assert both(stage, "nowhere", ending)[1][0]["backend"] == "nowhere"


def test_a_backup_server_serves_while_there_is_no_other(stage):
    assert both(stage, "backup", lambda sock: (ask(sock), end(sock)))[1][0]["server"] == "s2"


# -- how a conversation ends -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reset_at_once", "reset_in_the_middle"])
def test_a_server_that_resets(stage, name):
    # HAProxy makes a normal end of it. We pass it on: half an answer must not look like a whole one.
    how = []

    def talk(sock):
        sock.sendall(b"x")
        received, end_of_it = ending(sock)
        how.append(end_of_it)
        return received

    assert code(both(stage, name, talk)) == "SD"
    assert how == ["end", "reset"]


def test_a_server_that_ends_first(stage):
    assert code(both(stage, "close_first", lambda sock: (sock.sendall(b"x"), ending(sock), sock.close()))) == "--"


def test_a_half_closed_conversation_is_finished(stage):
    seen, _ = both(stage, "answer_at_the_end", lambda sock: (sock.sendall(b"x" * 1000), end(sock)))
    assert seen[1] == (b"got 1000", "end")


def test_a_large_upload(stage):
    seen, _ = both(stage, "upload", lambda sock: (sock.sendall(b"x" * 3_000_000), end(sock)))
    assert seen[1] == (b"got 3000000", "end")


def test_a_client_that_aborts(stage):
    assert code(both(stage, "abort", lambda sock: (sock.sendall(b"x"), time.sleep(0.1), reset(sock)))) == "CD"


# -- silence ---------------------------------------------------------------------------------------------------------


def test_a_silent_client(stage):
    assert code(both(stage, "client_timeout", lambda sock: (ask(sock), ending(sock)))) == "cD"


def test_a_silent_client_and_a_server_that_does_not_care(stage):
    assert code(both(stage, "client_timeout_ignored", ending)) == "cD"


def test_a_silent_server(stage):
    assert code(both(stage, "server_timeout", lambda sock: (sock.sendall(b"x"), ending(sock), sock.close()))) == "sD"


def test_a_silent_server_and_a_client_that_does_not_care(stage):
    def talk(sock):
        sock.sendall(b"x")
        seen = ending(sock)
        time.sleep(1)
        sock.close()
        return seen

    assert code(both(stage, "server_timeout_ignored", talk)) == "sD"


def test_a_client_that_does_not_read(stage):
    def talk(sock):
        sock.sendall(b"x")
        time.sleep(3)
        sock.close()

    for balancer in stage.balancers:
        talk(balancer.connect("stalled"))
        fields = parsed(wait_for(lambda b=balancer: b.log.of("stalled"), "the line")[0])
        assert (balancer.kind, fields["code"], fields["server"]) == (balancer.kind, "cD", "s1")


def test_timeout_tunnel_counts_once_the_connection_is_established(stage):
    for balancer in stage.balancers:
        sock = balancer.connect("tunnel")
        sock.sendall(b"x")
        assert ending(sock) == (b"", "end")
        sock.close()
        fields = parsed(wait_for(lambda b=balancer: b.log.of("tunnel"), "the line")[0])
        assert int(fields["Tt"]) >= 900, balancer.kind


def test_timeout_client_fin_counts_when_one_side_has_ended(stage):
    result = both(stage, "client_fin", end)
    assert result[1][0]["server"] == "s1"


# -- queues ----------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def occupied(balancer, name):
    """One connection that keeps the only place of the server."""
    with balancer.connect(name) as sock:
        sock.sendall(b"x")
        time.sleep(0.15)
        yield sock


def behind(stage, name, talk, occupier=None):
    """As `both`, with the only place of the server taken."""
    results = []
    for balancer in stage.balancers:
        with occupied(balancer, occupier or name):
            seen = talk(balancer.connect(name))
            fields = parsed(wait_for(lambda b=balancer: b.log.of(name), f"the line of {balancer.kind}")[0])
        results.append((seen, comparable(fields) | {"counts": None}))
    assert results[1] == results[0]
    return results[1][1]


def test_waiting_too_long_in_the_queue(stage):
    fields = behind(stage, "queue_timeout", ending)
    assert (fields["code"], fields["server"], fields["queues"]) == ("sQ", "<NOSRV>", "0/1")


def test_a_client_that_leaves_the_queue(stage):
    assert behind(stage, "queue_abort", leave)["code"] == "CQ"


def test_a_client_that_said_something_and_its_end_stays_in_the_queue(stage):
    assert behind(stage, "queue_data", lambda sock: (sock.sendall(b"x"), end(sock)))["code"] == "sQ"


def test_a_client_that_is_silent_in_the_queue(stage):
    assert behind(stage, "queue_client_timeout", ending, occupier="queue_timeout")["code"] == "cQ"


def test_a_queue_that_is_full(stage):
    results = []
    for balancer in stage.balancers:
        with occupied(balancer, "maxqueue"), balancer.connect("maxqueue"):
            time.sleep(0.15)
            third = balancer.connect("maxqueue")
            seen = ending(third)
            line = wait_for(lambda b=balancer: b.log.of("maxqueue"), "the line")[0]
            results.append((seen, comparable(parsed(line))))
    assert results[1] == results[0]
    assert results[1][1]["code"] == "SQ"


def test_whoever_waits_is_served_in_order(stage):
    logged = []
    for balancer in stage.balancers:
        socks = []
        for number in range(3):
            socks.append(balancer.connect("served"))
            socks[-1].sendall(b"%d" % number)
            time.sleep(0.1)
        for number, sock in enumerate(socks):
            assert sock.recv(10) == b"%d" % number
            end(sock)
        lines = wait_for(lambda b=balancer: len(b.log.of("served")) == 3 and b.log.of("served"), "three lines")
        logged.append([(fields["code"], fields["queues"], fields["server"]) for fields in map(parsed, lines)])
    assert logged[1] == logged[0] == [("--", "0/0", "s1"), ("--", "0/1", "s1"), ("--", "0/2", "s1")]


def test_more_clients_than_the_frontend_takes_wait_outside(stage):
    for balancer in stage.balancers:
        socks = [balancer.connect("crowded") for _ in range(3)]
        for sock in socks:
            sock.sendall(b"x")
        assert [sock.recv(1) for sock in socks[:2]] == [b"x", b"x"]
        socks[2].settimeout(0.3)
        with pytest.raises(TimeoutError):
            socks[2].recv(1)
        end(socks[0])
        socks[2].settimeout(5)
        assert socks[2].recv(1) == b"x"
        for sock in socks[1:]:
            end(sock)


@pytest.mark.parametrize("name", ["map", "ring"])
def test_balance_source_sends_the_same_client_to_the_same_server(stage, name):
    # So that a pair can be replaced one node at a time, and clients keep their server when the address moves.
    found = []
    for balancer in stage.balancers:
        for number in range(1, 25):
            sock = balancer.connect(name, source_address=(f"127.3.{number * 7}.{number}", 0))
            ask(sock)
            end(sock)
        def lines(b=balancer):
            found = [line for line in b.log.read() if f" {name}/" in line]
            return len(found) == 24 and found
        servers = [line.split(f" {name}/")[1][0] for line in wait_for(lines, "the lines")]
        found.append(servers)
    assert found[1] == found[0]
    assert set(found[0]) == {"a", "b", "c"}
