"""Conditions in haproxy's words: what they say to a client, and when they cannot tell yet."""

import pytest

from pyha.config.samples import FETCHES
from pyha.proxy.conditions import always
from pyha.proxy.fetches import NAMES, look
from pyha.proxy.visit import MOST
from tests.proxy.rules_lab import Stage, holds, visit
from tests.runtime.hello_lab import client_hello

API = client_hello("API.example.com", alpn=("h2",))


def test_everything_that_can_be_written_can_be_evaluated():
    assert FETCHES.keys() == NAMES


@pytest.mark.parametrize(("condition", "value"), [
    ("{ src 192.0.2.0/24 }", True), ("{ src 192.0.2.2 }", False), ("{ src 10.0.0.0/8 192.0.2.1 }", True),
    ("{ src 0.0.0.0/0 }", True), ("{ src 2001:db8::/32 }", False), ("{ src ::ffff:192.0.2.1 }", True),
    ("{ dst 198.51.100.1 }", True), ("{ dst_port 6443 }", True), ("{ dst_port 1:1023 }", False),
    ("{ src_port gt 39999 lt 5 }", True), ("{ src_port ge 40001 }", False), ("{ src_port :5 }", False),
    ("{ src_port le 40000 }", True), ("{ src_port lt 40000 }", False), ("{ src_port eq 1 40000 }", True),
    ("{ src,ipmask(24) 192.0.2.0 }", True), ("{ src,ipmask(24) 192.0.2.1 }", False), ("!{ src 192.0.2.1 }", False),
    ("{ src 192.0.2.1 } { dst_port 1 }", False), ("{ src 192.0.2.9 } or { dst_port 6443 }", True),
    ("{ src 192.0.2.9 } or { dst_port 1 }", False), ("{ src -m found }", True), ("{ src_port -m bool }", True),
    ("{ src_port -m str 40000 }", True), ("{ src_port -m len 5 }", True), ("{ src -- }", False),
    ("{ int(5) 5 }", True), ("{ int(-5) lt 0 }", True), ("{ int(0) -m bool }", False), ("{ bool(true) }", True),
    ("{ bool(0) }", False), ("{ str(abc) abc }", True), ("{ str(abc) -m len 3 }", True),
    ("{ str(12) -m int 12 }", True),
    ("{ str(1x) -m int 1 }", False), ("{ str(-3) -m int lt 0 }", True), ("{ str(192.0.2.7) -m ip 192.0.2.0/24 }", True),
    ("{ str(2001:db8::1) -m ip 2001:db8::/32 }", True), ("{ str(x) -m ip 0.0.0.0/0 }", False),
    ("{ rand(100) 50 }", True), ("{ src_port,mod(7) 2 }", True),
    ("{ src_port,div(40000),add(1),mul(3),sub(6) 0 }", True),
    ("{ src_port,div(0) 0 }", True), ("{ src_port,mod(0) 0 }", True), ("{ src_port,bool }", True),
    ("{ src_port,not }", False), ("{ str(x),add(1) 1 }", False), ("{ str(abc),length 3 }", True),
    ("{ str(abc),upper ABC }", True), ("{ str(a.b.c),field(2,.) b }", True),
    ("{ str(a.b.c),field(4,.) -m found }", False),
    ("{ always_true } !{ always_false } { src_port 40000 }", True), ("{ str(x) -m reg ^[xy]$ }", True),
    ("{ str(X) -m reg -i x }", True)])
def test_what_does_not_depend_on_bytes(condition, value):
    assert holds(f"if {condition}", source="192.0.2.1") is value
    assert holds(f"unless {condition}", source="192.0.2.1") is not value


@pytest.mark.parametrize(("match", "value"), [
    ("-m beg api", False), ("-m beg -i api", True), ("-m end .com", True), ("-m sub example", True),
    ("-m sub xx", False),
    ("-m dom example", True), ("-m dom exam", False), ("-m dom ample", False), ("-m dom -i API", True),
    ("-m dom com", True), ("-m dom .example.com.", True), ("-m dom -i com.e", False), ("-m dir example", False),
    ("-m reg ^API\\.", True), ("api.example.com", False), ("-i api.example.com other", True), ("-m found", True),
    ("-m len 15", True), ("-m str API.example.com", True)])
def test_ways_to_compare_text(match, value):
    assert holds(f"if {{ req.ssl_sni {match} }}", data=API) is value


@pytest.mark.parametrize(("word", "value", "match"), [
    ("a/b/c", "b", True), ("a?b/c", "b", True), ("ab/c", "b", False), ("xbb/b", "b", True), ("a", "/", False)])
def test_a_directory_stands_between_slashes(word, value, match):
    assert holds(f"if {{ str({word}) -m dir {value} }}") is match


@pytest.mark.parametrize(("condition", "data", "now", "in_the_end"), [
    ("{ req.ssl_sni x }", b"", None, False), ("{ req.ssl_sni x }", API[:100], None, False),
    ("{ req.ssl_sni -m found }", b"GET /", False, False), ("!{ req.ssl_sni x }", b"", None, True),
    ("!{ req.ssl_sni x }", API, True, True), ("{ req.ssl_hello_type 1 }", API[:100], None, False),
    ("{ req.ssl_hello_type 1 }", API, True, True), ("{ req.ssl_hello_type 1 }", b"GET", False, False),
    ("{ req.ssl_ver 3.3 }", API, True, True), ("{ req_ssl_ver lt 3.2 }", API, False, False),
    ("{ req.ssl_alpn h2 }", API, True, True), ("{ req.len gt 2 }", b"xx", None, False),
    ("{ req.len gt 2 }", b"xxx", True, True), ("{ req.len lt 2 }", b"", True, True), ("{ wait_end }", b"", None, True),
    ("WAIT_END", b"", None, True), ("REQ_CONTENT", b"", None, False), ("REQ_CONTENT", b"x", True, True),
    ("{ req.payload(0,4) -m bin 4142 }", b"AB", None, False), ("{ req.payload(1,2) -m bin 4243 }", b"ABCD", True, True),
    ("{ req.payload(0,0) -m str SSH }", b"SSH", True, True), ("{ req.payload(0,3) -m sub S }", b"xSx", True, True),
    ("{ req.payload(0,0),lower -m beg ssh }", b"SSH", True, True), ("{ req.payload(0,2) -m len 2 }", b"ab", True, True),
    ("{ req.payload(0,1),lower -m str a }", b"", None, False),
    ("{ req.len gt 2 } { src 10.0.0.1 }", b"", False, False), ("{ req.len gt 2 } { src 192.0.2.1 }", b"", None, False),
    ("{ req.len gt 2 } or { src 192.0.2.1 }", b"", True, True),
    ("{ req.len gt 2 } or { src 10.0.0.1 }", b"", None, False)])
def test_what_depends_on_bytes_may_have_to_wait(condition, data, now, in_the_end):
    assert holds(f"if {condition}", data=data) is now
    assert holds(f"if {condition}", data=data, final=True) is in_the_end


def test_several_lines_of_one_name_are_alternatives():
    acls = " acl ours src 192.0.2.1\n acl ours src 192.0.2.2\n acl late req.len gt 5\n acl late src 192.0.2.3\n"
    assert holds("if ours", before=acls, source="192.0.2.2") is True
    assert holds("if !ours", before=acls, source="192.0.2.2") is False
    assert holds("if late", before=acls) is None
    assert holds("if late", before=acls, source="192.0.2.3") is True


def test_addresses_of_both_families():
    assert holds("if { src 2001:db8::/32 }", source="2001:db8::5")
    assert holds("if { src fe80::/10 }", source="fe80::5%eth0")
    assert holds("if { src,ipmask(24,64) 2001:db8:: }", source="2001:db8::5")
    assert holds("if { src,ipmask(24) 2001:db8::5 }", source="2001:db8::5")
    assert holds("if { src 192.0.2.0/24 }", source="::ffff:192.0.2.5")
    assert not holds("if { src 192.0.2.0/24 }", source="::192.0.2.5")


SERVERS = "backend x\n server a 10.0.0.1:1 maxconn 5 maxqueue 3\n server b 10.0.0.2:1 maxconn 5 maxqueue 3 weight 7\n"


@pytest.mark.parametrize(("condition", "value"), [
    ("{ nbsrv(x) 2 }", True), ("{ be_conn(x) 4 }", True), ("{ be_conn_free(x) 14 }", True),
    ("{ connslots(x) 24 }", True),
    ("{ queue(x) 2 }", True), ("{ avg_queue(x) 1 }", True), ("{ fe_conn 6 }", True), ("{ srv_conn(x/a) 6 }", True),
    ("{ srv_conn_free(x/a) 4 }", True), ("{ srv_conn_free(b/s) -1 }", True), ("{ srv_is_up(x/a) }", True),
    ("{ srv_queue(x/a) 2 }", True), ("{ srv_weight(x/b) 7 }", True), ("{ be_conn_free(b) -1 }", True),
    ("{ connslots(b) -1 }", True)])
def test_proxies_and_servers_count_for_all_workers(condition, value):
    text = (f"frontend f\n bind :1\n use_backend b if {condition}\n default_backend b\n"
            f"backend b\n server s 10.0.0.1:1\n{SERVERS}")
    stage = Stage(text, workers=2)
    world = stage.world
    world.frontends["f"].sessions = 3
    world.backends["x"].sessions = 2
    world.backends["x"].servers["a"].sessions = 3
    world.backends["x"].servers["a"].queue["somebody"] = None
    test, _ = stage.rules.choices[0]
    assert test(visit()) is value


def test_a_server_that_a_reload_took_away_has_no_value():
    stage = Stage("frontend f\n bind :1\n use_backend b if { srv_conn(b/s) ge 0 }\n default_backend b\n"
                  "backend b\n server s 10.0.0.1:1\n")
    test, _ = stage.rules.choices[0]
    assert test(visit()) is True
    stage.world.backends["b"].servers.clear()
    assert test(visit()) is False


def test_what_is_not_there_is_told():
    stage = Stage("frontend f\n bind :1\n use_backend b if { srv_conn(b/s) ge 0 } { fe_conn(f) ge 0 }\n"
                  "backend b\n server s 10.0.0.1:1\n")
    sample = stage.config.frontends[0].rules.backends[0].when.alternatives[0][0].any_of[0].sample
    stage.world.backends["b"].servers.clear()
    with pytest.raises(ValueError, match="there is no server 's'"):
        look(sample, stage.world)


TABLES = (" stick-table type ip size 10 expire 1m store conn_cur,conn_cnt,conn_rate(10s),sess_cnt,sess_rate(10s),gpc0,"
          "gpc0_rate(10s),gpc1,bytes_in_cnt,bytes_out_cnt\n tcp-request connection track-sc0 src\n")


@pytest.mark.parametrize(("condition", "value"), [
    ("{ sc0_conn_cur 1 }", True), ("{ sc_conn_cnt(0) 1 }", True), ("{ sc0_conn_rate 1 }", True),
    ("{ sc0_sess_cnt 1 }", True),
    ("{ sc0_sess_rate 1 }", True), ("{ sc0_get_gpc0 0 }", True), ("{ sc0_inc_gpc0 1 }", True),
    ("{ sc0_clr_gpc0 0 }", True),
    ("{ sc0_inc_gpc0 1 } { sc0_get_gpc0 1 } { sc0_clr_gpc0 1 } { sc0_get_gpc0 0 } { sc0_gpc0_rate 1 }", True),
    ("{ sc0_kbytes_in 0 }", True), ("{ sc0_tracked }", True), ("{ sc1_tracked }", False),
    ("{ sc1_conn_cur ge 0 }", False),
    ("{ sc0_gpc1_rate ge 0 }", False), ("{ sc0_conn_cur(t) 0 }", True), ("{ sc0_conn_cnt(t) 0 }", True),
    ("{ sc0_conn_cur(f) 1 }", True), ("{ src_conn_cur 1 }", True), ("{ src_conn_cur(t) 0 }", True),
    ("{ src_conn_cur(names) ge 0 }", False), ("{ src_inc_gpc0(t) ge 0 }", True), ("{ src_kbytes_out(t) 0 }", True),
    ("{ table_cnt 1 }", True), ("{ table_avl 9 }", True), ("{ table_avl(t) 5 }", True)])
def test_counters(condition, value):
    text = (f"frontend f\n bind :1\n{TABLES} tcp-request content reject if {condition}\n default_backend b\n"
            "backend t\n stick-table type ip size 5 store conn_cur\n"
            "backend names\n stick-table type string size 5\nbackend b\n server s 10.0.0.1:1\n")
    assert Stage(text).outcome() == ("reject" if value else Stage(text).admission().proceed(0.0))


def test_a_counter_of_a_stranger_and_one_that_is_not_stored():
    tables = "backend t\n stick-table type ip size 5 store conn_cur,gpc0\n"
    assert holds("if { src_conn_rate(t) 0 }", after=tables) is True
    assert holds("if { src_inc_gpc1(t) 0 } { src_get_gpc1(t) ge 0 }", after=tables) is False
    assert holds("if { src_clr_gpc0(t) 0 } { src_inc_gpc0(t) 1 } { src_inc_gpc0(t) 2 }", after=tables) is True


def test_no_more_than_so_much_is_looked_at():
    client = visit()
    client.look(b"x" * MOST)
    assert client.full
    assert always(client)


def test_a_client_without_an_address_matches_none():
    assert holds("if { src 0.0.0.0/0 ::/0 } or { src,ipmask(8) 10.0.0.0 }", source="") is False
    assert holds("if { src_conn_cur(t) ge 0 }", source="", after="backend t\n stick-table type ip size 1\n") is False
