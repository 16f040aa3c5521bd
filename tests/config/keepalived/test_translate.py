"""keepalived.conf to a draft: golden cases, every word has one, and what an operator does every day."""

import pytest

from pyha.config.draft import Draft
from pyha.config.keepalived import address, routes
from pyha.config.keepalived.lexer import Line
from pyha.config.keepalived.reading import read
from pyha.config.keepalived.top import TOP
from pyha.config.keepalived.vocabulary import Vocabulary
from pyha.config.load import load
from pyha.config.origin import locate
from pyha.config.source import Source
from pyha.config.validate import validate
from tests.config.keepalived.reading import (
    CASES,
    DIRECTORY,
    ENVIRONMENT,
    Files,
    case,
    draft_of,
    errors,
    expected,
    router,
    said,
    sentences,
    shown,
    vrrp_of,
)


@pytest.mark.parametrize("name", CASES)
def test_a_golden_case_means_what_stands_beside_it(name):
    actual = shown(case(name))
    assert actual == expected(name, actual)


@pytest.mark.parametrize("name", CASES)
def test_the_data_of_a_golden_case_fits_the_model(name):
    draft = case(name)
    config, objections = validate(draft.data, draft.origins)
    missing = [problem for problem in objections if problem.message.endswith("is missing")]
    assert config is not None or (errors(draft) and objections == missing), objections


@pytest.mark.parametrize("name", CASES)
def test_every_problem_has_a_line_and_is_told_once(name):
    problems = case(name).problems
    assert all(problem.origin.file == f"{name}.conf" and problem.origin.line > 0 for problem in problems)
    assert len(set(problems)) == len(problems)


# -- every word has a case ---------------------------------------------------------------------------------------------


def registered(vocabulary):
    yield from vocabulary.known
    for keyword in vocabulary.keywords.values():
        if isinstance(keyword.block, Vocabulary):
            yield from registered(keyword.block)


def words_of_the_cases():
    found = set()
    for name in CASES:
        text = (DIRECTORY / f"{name}.conf").read_text()
        lines, _ = read(Source(name, text, "keepalived"), Files(), ENVIRONMENT, "node1", Draft())
        found |= {word for line in lines for word in line.text.split()}
        assert all(isinstance(line, Line) for line in lines)
    return found


def test_every_registered_word_stands_in_a_golden_case():
    assert sorted(set(registered(TOP)) - words_of_the_cases()) == []


def test_every_option_of_an_address_stands_in_a_golden_case():
    assert sorted(set(address.OPTIONS) - words_of_the_cases()) == []


def test_a_word_has_one_treatment():
    def check(vocabulary):
        groups = [set(vocabulary.keywords), set(vocabulary.fulfilled), set(vocabulary.ignored), set(vocabulary.refused)]
        assert sum(map(len, groups)) == len(set().union(*groups)), vocabulary.place
        for keyword in vocabulary.keywords.values():
            if isinstance(keyword.block, Vocabulary):
                check(keyword.block)
    check(TOP)


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_a_part_of_the_model_leads_back_to_its_line():
    draft = draft_of("vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 5\n garp_master_delay 3\n"
                     " virtual_ipaddress {\n  10.0.0.1\n  10.0.0.2/24\n }\n}\n")
    for loc, line in ((("interface",), 2), (("vrid",), 3), (("garp", "delay"), 4), (("addresses",), 5),
                      (("addresses", 1, "interface"), 7), (("name",), 1), (("priority",), 1)):
        assert str(locate(draft.origins, ("vrrp", "routers", 0, *loc))) == f"k.conf:{line}"


def test_a_file_without_vrrp_says_nothing():
    draft = draft_of("# nothing here\n\n")
    assert (draft.data, draft.problems) == ({}, [])


def test_through_the_loader_each_mistake_is_told_once():
    text = ("vrrp_instance VI_1 {\n interface lo\n virtual_router_id 300\n priority 100\n"
            " virtual_ipaddress {\n  10.0.0.300/24\n }\n prioritee 5\n}\n")
    loaded = load([Source("k.conf", text, "keepalived")], {}, Files())
    assert loaded.config is None
    assert [(problem.origin.line, problem.fatal) for problem in loaded.problems if problem.origin.line > 1] == [
        (3, True), (6, True), (8, False)]


@pytest.mark.parametrize("raw", [
    "\ufeff" + "vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n 10.0.0.1\n }\n}\n"
    .replace("\n", "\r\n"),
    "! caf\ufffd\nvrrp_instance VI_1 {\n interface eth0\n virtual_router_id 5\n virtual_ipaddress {\n 10.0.0.1\n }\n}",
])
def test_files_of_other_systems_are_read(raw):
    assert vrrp_of(raw)["routers"][0]["addresses"] == [{"interface": "10.0.0.1/32"}]


# -- files within files ------------------------------------------------------------------------------------------------

ROUTER = "vrrp_instance {0} {{\n interface eth0\n virtual_router_id {1}\n virtual_ipaddress {{\n 10.0.0.{1}\n }}\n}}\n"


def test_an_included_file_is_looked_up_where_the_including_one_is_and_keeps_its_own_lines():
    files = Files()
    files.files = {"/etc/k/conf.d/a.conf": ROUTER.format("A", 1), "/etc/k/conf.d/b.conf": "include sub/c.conf\n",
                   "/etc/k/conf.d/sub/c.conf": ROUTER.format("C", 300)}
    draft = draft_of("include conf.d/*.conf\n", path="/etc/k/keepalived.conf", files=files)
    assert [name["name"] for name in draft.data["vrrp"]["routers"]] == ["A", "C"]
    assert [str(problem.origin) for problem in draft.problems if problem.fatal][:1] == ["/etc/k/conf.d/sub/c.conf:3"]


def test_a_file_that_includes_itself_is_told_with_the_way():
    files = Files()
    files.files = {"/k/a": "include b\n", "/k/b": "include a\n"}
    draft = draft_of("include b\n", path="/k/a", files=files)
    assert sentences(draft) == [
        "error: '/k/a' is included by itself: /k/a -> /k/b -> /k/a; remove one of these includes"]


def test_a_missing_file_is_a_remark_for_include_and_an_error_for_its_strict_relatives():
    assert [text.split(":")[0] for text in sentences(draft_of("include none.conf\n"))] == ["ignored"]
    for word in ("includer", "includem", "includew", "includea"):
        assert [text.split(":")[0] for text in sentences(draft_of(f"{word} none.conf\n"))] == ["error"]
    assert [text.split(":")[0] for text in sentences(draft_of("includem none*.conf\n"))] == ["ignored"]
    assert [text.split(":")[0] for text in sentences(draft_of("include_check\ninclude none*.conf\n"))
            if "none" in text] == ["error"]


def test_a_file_that_cannot_be_read_is_an_error():
    files = Files()
    files.files = {"/k/secret": ""}
    files.read = Files().read
    draft = draft_of("include secret\n", path="/k/k.conf", files=files)
    assert sentences(draft) == ["error: '/k/secret' cannot be read: Permission denied"]


def test_braces_in_the_name_of_a_file_stand_for_several():
    files = Files()
    files.files = {"/k/a.conf": ROUTER.format("A", 1), "/k/b.conf": ROUTER.format("B", 2)}
    draft = draft_of("include {a,b}.conf\n", path="/k/k.conf", files=files)
    assert [name["name"] for name in draft.data["vrrp"]["routers"]] == ["A", "B"]


# -- braces ------------------------------------------------------------------------------------------------------------


def test_a_block_that_is_not_closed_is_told_and_counts():
    draft = draft_of("vrrp_instance VI_1 {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 10.0.0.1\n")
    assert draft.data["vrrp"]["routers"][0]["vrid"] == 1
    assert [problem.origin.line for problem in draft.problems] == [4, 1]
    assert not errors(draft)


def test_a_missing_brace_between_two_instances_is_an_error_because_one_would_be_lost():
    draft = draft_of("vrrp_instance A {\n interface eth0\n virtual_router_id 1\n" + ROUTER.format("B", 2))
    assert any("unknown block 'vrrp_instance'" in text for text in errors(draft))


def test_a_keyword_without_its_block_is_an_error():
    assert errors(draft_of("vrrp_instance VI_1\n"))
    assert any("'virtual_ipaddress' is not followed by a block" in text for text in errors(
        draft_of("vrrp_instance A {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress\n}\n")))


def test_more_blocks_within_each_other_than_anybody_needs_are_an_error():
    assert any("blocks within each other" in text for text in errors(draft_of("a {\n" * 200)))
    assert any("blocks within each other" in text for text in errors(draft_of("{\n" * 200)))


# -- what goes together ------------------------------------------------------------------------------------------------


def test_missing_arguments_are_errors_as_keepalived_ends_there():
    for word in ("interface", "state", "priority", "advert_int", "unicast_src_ip", "mcast_dst_ip", "notify_master"):
        assert f"error: '{word}' expects an argument; keepalived does not start without it either" in said(f" {word}")


def test_settings_of_global_defs_count_wherever_the_block_stands():
    text = ROUTER.format("A", 1) + "global_defs {\n vrrp_version 3\n vrrp_garp_master_refresh 60\n}\n"
    data = vrrp_of(text)["routers"][0]
    assert (data["version"], data["garp"]) == (3, {"refresh": 60_000})


def test_ipv6_is_version_3_and_says_so_only_when_version_2_was_asked_for():
    block = " virtual_ipaddress {\n fe80::1\n }\n"
    assert router(block)["version"] == 3
    assert said(block) == []
    assert any("version 2 of VRRP has no IPv6" in text for text in said(block + " version 2"))


@pytest.mark.parametrize(("given", "version", "centiseconds"), [
    ("1", 2, 100), ("1.5", 2, 200), ("0.2", 2, 100), ("0.2", 3, 20), ("0.01", 3, 1), ("60", 3, 4095),
    ("255", 2, 25500)])
def test_the_interval_is_rounded_as_the_version_wants_it(given, version, centiseconds):
    assert router(f" advert_int {given}\n version {version}")["advert_int"] == centiseconds


def test_many_addresses_are_told_and_too_many_refused():

    def block(count):
        return " virtual_ipaddress {\n" + "".join(f"  10.0.{n // 200}.{n % 200 + 1}\n" for n in range(count)) + " }\n"
    assert said(block(20)) == []
    assert ["more than 20 are better" in text for text in said(block(21))] == [True]
    assert ["has room for 255" in text for text in said(block(256))] == [True]


def test_a_password_of_bytes_is_cut_by_bytes():
    block = " authentication {\n auth_type PASS\n auth_pass \u00e4\u00e4\u00e4\u00e4\u00e4\n }"
    assert router(block)["authentication"]["password"] == "\u00e4" * 4


def test_the_same_vrid_twice_needs_something_that_tells_the_packets_apart():

    def two(first, second):
        return errors(draft_of("".join(
            f"vrrp_instance {name} {{\n interface eth0\n virtual_router_id 5\n {more}\n"
            f" virtual_ipaddress {{\n {ip}\n }}\n}}\n"
            for name, (ip, more) in zip("AB", (first, second), strict=True))))
    assert len(two(("10.0.0.1", ""), ("10.0.0.2", ""))) == 1
    assert two(("10.0.0.1", ""), ("fe80::2", "")) == []
    assert two(("10.0.0.1", ""), ("10.0.0.2", "mcast_dst_ip 224.0.0.99")) == []
    peers = "unicast_peer {{\n {} \n }}"
    assert two(("10.0.0.1", peers.format("10.0.0.8")), ("10.0.0.2", peers.format("10.0.0.9"))) == []
    assert len(two(("10.0.0.1", peers.format("10.0.0.8")), ("10.0.0.2", peers.format("10.0.0.8")))) == 1


def test_a_group_that_lets_weights_count_keeps_them():
    routers = ROUTER.format("A", 1).replace(" virtual", " track_script {\n c\n }\n virtual", 1) + ROUTER.format("B", 2)
    text = "vrrp_script c {\n script /bin/true\n weight 5\n}\n" + routers
    group = "vrrp_sync_group g {{\n group {{\n A\n B\n }}\n {}\n}}\n"
    assert vrrp_of(text + group.format(""))["routers"][0]["track_scripts"] == []
    assert vrrp_of(text + group.format("sync_group_tracking_weight"))["routers"][0]["track_scripts"] == [{"name": "c"}]


def test_routes_and_rules_know_the_words_that_they_offer():
    assert {"via", "dev", "table", "nexthop", "mtu"} <= set(routes.ROUTE_OPTIONS)
    assert {"from", "to", "table", "priority", "fwmark"} <= set(routes.RULE_OPTIONS)


def test_an_address_that_is_there_twice_is_advertised_twice_as_keepalived_does_it():
    block = " virtual_ipaddress {\n 10.0.0.1\n 10.0.0.1\n }\n virtual_ipaddress_excluded {\n 10.0.0.1\n 10.0.0.2\n }"
    data = router(block)
    assert [part["interface"] for part in data["addresses"]] == ["10.0.0.1/32", "10.0.0.1/32"]
    assert [part["interface"] for part in data["excluded_addresses"]] == ["10.0.0.2/32"]


def test_after_a_lower_priority_the_global_announcements_count():
    assert router(" garp_master_delay 7\n garp_master_repeat 3")["garp"] == {
        "refresh": 0, "delay": 7000, "repeat": 3}
    settings = "global_defs {\n vrrp_garp_master_delay 2\n}\n"
    assert router(" garp_master_delay 7", settings)["garp"] == {
        "refresh": 0, "delay": 7000, "lower_prio_delay": 2000}
    assert router("", "global_defs {\n vrrp_min_garp\n}\n")["garp"] == {
        "refresh": 0, "repeat": 1, "delay": 0, "lower_prio_delay": 0, "lower_prio_repeat": 1}


def test_in_strict_mode_a_master_without_a_priority_is_the_address_owner():
    data = router(" strict_mode on\n state MASTER")
    assert (data["priority"], data["initial_state"], data["accept"]) == (255, "MASTER", True)
    assert (data["lower_prio_advert"], data["garp"]) == (
        False, {"refresh": 0, "lower_prio_delay": 0, "lower_prio_repeat": 0})
    assert router(" strict_mode on\n state MASTER\n priority 100")["initial_state"] == "BACKUP"
