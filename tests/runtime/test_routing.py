import asyncio

import pytest

from pyha.config.vrrp_model import Vrrp
from pyha.config.vrrp_routes import Route, Rule
from pyha.runtime import routing
from pyha.runtime.netlink import Netlink
from pyha.runtime.routewatch import RouteWatch
from pyha.runtime.static import Static
from tests.netns.lab import Lab

pytestmark = pytest.mark.root


@pytest.fixture
def node():
    with Lab() as lab:
        yield lab.node("one", "10.99.0.1/24", "2001:db8::1/64")


@pytest.fixture
def netlink(node):
    with node.inside():
        netlink = Netlink()
    yield netlink
    netlink.close()


def links(netlink: Netlink) -> dict[str, int]:
    return {name: link.index for name, link in netlink.mirror.links.items()}


@pytest.mark.parametrize(("config", "table", "shown"), [
    ({"destination": "192.0.2.0/24", "via": "10.99.0.9"}, "main", "192.0.2.0/24 via 10.99.0.9 dev eth0"),
    ({"destination": "192.0.2.0/24", "dev": "eth0", "source": "10.99.0.1", "metric": 7}, "main",
     "192.0.2.0/24 dev eth0 scope link src 10.99.0.1 metric 7"),
    ({"destination": "0.0.0.0/0", "via": "10.99.0.9", "table": "100", "protocol": "static"}, "100",
     "default via 10.99.0.9 dev eth0"),
    ({"destination": "198.51.100.0/24", "kind": "blackhole"}, "main", "blackhole 198.51.100.0/24"),
    ({"destination": "192.0.2.0/24", "dev": "eth0", "via": "203.0.113.1", "onlink": True,
      "options": [["mtu", "1400"]]}, "main", "192.0.2.0/24 via 203.0.113.1 dev eth0 onlink mtu 1400"),
    ({"destination": "192.0.2.0/24", "nexthops": [{"via": "10.99.0.8", "weight": 2}, {"via": "10.99.0.9"}]}, "main",
     "192.0.2.0/24 nexthop via 10.99.0.8 dev eth0 weight 2 nexthop via 10.99.0.9 dev eth0 weight 1"),
    ({"destination": "2001:db8:1::/48", "via": "2001:db8::9", "family": 6}, "main",
     "2001:db8:1::/48 via 2001:db8::9 dev eth0 metric 1024 pref medium"),
])
def test_a_route_looks_as_ip_would_have_made_it(node, netlink, config, table, shown):
    made = Route.model_validate({"family": 4, **config})

    def listed() -> list[str]:
        text = node.run("ip", f"-{made.family}", "route", "show", "table", table, check=False)
        joined = text.replace("\n\t", " ").replace("proto static ", "").replace("proto keepalived ", "")
        return [" ".join(line.split()) for line in joined.splitlines()]

    netlink.perform(routing.route(made, links(netlink), add=True))
    netlink.perform(routing.route(made, links(netlink), add=True))
    assert shown in [line.replace(" proto keepalived", "").replace(" proto static", "") for line in listed()]
    netlink.perform(routing.route(made, links(netlink), add=False))
    netlink.perform(routing.route(made, links(netlink), add=False))
    assert shown.split()[0] not in [line.split()[0] for line in listed()]


@pytest.mark.parametrize(("config", "shown"), [
    ({"source": "10.99.0.0/24", "table": "100", "priority": 500}, ["500: from 10.99.0.0/24 lookup 100"]),
    ({"destination": "192.0.2.1/32", "action": "prohibit", "priority": 500}, ["500: from all to 192.0.2.1 prohibit"]),
    ({"iif": "eth0", "fwmark": "0x1/0xff", "table": "100", "priority": 500, "family": 4},
     ["500: from all fwmark 0x1/0xff iif eth0 lookup 100"]),
    ({"inverted": True, "source": "10.99.0.0/24", "table": "main", "priority": 500},
     ["500: not from 10.99.0.0/24 lookup main"]),
])
def test_a_rule_looks_as_ip_would_have_made_it(node, netlink, config, shown):
    made = Rule.model_validate(config)

    def listed() -> list[str]:
        return [" ".join(line.split()) for line in node.run("ip", "rule").splitlines() if line.startswith("500:")]

    for request in routing.rules(made, add=True) * 2:
        netlink.perform(request)
    assert listed() == shown
    for request in routing.rules(made, add=False) * 2:
        netlink.perform(request)
    assert listed() == []


def test_a_rule_without_addresses_is_for_both_families():
    assert len(routing.rules(Rule(table="100", priority=500), add=True)) == 2


def test_what_this_machine_does_not_know_is_left_out_and_told(caplog):
    configs = [Route.model_validate({"destination": "192.0.2.0/24", "family": 4, **more}) for more in (
        {"dev": "eth9"}, {"table": "nosuch"}, {"scope": "nosuch"}, {"tos": "nosuch"})]
    assert list(routing.requests(configs, {}, "VI_1", add=True)) == []
    for words in ("there is no interface eth9", "there is no table 'nosuch'", "there is no scope 'nosuch'",
                  "there is no type of service 'nosuch'"):
        assert words in caplog.text


def test_static_things_come_stay_change_and_go(node, netlink):
    static = Static()
    first = Vrrp.model_validate({
        "static_addresses": [{"interface": "10.99.0.50/24", "dev": "eth0"}, {"interface": "192.0.2.9", "dev": "gone"}],
        "static_routes": [{"destination": "192.0.2.0/24", "via": "10.99.0.9", "family": 4}],
        "static_rules": [{"source": "10.99.0.50", "table": "100"}]})
    static.configure(first, netlink)
    assert node.holds("10.99.0.50")
    assert "192.0.2.0/24 via 10.99.0.9" in node.run("ip", "route")
    assert "from 10.99.0.50 lookup 100" in node.run("ip", "rule")
    static.configure(first, netlink)
    static.refresh(netlink)
    other = {"static_addresses": [{"interface": "10.99.0.51/24", "dev": "eth0"}]}
    static.configure(Vrrp.model_validate(other), netlink)
    assert not node.holds("10.99.0.50")
    assert node.holds("10.99.0.51")
    assert "192.0.2.0/24" not in node.run("ip", "route")
    static.remove(netlink)
    assert not node.holds("10.99.0.51")


@pytest.mark.parametrize(("options", "shown"), [
    ([["mtu", "lock 1400"], ["rtt", "100ms"], ["rto_min", "50ms"], ["initcwnd", "20"], ["quickack", "1"]],
     "rtt 100ms mtu lock 1400 initcwnd 20 rto_min lock 50ms quickack 1"),
    ([["congctl", "reno"], ["features", "ecn"], ["realms", "3/4"]], "realms 3/4 features ecn congctl reno"),
])
def test_the_rarer_options_of_a_route_arrive(node, netlink, options, shown):
    made = Route.model_validate({"family": 4, "destination": "192.0.2.0/24", "dev": "eth0", "options": options})
    netlink.perform(routing.route(made, links(netlink), add=True))
    text = node.run("ip", "-4", "route", "show", "192.0.2.0/24")
    assert set(shown.split()) - {"lock"} <= set(text.split()), text
    assert ("lock" in text) == ("lock" in str(options))


def test_the_rarer_options_of_a_rule_arrive(node, netlink):
    made = Rule.model_validate({"family": 4, "table": "100", "priority": 77, "options": [
        ["ipproto", "tcp"], ["dport", "80-90"], ["sport", "1000"], ["uidrange", "5-9"],
        ["suppress_prefixlength", "8"], ["protocol", "static"]]})
    for request in routing.rules(made, add=True):
        netlink.perform(request)
    text = node.run("ip", "-4", "rule", "show", "priority", "77")
    for words in ("ipproto tcp", "dport 80-90", "sport 1000", "uidrange 5-9", "suppress_prefixlength 8", "lookup 100"):
        assert words in text


@pytest.mark.parametrize("options", [[["mtu", "much"]], [["pref", "best"]], [["realms", "nowhere/1"]]])
def test_a_value_that_cannot_be_read_is_told(options):
    made = Route.model_validate({"family": 6, "destination": "2001:db8:1::/48", "dev": "eth0", "options": options})
    with pytest.raises(routing.UnknownNameError, match=options[0][1].split("/")[0]):
        routing.route(made, {"eth0": 2}, add=True)


def test_the_kernel_tells_which_of_ours_somebody_removed(node, netlink):
    made = [Route.model_validate({"family": 6, "destination": "2001:db8:1::/48", "via": "2001:db8::9"}),
            Route.model_validate({"family": 4, "destination": "192.0.2.0/24", "dev": "eth0", "metric": 7}),
            Rule.model_validate({"family": 4, "source": "10.1.0.0/16", "table": "100"})]
    seen: list[tuple[routing.Key, bool]] = []

    async def watch() -> None:
        with node.inside():
            watched = RouteWatch(asyncio.get_running_loop(), lambda key, gone: seen.append((key, gone)))
            watched.want(wanted=True)
        requests = list(routing.requests(made, links(netlink), "test", add=True))
        for request in (*requests, *routing.requests(made, links(netlink), "test", add=False)):
            netlink.perform(request)
        keys = [routing.key(request) for request in requests]
        while not {(key, gone) for key in keys for gone in (False, True)} <= set(seen):
            await asyncio.sleep(0.01)
        watched.want(wanted=False)

    asyncio.run(asyncio.wait_for(watch(), 10))
