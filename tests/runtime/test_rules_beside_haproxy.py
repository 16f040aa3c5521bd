"""The same haproxy.cfg with rules, read by haproxy and by us: the same clients get in, to the same servers."""

import contextlib
import re
import shutil
import socket
import ssl
import time

import pytest

from tests.runtime import side_by_side as lab
from tests.runtime.hello_lab import client_hello, in_records
from tests.runtime.rules_lab import balancer
from tests.runtime.side_by_side import ending, parsed, reset
from tests.runtime.worker_lab import wait_for

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("haproxy") is None, reason="needs haproxy"),
]

BODY = """
frontend l4
    bind 127.0.0.1:{l4}
    tcp-request connection reject if {{ src 127.0.0.2 127.1.0.0/16 }}
    tcp-request connection reject if {{ src -f {dir}/denied.lst }}
    default_backend a
frontend l5
    bind 127.0.0.1:{l5}
    tcp-request session reject unless {{ src 127.0.0.1 }}
    default_backend a
frontend content
    bind 127.0.0.1:{content}
    tcp-request content reject if {{ src 127.0.0.2 }}
    default_backend a
frontend inspect
    bind 127.0.0.1:{inspect}
    tcp-request inspect-delay 500ms
    tcp-request content reject if {{ req.len gt 5 }}
    tcp-request content accept if {{ req.len gt 3 }}
    default_backend a
frontend patient
    bind 127.0.0.1:{patient}
    timeout client 700ms
    tcp-request inspect-delay 5s
    tcp-request content accept if {{ req.len gt 3 }}
    default_backend a
frontend strict
    bind 127.0.0.1:{strict}
    timeout client 700ms
    tcp-request inspect-delay 5s
    tcp-request content accept if {{ req.len gt 3 }}
    tcp-request content reject
    default_backend a
frontend later
    bind 127.0.0.1:{later}
    default_backend inspecting
frontend sni
    bind 127.0.0.1:{sni}
    tcp-request inspect-delay 2s
    tcp-request content accept if {{ req.ssl_hello_type 1 }}
    acl is-b req.ssl_sni -i b.example.com
    acl is-b req_ssl_sni -i -m end .b.example.com
    use_backend b if is-b
    use_backend c if {{ req.ssl_sni -m reg ^c[0-9]+\\. }} || {{ req.ssl_sni -m beg cc }}
    use_backend d if {{ req.ssl_sni -m found }} !{{ req.ssl_sni -m dom example }}
    use_backend e unless {{ req.ssl_sni -m found }}
    default_backend a
frontend tlsonly
    bind 127.0.0.1:{tlsonly}
    tcp-request inspect-delay 1s
    tcp-request content reject if !{{ req.ssl_hello_type 1 }}
    default_backend a
frontend oldtls
    bind 127.0.0.1:{oldtls}
    tcp-request inspect-delay 1s
    tcp-request content reject if {{ req.ssl_ver lt 3.3 }}
    default_backend a
frontend ordered
    bind 127.0.0.1:{ordered}
    use_backend b if {{ src 127.0.0.2 }}
    use_backend c if {{ src 127.0.0.0/30 }} !LOCALHOST or {{ src_port 1 }} or {{ src 127.0.0.3 }} {{ dst 127.0.0.1 }}
    use_backend nobody if {{ src 127.0.0.4 }}
frontend alive
    bind 127.0.0.1:{alive}
    use_backend b if {{ nbsrv(down) lt 1 }} {{ srv_is_up(b/s1) }} !{{ srv_is_up(down/s1) }} {{ src 127.0.0.2 }}
    use_backend c if {{ nbsrv(twice) eq 1 }} {{ src 127.0.0.3 }}
    use_backend d if {{ nbsrv(twice) gt 2 }} or {{ be_conn(a) gt 100 }} or {{ connslots(a) 0 }}
    default_backend a
frontend use_server
    bind 127.0.0.1:{use_server}
    default_backend twice
frontend limited
    bind 127.0.0.1:{limited}
    stick-table type ip size 100 expire 1m store conn_cur
    tcp-request connection track-sc0 src
    tcp-request connection reject if {{ sc0_conn_cur gt 2 }}
    default_backend a
frontend rated
    bind 127.0.0.1:{rated}
    tcp-request connection track-sc1 src table rates
    tcp-request content reject if {{ sc1_conn_rate(rates) gt 3 }}
    default_backend a
frontend marked
    bind 127.0.0.1:{marked}
    tcp-request connection track-sc0 src table marks
    tcp-request connection reject if {{ sc0_get_gpc0 gt 0 }}
    tcp-request inspect-delay 1s
    tcp-request content sc-inc-gpc0(0) if {{ req.payload(0,4) -m str evil }}
    tcp-request content accept if {{ req.len ge 4 }}
    default_backend a
frontend looked
    bind 127.0.0.1:{looked}
    stick-table type ip size 100 expire 1m store conn_cur
    tcp-request content track-sc0 src
    use_backend b if {{ src_conn_cur gt 1 }}
    default_backend a
frontend sticky
    bind 127.0.0.1:{sticky}
    default_backend sticking
frontend full
    bind 127.0.0.1:{full}
    rate-limit sessions 2
    default_backend a
backend rates
    stick-table type ip size 100 expire 1m store conn_rate(10s)
backend marks
    stick-table type ip size 100 expire 1m store gpc0
backend a
    server s1 127.0.0.1:{echo}
backend b
    server s1 127.0.0.1:{echo}
backend c
    server s1 127.0.0.1:{echo}
backend d
    server s1 127.0.0.1:{echo}
backend e
    server s1 127.0.0.1:{echo}
backend nobody
    server s1 127.0.0.1:{echo} disabled
backend down
    server s1 127.0.0.1:{echo} disabled
backend twice
    use-server s2 if {{ src 127.0.0.2 }}
    use-server s3 if {{ src 127.0.0.3 }}
    server s1 127.0.0.1:{echo}
    server s2 127.0.0.1:{echo} weight 0
    server s3 127.0.0.1:{echo} disabled
    server s4 127.0.0.1:{echo} backup
backend sticking
    stick-table type ip size 100
    stick on src
    server s1 127.0.0.1:{echo}
    server s2 127.0.0.1:{echo}
    server s3 127.0.0.1:{echo}
backend inspecting
    tcp-request inspect-delay 300ms
    tcp-request content reject if {{ req.len gt 3 }}
    tcp-request content reject if WAIT_END
    server s1 127.0.0.1:{echo}
"""
FRONTENDS = re.findall(r"^frontend (\w+)", BODY, re.MULTILINE)


@pytest.fixture(scope="module")
def balancers(tmp_path_factory):
    echo = lab.StandIn(lab.echo)
    directory = tmp_path_factory.mktemp("rules")
    (directory / "denied.lst").write_text("# networks\n127.2.0.0/16\n\n  127.0.0.9\n")
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(balancer(kind, BODY, FRONTENDS, {"echo": echo.port}, directory))
               for kind in ("haproxy", "pyha")]
    echo.close()


def line_of(balancer, name, count=1):
    wait_for(lambda: len(balancer.log.of(name)) >= count, f"{count} lines of {balancer.kind} about {name}")
    text = re.sub(r" 127\.\d+\.\d+\.\d+:", " 127.0.0.1:", balancer.log.of(name)[count - 1])
    return parsed(text)


def connected(balancer, name, source="127.0.0.1"):
    return balancer.connect(name, source_address=(source, 0))


def both(balancers, name, talk, source="127.0.0.1"):
    """What a client saw, and where it went as (backend, server, code); the two must be alike."""
    results = []
    for one in balancers:
        count = len(one.log.of(name)) + 1
        with connected(one, name, source) as sock:
            seen = talk(sock)
        fields = line_of(one, name, count)
        results.append((seen, (fields["backend"], fields["server"], fields["code"]), fields["counts"].split("/")[2:],
                        fields["Tw"] != "-1", fields["Tc"] != "-1", fields["bytes"]))
    assert results[1] == results[0]
    return results[1][:2]


def unlogged(balancers, name, source="127.0.0.1"):
    """What a client saw that nothing is logged about."""
    results = []
    for one in balancers:
        before = len(one.log.of(name))
        try:
            with connected(one, name, source) as sock:
                results.append(ending(sock))
        except ConnectionResetError:
            results.append((b"", "reset"))
        assert len(one.log.of(name)) == before
    assert results[1] == results[0]
    return results[1]


def say(*pieces, end=True, pause=0.05):
    """A client that says these pieces, and perhaps that this is all. One that is rejected meanwhile may see a reset."""
    def talk(sock):
        with contextlib.suppress(OSError):
            for piece in pieces:
                time.sleep(pause)
                sock.sendall(piece)
            if end:
                sock.shutdown(socket.SHUT_WR)
        received, how = ending(sock)
        return received, "end" if how == "reset" and not received else how
    return talk


# -- before a session --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["127.0.0.2", "127.1.5.5", "127.2.0.1", "127.0.0.9"])
def test_a_rejected_connection_is_reset_and_not_logged(balancers, source):
    assert unlogged(balancers, "l4", source) == (b"", "reset")


def test_others_get_in(balancers):
    assert both(balancers, "l4", say(b"hello"), "127.3.0.1") == ((b"hello", "end"), ("a", "s1", "--"))


def test_a_rejected_session_ends_and_is_not_logged(balancers):
    assert unlogged(balancers, "l5", "127.0.0.2") == (b"", "end")
    assert both(balancers, "l5", say(b"hello"))[1] == ("a", "s1", "--")


# -- content rules -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("talk", [ending, say(b"x"), say(b"x", end=False)])
def test_rejected_by_content_rules_is_pr(balancers, talk):
    assert both(balancers, "content", talk, "127.0.0.2") == ((b"", "end"), ("content", "<NOSRV>", "PR"))


@pytest.mark.parametrize(("talk", "code"), [
    (say(b"xxxx"), "--"), (say(b"xx", b"xx"), "--"), (say(b"xxxxxx"), "PR"), (say(b"xxx", b"xxx"), "--"),
    (say(b"x"), "--"), (say(), "--"), (say(b"xxxxxx", end=False), "PR"), (say(b"xxx", b"x", b"xx"), "--")])
def test_what_was_said_decides(balancers, talk, code):
    if code == "--":
        assert both(balancers, "inspect", talk)[1][2] in ("--", "PR")
    else:
        assert both(balancers, "inspect", talk)[1] == ("inspect", "<NOSRV>", "PR")


def test_a_silent_client_gets_its_server_after_the_delay(balancers):
    def talk(sock):
        time.sleep(0.8)
        sock.sendall(b"yes")
        received = sock.recv(10)
        sock.shutdown(socket.SHUT_WR)
        return received, ending(sock)
    assert both(balancers, "inspect", talk) == ((b"yes", (b"", "end")), ("a", "s1", "--"))


def test_a_client_that_is_silent_for_longer_than_its_timeout(balancers):
    assert both(balancers, "patient", ending) == ((b"", "end"), ("a", "<NOSRV>", "cR"))


def test_a_client_that_resets_while_it_is_looked_at(balancers):
    def talk(sock):
        time.sleep(0.1)
        reset(sock)
    assert both(balancers, "patient", talk)[1] == ("a", "<NOSRV>", "CR")


@pytest.mark.parametrize("talk", [ending, say(), say(b"x"), say(b"x", end=False)])
def test_a_client_that_never_says_enough(balancers, talk):
    assert both(balancers, "strict", talk) == ((b"", "end"), ("strict", "<NOSRV>", "PR"))


@pytest.mark.parametrize("talk", [ending, say(b"xxxxx", end=False)])
def test_a_backend_has_rules_of_its_own(balancers, talk):
    assert both(balancers, "later", talk) == ((b"", "end"), ("inspecting", "<NOSRV>", "PR"))


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "backend"), [
    ("b.example.com", "b"), ("B.Example.COM", "b"), ("x.b.example.com", "b"), ("c12.example.com", "c"),
    ("cc.org", "c"), ("other.org", "d"), ("a.example.com", "a"), (None, "e")])
def test_the_name_in_the_hello_chooses_the_backend(balancers, name, backend):
    hello = client_hello(name)
    assert both(balancers, "sni", say(hello)) == ((hello, "end"), (backend, "s1", "--"))


def test_a_hello_in_many_segments(balancers):
    hello = client_hello("b.example.com")
    pieces = [hello[at:at + 7] for at in range(0, len(hello), 7)]
    assert both(balancers, "sni", say(*pieces, pause=0.002)) == ((hello, "end"), ("b", "s1", "--"))


def test_a_hello_in_two_halves_with_a_pause(balancers):
    hello = client_hello("b.example.com")
    assert both(balancers, "sni", say(hello[:60], hello[60:], pause=0.3)) == ((hello, "end"), ("b", "s1", "--"))


def test_a_hello_that_never_ends(balancers):
    hello = client_hello("b.example.com")[:100]
    seen, where = both(balancers, "sni", say(hello))
    assert (seen, where[0]) == ((hello, "end"), "e")


def test_what_is_no_hello_is_not_waited_for(balancers):
    assert both(balancers, "tlsonly", say(b"GET / HTTP/1.0\r\n\r\n", end=False))[1] == ("tlsonly", "<NOSRV>", "PR")


def test_a_tls_client_is_let_in_where_only_these_are(balancers):
    hello = client_hello("x")
    assert both(balancers, "tlsonly", say(hello))[1] == ("a", "s1", "--")


@pytest.mark.parametrize(("version", "code"), [(ssl.TLSVersion.TLSv1_2, "--"), (None, "--")])
def test_the_version_of_the_hello(balancers, version, code):
    assert both(balancers, "oldtls", say(client_hello("x", version=version)))[1][2] == code


def test_an_old_version_of_the_hello(balancers):
    hello = bytearray(client_hello("x", version=ssl.TLSVersion.TLSv1_2))
    hello[9:11] = b"\x03\x01"
    assert both(balancers, "oldtls", say(bytes(hello), end=False))[1] == ("oldtls", "<NOSRV>", "PR")


def test_a_hello_in_several_records_is_put_together(balancers):
    # HAProxy looks at the first record alone and does not find the name.
    hello = in_records(client_hello("b.example.com"), 100)
    _, ours = balancers
    with ours.connect("sni") as sock:
        assert say(hello)(sock) == (hello, "end")
    assert line_of(ours, "sni", len(ours.log.of("sni")))["backend"] == "b"


def test_more_than_is_looked_at(balancers):
    data = b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03" + b"x" * 40_000
    assert both(balancers, "sni", say(data)) == ((data, "end"), ("e", "s1", "--"))


# -- backends, servers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "where"), [
    ("127.0.0.2", ("b", "s1", "--")), ("127.0.0.1", ("ordered", "<NOSRV>", "SC")),
    ("127.0.0.3", ("c", "s1", "--")), ("127.0.0.4", ("nobody", "<NOSRV>", "SC")),
    ("127.0.0.5", ("ordered", "<NOSRV>", "SC"))])
def test_the_first_condition_that_holds_chooses(balancers, source, where):
    assert both(balancers, "ordered", say(b"x"), source)[1] == where


@pytest.mark.parametrize(("source", "backend"), [("127.0.0.1", "a"), ("127.0.0.2", "b"), ("127.0.0.3", "c")])
def test_numbers_of_servers_choose(balancers, source, backend):
    assert both(balancers, "alive", say(b"x"), source)[1][0] == backend


@pytest.mark.parametrize(("source", "server"), [("127.0.0.1", "s1"), ("127.0.0.2", "s2"), ("127.0.0.3", "s1")])
def test_use_server_names_a_server_that_is_not_down(balancers, source, server):
    assert both(balancers, "use_server", say(b"x"), source)[1] == ("twice", server, "--")


# -- tables ------------------------------------------------------------------------------------------------------------


def test_so_many_connections_of_one_client_at_a_time(balancers):
    for one in balancers:
        held = [connected(one, "limited") for _ in range(2)]
        for sock in held:
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"
        with contextlib.suppress(ConnectionResetError), connected(one, "limited") as third:
            assert ending(third) == (b"", "reset"), one.kind
        with connected(one, "limited", "127.0.0.2") as other:
            assert say(b"x")(other) == (b"x", "end"), one.kind
        held.pop().close()
        wait_for(lambda b=one: b.log.of("limited"), "the end of one")
        with connected(one, "limited") as again:
            assert say(b"x")(again) == (b"x", "end"), one.kind
        held.pop().close()


def test_so_many_connections_of_one_client_in_so_long(balancers):
    codes = [[both(balancers, "rated", say(b"x"), source)[1][2] for _ in range(5)]
             for source in ("127.0.0.1", "127.0.0.2")]
    assert codes == [["--", "--", "--", "PR", "PR"]] * 2


def test_a_client_that_was_marked_is_kept_out(balancers):
    assert both(balancers, "marked", say(b"good"))[1][2] == "--"
    assert both(balancers, "marked", say(b"evil"))[1][2] == "--"
    assert unlogged(balancers, "marked") == (b"", "reset")
    assert both(balancers, "marked", say(b"good"), "127.0.0.2")[1][2] == "--"


def test_what_is_counted_chooses_the_backend(balancers):
    def talk(sock):
        sock.sendall(b"x")
        return sock.recv(1)
    for one in balancers:
        with connected(one, "looked") as first:
            talk(first)
            with connected(one, "looked") as second:
                talk(second)
            assert line_of(one, "looked")["backend"] == "b", one.kind
        assert line_of(one, "looked", 2)["backend"] == "a", one.kind


def test_a_client_sticks_to_its_server(balancers):
    seen = []
    for one in balancers:
        servers = []
        for source in ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1"):
            with connected(one, "sticky", source) as sock:
                say(b"x", pause=0)(sock)
            servers.append(line_of(one, "sticky", len(servers) + 1)["server"])
        seen.append(servers)
    assert seen[1] == seen[0]
    assert seen[0][:3] == seen[0][3:6] == ["s1", "s2", "s3"]
    assert seen[0][6] == "s1"


def test_more_sessions_a_second_than_are_wanted_have_to_wait(balancers):
    for one in balancers:
        began = time.monotonic()
        socks = [one.connect("full") for _ in range(6)]
        for sock in socks:
            sock.sendall(b"x")
        for sock in socks:
            assert sock.recv(1) == b"x"
            sock.close()
        assert time.monotonic() - began > 1, one.kind
