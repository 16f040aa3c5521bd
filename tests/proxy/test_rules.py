"""The way of a client through rules, in virtual time."""

import pytest

from pyha.proxy.rules import Admission, Choice
from pyha.proxy.visit import Visit, number_of
from tests.proxy.rules_lab import Stage, visit
from tests.runtime.hello_lab import client_hello

BACKENDS = "".join(f"backend {name}\n server s1 10.0.0.1:1\n server s2 10.0.0.2:1\n server s3 10.0.0.3:1\n"
                   for name in "ab")


def front(lines, more=BACKENDS):
    return Stage("frontend f\n bind :1\n" + "".join(f" {line}\n" for line in lines.split("\n")) + more)


def test_without_rules_there_is_nothing_to_decide():
    assert front("default_backend a").rules is None
    assert front("rate-limit sessions 5\ndefault_backend a").rules is not None


@pytest.mark.parametrize(("lines", "outcome"), [
    ("tcp-request connection reject\ndefault_backend a", "reject"),
    ("tcp-request connection silent-drop if { src 192.0.2.1 }", "silent-drop"),
    ("tcp-request connection accept if { src 192.0.2.1 }\ntcp-request connection reject\ndefault_backend a",
     Choice("a")),
    ("tcp-request session reject if { src 192.0.2.1 }\ndefault_backend a", "reject"),
    ("tcp-request content reject if { src 192.0.2.1 }\ndefault_backend a", "reject"),
    ("tcp-request content reject if { src 192.0.2.2 }\ndefault_backend a", Choice("a")),
    ("use_backend a if { src 192.0.2.2 }\nuse_backend b unless { src 192.0.2.2 }", Choice("b")),
    ("use_backend a if { src 192.0.2.2 }", Choice("")),
    ("use_backend b if { src 192.0.2.1 }\nuse_backend a\nuse_backend b if TRUE", Choice("b"))])
def test_the_first_rule_that_applies_decides(lines, outcome):
    assert front(lines).outcome() == outcome


def test_content_rules_wait_until_they_can_tell():
    admission = front("tcp-request inspect-delay 5s\ntcp-request content accept if { req.ssl_hello_type 1 }\n"
                      "use_backend b if { req.ssl_sni b }\ndefault_backend a").admission(now=10.0)
    assert admission.rules.reads
    assert (admission.arrive(), admission.begin()) == ("accept", "accept")
    hello = client_hello("b")
    for length in (0, 5, len(hello) - 1):
        admission.visit.look(hello[:length])
        assert admission.proceed(11.0) is None
        assert admission.deadline == 15.0
    admission.visit.look(hello)
    assert admission.proceed(12.0) == Choice("b")


@pytest.mark.parametrize(("now", "final", "outcome"), [
    (14.9, False, None), (15.0, False, Choice("a")), (11.0, True, Choice("a"))])
def test_and_then_with_what_there_is(now, final, outcome):
    admission = front("tcp-request inspect-delay 5s\ntcp-request content accept if { req.len gt 0 }\n"
                      "default_backend a").admission(now=10.0)
    admission.arrive()
    admission.begin()
    assert admission.proceed(now, final=final) == outcome


def test_without_a_delay_nothing_waits():
    assert front("tcp-request content reject if { req.len 0 }\ndefault_backend a").outcome() == "reject"
    assert front("tcp-request content reject if WAIT_END\ndefault_backend a").outcome() == "reject"
    assert front("tcp-request content reject if { req.len gt 0 }\ndefault_backend a").outcome() == Choice("a")


def test_a_backend_looks_and_waits_by_itself():
    stage = front("tcp-request inspect-delay 1s\ntcp-request content accept if { req.len gt 0 }\ndefault_backend c",
                  "backend c\n tcp-request inspect-delay 2s\n tcp-request content reject if { req.len gt 5 }\n"
                  " tcp-request content accept if { req.len gt 3 }\n server s1 10.0.0.1:1\n")
    admission = stage.admission()
    admission.arrive()
    admission.begin()
    assert admission.proceed(0.5) is None
    assert (admission.backend, admission.deadline) == (None, 1.0)
    assert admission.proceed(1.0) is None
    assert (admission.backend, admission.deadline) == ("c", 3.0)
    admission.visit.look(b"xxxx")
    assert admission.proceed(1.5) is None  # it may yet become more than 5
    assert admission.proceed(3.0) == Choice("c")
    assert stage.outcome(b"xxxxxx") == "reject"


TABLE = "backend t\n stick-table type ip size 10 store conn_cur,gpc0,gpc1\n"


def test_tracking_counts_once_and_rules_are_not_repeated_when_bytes_come():
    stage = front("tcp-request connection track-sc0 src table t\ntcp-request connection track-sc0 src table t\n"
                  "tcp-request inspect-delay 5s\ntcp-request content sc-inc-gpc0(0)\n"
                  "tcp-request content sc-inc-gpc1(1)\ntcp-request content track-sc2 req.ssl_sni table t\n"
                  "tcp-request content accept if { req.len gt 3 }\ndefault_backend a", BACKENDS + TABLE)
    admission = stage.admission()
    admission.arrive()
    admission.begin()
    for data in (b"", b"x", b"xx"):
        admission.visit.look(data)
        assert admission.proceed(0.0) is None
    entry = stage.world.tables["t"].find(visit().source, 0.0)
    assert (entry.count("conn_cur"), entry.count("gpc0"), entry.count("gpc1")) == (1, 1, 0)


def test_what_cannot_be_a_key_is_not_tracked():
    stage = front("tcp-request connection track-sc0 src table t\ndefault_backend a", BACKENDS + TABLE)
    admission = stage.admission(source="2001:db8::1")
    assert admission.arrive() == "accept"
    assert not stage.world.tables["t"].entries


def servers(stage):
    return stage.world.backends["c"].servers


def choosing(lines, more=TABLE):
    return front("default_backend c", "backend c\n" + "".join(f" {line}\n" for line in lines.split("\n"))
                 + " server s1 10.0.0.1:1\n server s2 10.0.0.2:1\n" + more)


def test_use_server_goes_to_a_server_that_is_there():
    stage = choosing("use-server s2 if { src 192.0.2.1 }\nuse-server s1 if { src 192.0.2.0/24 }")
    there = servers(stage)
    assert stage.outcome() == Choice("c", there["s2"])
    assert stage.outcome(source="192.0.2.2") == Choice("c", there["s1"])
    assert stage.outcome(source="10.0.0.1") == Choice("c")
    there["s2"].status = "DOWN"
    assert stage.outcome() == Choice("c", there["s1"])
    there["s1"].status = "MAINT"
    assert stage.outcome() == Choice("c")
    there["s1"].status = "DRAIN"
    assert stage.outcome() == Choice("c", there["s1"])


def stuck(stage, **options):
    admission = stage.admission(**options)
    admission.arrive()
    admission.begin()
    return admission.proceed(0.0), admission.visit.stores


def test_a_client_sticks_to_the_server_that_it_got():
    stage = choosing("stick on src table t")
    choice, stores = stuck(stage)
    assert (choice, len(stores)) == (Choice("c"), 1)
    stores[0].table.stick(stores[0], "s2")
    assert stuck(stage)[0] == Choice("c", servers(stage)["s2"])
    servers(stage)["s2"].status = "DOWN"
    assert stuck(stage)[0] == Choice("c")


def test_only_what_is_asked_for_is_stored_or_matched():
    stage = choosing("stick match src table t")
    assert stuck(stage) == (Choice("c"), [])
    stage = choosing("stick store-request src table t if { src 192.0.2.1 }\nuse-server s1 if { src 192.0.2.0/24 }")
    assert len(stuck(stage)[1]) == 1
    assert stuck(stage, source="192.0.2.9")[1] == []
    stage = choosing("stick on req.ssl_sni table t\nstick on src table t")
    assert len(stuck(stage)[1]) == 1
    assert stuck(stage, source="2001:db8::1")[1] == []


def test_use_server_goes_before_the_table():
    stage = choosing("use-server s1 if { src 192.0.2.1 }\nstick on src table t")
    choice, stores = stuck(stage)
    assert choice.server is servers(stage)["s1"]
    assert len(stores) == 1


def test_whether_anything_looks_at_bytes():
    assert not front("use_backend a if { src 10.0.0.1 }\ndefault_backend b").rules.reads
    assert choosing("use-server s1 if { req.ssl_sni x }").rules.reads
    assert choosing("stick on req.ssl_sni table t").rules.reads


def test_a_header_that_is_expected_comes_before_sessions_and_tells_who_it_is():
    stage = front("tcp-request connection expect-proxy layer4 if { src 192.0.2.1 }\n"
                  "tcp-request session reject unless { src 10.0.0.1 } { dst_port 443 }\ndefault_backend a")
    ends = [("198.51.100.1", 6443)]
    client = Visit(("192.0.2.1", 40000), lambda: ends[-1], 0.0)
    admission = Admission(stage.rules, client)
    assert (admission.arrive(), client.headed) == ("accept", True)
    assert client.target == number_of("198.51.100.1")
    ends.append(("10.0.0.2", 443))
    client.learn(("10.0.0.1", 7))
    assert admission.begin() == "accept"
    other = visit("192.0.2.2")
    assert (Admission(stage.rules, other).arrive(), other.headed) == ("accept", False)
