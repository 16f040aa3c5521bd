"""The rarer words of keepalived.conf, done by pyha's vrrp process on a real kernel; and processes that were away."""

import os
import signal
import time

import pytest

from pyha.control.messages import Configured, Rejected
from pyha.runtime.will import perform_will
from tests.netns.daemons import PyhaVrrp
from tests.netns.lab import Lab, stays, wait_until
from tests.netns.test_vrrpd import VIP, Neighbour, advert, router

pytestmark = pytest.mark.root


@pytest.fixture
def lab():
    with Lab() as lab:
        lab.node("master1", "10.220.209.202/24")
        lab.node("other", "10.220.209.203/24")
        yield lab


@pytest.fixture
def node(lab):
    return lab.nodes[0]


@pytest.fixture
def pyha(node, tmp_path):
    pyha = PyhaVrrp(node, tmp_path)
    yield pyha
    pyha.close()


@pytest.fixture
def neighbour(lab):
    neighbour = Neighbour(lab.nodes[1])
    yield neighbour
    neighbour.close()


@pytest.fixture
def leg(node):
    """A second interface, with its cable's other end in the same place."""
    node.run("ip", "link", "add", "leg", "type", "veth", "peer", "name", "foot")
    for name in ("leg", "foot"):
        node.run("ip", "link", "set", name, "up")
    return "leg"


def answered(lab) -> bool:
    return "bytes from" in lab.nodes[1].run("ping", "-c", "1", "-W", "1", VIP, check=False)


# -- no_accept ---------------------------------------------------------------------------------------------------------


def test_with_no_accept_packets_to_the_address_are_dropped_and_a_reload_lets_them_in(lab, node, pyha):
    pyha.configure(routers=[router(accept=False)])
    pyha.until("MASTER")
    assert not answered(lab)
    assert f"elements = {{ {VIP} }}" in node.run("nft", "list", "ruleset")
    pyha.configure(routers=[router()])
    assert answered(lab)
    assert node.run("nft", "list", "ruleset") == ""
    pyha.configure(routers=[router(accept=False)])
    assert not answered(lab)
    assert pyha.stop() == 0
    assert node.run("nft", "list", "ruleset") == ""


def test_neighbours_are_found_although_packets_are_dropped(lab, node, pyha):
    for number, one in enumerate(lab.nodes, 1):
        one.run("ip", "address", "add", f"fd00:99::{number}/64", "dev", "eth0", "nodad")
    pyha.configure(routers=[router(accept=False, addresses=[{"interface": "fd00:99::10/64"}])])
    pyha.until("MASTER")
    other = lab.nodes[1]
    assert "bytes from" not in other.run("ping", "-c", "1", "-W", "1", "fd00:99::10", check=False)
    assert "lladdr" in other.run("ip", "-6", "neigh", "show", "fd00:99::10")


def test_what_a_killed_predecessor_dropped_is_let_in(node, pyha, tmp_path):
    pyha.configure(routers=[router(accept=False)])
    pyha.kill()
    assert VIP in node.run("nft", "list", "ruleset")
    successor = PyhaVrrp(node, tmp_path)
    successor.configure(routers=[router()])
    assert node.run("nft", "list", "ruleset") == ""
    successor.close()


def test_the_address_owner_accepts_everything(node, pyha):
    pyha.configure(routers=[router(accept=False, priority=255)])
    pyha.until("MASTER")
    assert node.run("nft", "list", "ruleset") == ""


# -- routes, static things ---------------------------------------------------------------------------------------------


def test_virtual_routes_and_rules_that_somebody_deletes_come_back_while_active(node, pyha, neighbour):
    route = ("192.0.2.0/24", "via", "10.220.209.203")
    pyha.configure(routers=[router(routes=[{"destination": "192.0.2.0/24", "via": "10.220.209.203", "family": 4},
                                           {"destination": "198.51.100.0/24", "dev": "eth0", "family": 4,
                                            "no_track": True}],
                                   rules=[{"source": VIP, "table": "100"}])])
    pyha.until("MASTER")
    wait_until(lambda: " ".join(route) in node.run("ip", "route"), "the route is there")
    node.run("ip", "route", "del", "198.51.100.0/24")
    node.run("ip", "route", "del", *route)
    node.run("ip", "rule", "del", "from", VIP)
    pyha.wait(lambda: " ".join(route) in node.run("ip", "route"), "the route is there again")
    pyha.wait(lambda: f"from {VIP} lookup 100" in node.run("ip", "rule"), "the rule is there again")
    assert "198.51.100.0" not in node.run("ip", "route")
    assert pyha.text().count("it is put back") == 2
    neighbour.send(advert(200))
    pyha.until("BACKUP")
    assert "192.0.2.0" not in node.run("ip", "route")
    assert "lookup 100" not in node.run("ip", "rule")


def test_a_track_group_is_a_fault_while_a_static_thing_is_missing(node, pyha, leg):
    pyha.configure(
        routers=[router()], track_groups=[{"name": "g", "members": ["VI_1"]}],
        static_addresses=[{"interface": "10.9.9.1/24", "dev": leg, "track_groups": ["g"]}],
        static_routes=[{"destination": "192.0.2.0/24", "dev": leg, "family": 4, "track_groups": ["g"]}])
    pyha.until("MASTER")
    node.run("ip", "address", "del", "10.9.9.1/24", "dev", leg)
    pyha.until("FAULT")
    assert pyha.reports["VI_1"].reason == "the static address 10.9.9.1/24 is missing"
    node.run("ip", "address", "add", "10.9.9.1/24", "dev", leg)
    pyha.until("MASTER")
    node.run("ip", "route", "del", "192.0.2.0/24")
    pyha.until("FAULT")
    node.run("ip", "route", "add", "192.0.2.0/24", "dev", leg)
    pyha.until("MASTER")


# -- interfaces --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("vmac", "address"), [
    ({"other_interfaces": True}, {}), ({}, {"use_vmac": True}), (None, {"use_vmac": True}),
])
def test_an_address_on_another_interface_gets_a_virtual_mac_there(node, pyha, leg, vmac, address):
    pyha.configure(routers=[router(vmac=vmac, excluded_addresses=[
        {"interface": "10.9.9.100/24", "dev": leg, **address}])])
    pyha.until("MASTER")
    name = "vrrp.51.0" if vmac is None else "vrrp.51.1"
    shown = node.run("ip", "-d", "link", "show", name)
    assert f"{name}@{leg}" in shown
    assert "00:00:5e:00:01:33" in shown
    wait_until(lambda: node.holds("10.9.9.100", name), "the address is there")
    assert pyha.stop() == 0
    assert "vrrp" not in node.run("ip", "link")


def test_ipvlan_without_the_kernel_s_help_is_refused_in_one_sentence(node, pyha):
    if "pyha-probe" in node.run("ip", "link", "add", "link", "eth0", "name", "pyha-probe", "type", "ipvlan",
                                check=False) + node.run("ip", "link"):
        pytest.skip("this kernel has ipvlan")
    answer = pyha.configure(routers=[router(vmac={"kind": "ipvlan"})])
    assert isinstance(answer, Rejected)
    assert "this kernel has no ipvlan" in answer.reason
    assert isinstance(pyha.configure(routers=[router()]), Configured)


def test_an_interface_that_flaps_for_less_than_its_delay_did_not_change(lab, node, pyha):
    pyha.configure(routers=[router()], link_delays=[{"name": "eth0", "down": 1500, "up": 300}])
    pyha.until("MASTER")
    lab.cut(node)
    lab.mend(node)
    stays(lambda: (pyha.pump(), pyha.state() == "MASTER")[1], "it stays", for_seconds=0.5)
    lab.cut(node)
    pyha.until("FAULT")
    lab.mend(node)
    pyha.until("MASTER")
    assert pyha.states["VI_1"][-4:] == ["MASTER", "FAULT", "BACKUP", "MASTER"]


# -- announcements -----------------------------------------------------------------------------------------------------


def announcements(neighbour, found: list[float]) -> int:
    found.extend(time.monotonic() for frame in neighbour.frames()
                 if frame[12:14] == b"\x08\x06" and frame[28:32] == frame[38:42])
    return len(found)


def test_the_interfaces_of_a_garp_group_have_their_own_pace(pyha, neighbour):
    found: list[float] = []
    pyha.configure(routers=[router(garp={"repeat": 4, "delay": 0})],
                   garp_groups=[{"interfaces": ["eth0"], "interval": 0.3}])
    wait_until(lambda: announcements(neighbour, found) >= 4, "all are there", every=0.005)
    assert found[3] - found[0] > 0.6


def test_extra_announcements_on_interfaces_without_advertisements(pyha, neighbour):
    found: list[float] = []
    pyha.configure(routers=[router(vmac={"transmit_base": True},
                                   garp={"repeat": 1, "delay": 0, "refresh": 0, "extra_interfaces": 200})])
    wait_until(lambda: announcements(neighbour, found) >= 5, "again and again")


# -- FIFOs -------------------------------------------------------------------------------------------------------------


def test_a_fifo_is_told_of_priorities_and_of_all_states_after_a_reload(pyha, tmp_path):
    file, path = tmp_path / "number", tmp_path / "fifo"
    file.write_text("0")
    settings = {"fifo": {"path": str(path)}, "fifo_on_reload": True,
                "file_checks": [{"name": "f", "path": str(file)}]}
    one = router(track_files=[{"name": "f"}], notify={"priority_changes": True})
    pyha.configure(routers=[one], **settings)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    seen = b""

    def said(line: str) -> bool:
        nonlocal seen
        try:
            seen += os.read(reader, 4096)
        except BlockingIOError:
            pass
        return line.encode() in seen

    pyha.wait(lambda: said('INSTANCE "VI_1" MASTER 150\n'), "the state")
    file.write_text("7")
    pyha.wait(lambda: said('INSTANCE "VI_1" MASTER_PRIORITY 157\n'), "the priority")
    seen = b""
    pyha.configure(routers=[one], **settings)
    pyha.wait(lambda: said('INSTANCE "VI_1" MASTER 157\n'), "the state again")
    os.close(reader)


# -- what is not heard -------------------------------------------------------------------------------------------------


def test_foreign_use_of_our_vrid_is_told_from_the_start_and_shown(pyha, neighbour):
    pyha.configure(routers=[router(advert_int=50)])
    pyha.until("BACKUP")
    neighbour.send(advert(200, vip="10.220.209.77"))
    said = "another virtual router uses VRID 51 on eth0, choose another virtual_router_id"
    pyha.wait(lambda: any(said in sentence for sentence in pyha.reports["VI_1"].rejected), "it is shown")
    assert said in pyha.text()


def test_with_ah_a_killed_router_s_will_is_heard(lab, node, pyha, tmp_path):
    """The number of the last advertisement has to be beyond that of all before it."""
    ah = {"version": 2, "advert_int": 100, "authentication": {"kind": "AH", "password": "k8sha123"}}
    other = PyhaVrrp(lab.nodes[1], tmp_path)
    pyha.configure(routers=[router(**ah)])
    pyha.until("MASTER")
    other.configure(routers=[router(**ah) | {"priority": 100}])
    other.until("BACKUP")
    other.wait(lambda: other.counter("received") >= 3, "it hears the other one")
    pyha.wait(lambda: pyha.will.packets, "a will")
    pyha.kill()
    with node.inside():
        perform_will(pyha.will)
    other.wait(lambda: other.counter("priority_zero_received"), "the will is heard")
    other.until("MASTER")
    other.close()


# -- away --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [1, 10])
def test_who_was_stopped_does_not_disturb_its_successor(lab, node, pyha, tmp_path, interval):
    other = PyhaVrrp(lab.nodes[1], tmp_path)
    low = {"advert_int": interval, "preempt": False}
    pyha.configure(routers=[router(**low)])
    pyha.until("MASTER")
    other.configure(routers=[router(**low) | {"priority": 100}])
    other.until("BACKUP")
    os.kill(pyha.process.pid, signal.SIGSTOP)
    other.until("MASTER")
    tap = Neighbour(lab.nodes[1])
    os.kill(pyha.process.pid, signal.SIGCONT)
    pyha.until("BACKUP")
    assert not node.holds(VIP)
    other.pump()
    adverts = [frame for frame in tap.frames() if frame[23:24] == b"\x70" and frame[6:12] == node_mac(node)]
    assert len(adverts) <= 1
    assert other.state() == "MASTER"
    assert other.states["VI_1"][-1] == "MASTER"
    stays(lambda: other.state() == "MASTER" and lab.nodes[1].holds(VIP), "it is left alone", for_seconds=0.5)
    assert pyha.counter("stepped_down_late") >= 1
    tap.close()
    other.close()


def node_mac(node) -> bytes:
    return bytes.fromhex(node.run("cat", "/sys/class/net/eth0/address").strip().replace(":", ""))
