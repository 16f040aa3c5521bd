"""pyha's vrrp process against a real kernel, with the test as supervisor, operator and hostile neighbour."""

import os
import signal
import socket
import struct
from ipaddress import ip_address

import pytest

from pyha.control.messages import Configured, Rejected
from pyha.runtime.rawsocket import AdvertSocket
from pyha.runtime.will import perform_will
from tests.netns.daemons import PyhaVrrp
from tests.netns.lab import Lab, stays, wait_until

pytestmark = pytest.mark.root
VIP = "10.220.209.200"
GROUP = ip_address("224.0.0.18")


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


def router(**more: object) -> dict[str, object]:
    """A virtual router that elects itself after a third of a second."""
    return {"name": "VI_1", "interface": "eth0", "vrid": 51, "version": 3, "priority": 150, "advert_int": 10,
            "addresses": [{"interface": f"{VIP}/24"}], **more}


class Neighbour:
    """Raw access to the network from the other node: what is on the wire, and garbage for it."""

    def __init__(self, node) -> None:
        with node.inside():
            self._tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))  # everything
            self._tap.bind(("eth0", 0))
            self._sender = AdvertSocket(4)
            self._index = socket.if_nametoindex("eth0")
        self._tap.setblocking(False)

    def frames(self) -> list[bytes]:
        """What has come since the last call."""
        found = []
        while True:
            try:
                found.append(self._tap.recv(2048))
            except BlockingIOError:
                return found

    def send(self, payload: bytes, *, ttl: int = 255, destination: str = "224.0.0.18") -> None:
        self._sender.sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        self._sender.send(payload, interface=self._index, source=ip_address("10.220.209.203"),
                          destination=ip_address(destination))

    def close(self) -> None:
        self._tap.close()
        self._sender.close()


@pytest.fixture
def neighbour(lab):
    neighbour = Neighbour(lab.nodes[1])
    yield neighbour
    neighbour.close()


def checksummed(payload: bytes) -> bytes:
    """With the checksum of VRRPv3 over the message alone (RFC 9568 section 5.2.8)."""
    total = sum(struct.unpack(f"!{len(payload) // 2}H", payload))
    total = (total & 0xFFFF) + (total >> 16)
    return payload[:6] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + payload[8:]


def advert(priority: int, *, vrid: int = 51, version: int = 3, vip: str = VIP, centiseconds: int = 10) -> bytes:
    return checksummed(struct.pack("!BBBBHH4s", version << 4 | 1, vrid, priority, 1, centiseconds, 0,
                                   ip_address(vip).packed))


# -- what an operator sees -------------------------------------------------------------------------------------------


def test_the_operator_sees_the_address_as_with_keepalived(node, pyha):
    assert isinstance(pyha.configure(routers=[router()]), Configured)
    pyha.until("MASTER")
    shown = [" ".join(line.split()) for line in node.run("ip", "addr", "show", "eth0").splitlines()]
    assert "inet 10.220.209.202/24 brd 10.220.209.255 scope global eth0" in shown
    assert f"inet {VIP}/24 scope global secondary eth0" in shown
    log = pyha.text()
    for words in ("(VI_1) Entering BACKUP STATE", "(VI_1) Entering MASTER STATE", "(VI_1) setting VIPs."):
        assert words in log
    report = pyha.reports["VI_1"]
    assert (report.priority, report.effective_priority, report.addresses) == (150, 150, (f"{VIP}/24",))
    assert (report.master.address, report.master.priority) == ("10.220.209.202", 150)
    assert pyha.stop() == 0
    assert "(VI_1) sent 0 priority" in pyha.text()
    assert not node.holds(VIP)


def test_at_takeover_the_network_is_told_as_keepalived_tells_it(pyha, neighbour):
    pyha.configure(routers=[router(garp={"repeat": 5, "delay": 300})])
    pyha.until("MASTER")
    arps: list[bytes] = []

    def announced(count: int) -> bool:
        arps.extend(frame for frame in neighbour.frames() if frame[12:14] == b"\x08\x06" and frame[28:32] != frame[:4])
        return len([arp for arp in arps if arp[28:32] == ip_address(VIP).packed]) >= count

    wait_until(lambda: announced(10), "two bursts of five")
    vip, mac = ip_address(VIP).packed, bytes.fromhex("020000990001")
    expected = b"\xff" * 6 + mac + bytes.fromhex("0806 0001 0800 06 04 0001") + mac + vip + b"\xff" * 6 + vip
    assert {arp for arp in arps if arp[28:32] == vip} == {expected}


def test_advertisements_look_like_keepalived_s(pyha, neighbour):
    pyha.configure(routers=[router(version=2, advert_int=100, priority=254,
                                   authentication={"kind": "PASS", "password": "k8sha123"})])
    frame = wait_until(lambda: next((f for f in neighbour.frames() if f[23:24] == b"\x70"), None), "an advertisement")
    assert frame[:6] == bytes.fromhex("01005e000012")
    assert (frame[15], frame[22]) == (0xC0, 255)
    assert frame[26:34] == ip_address("10.220.209.202").packed + GROUP.packed
    assert frame[34:40] == bytes([0x21, 51, 254, 1, 1, 1])
    assert frame[42:54] == ip_address(VIP).packed + b"k8sha123"


# -- garbage ---------------------------------------------------------------------------------------------------------


def test_garbage_from_the_network_changes_counters_and_nothing_else(node, pyha, neighbour):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    bad_checksum = advert(200)[:6] + b"\0\0" + advert(200)[8:]
    neighbour.send(advert(200, vrid=52))
    neighbour.send(advert(200), ttl=254)
    neighbour.send(bad_checksum)
    neighbour.send(advert(200)[:7])
    neighbour.send(b"")
    neighbour.send(advert(200), destination="10.220.209.202")
    neighbour.send(os.urandom(500))

    def counted() -> bool:
        counters = pyha.reports["VI_1"].counters
        return all(counters.get(name) for name in ("vrid", "destination", "ttl", "checksum", "length"))

    pyha.wait(counted, "every kind is counted")
    assert pyha.states["VI_1"] == ["BACKUP", "MASTER"]
    assert node.holds(VIP)
    assert "Traceback" not in pyha.text()


def test_a_neighbour_of_higher_priority_takes_the_address_and_its_silence_gives_it_back(node, pyha, neighbour):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    neighbour.send(advert(200))
    pyha.until("BACKUP")
    assert not node.holds(VIP)
    pyha.until("MASTER")
    assert node.holds(VIP)


# -- addresses and links ---------------------------------------------------------------------------------------------


def test_an_address_left_over_is_removed_at_the_start_of_a_backup(node, pyha, neighbour):
    node.run("ip", "addr", "add", f"{VIP}/32", "dev", "eth0")
    pyha.configure(routers=[router(priority=100, advert_int=4000)])
    pyha.until("BACKUP")
    assert not node.holds(VIP)


def test_an_address_that_is_there_already_is_taken_over(node, pyha):
    pyha.configure(routers=[router(advert_int=30)])
    pyha.until("BACKUP")
    node.run("ip", "addr", "add", f"{VIP}/32", "dev", "eth0")
    pyha.until("MASTER")
    assert [address for address in node.addresses() if VIP in address] == [f"{VIP}/24"]


def test_an_address_that_somebody_deletes_comes_back(node, pyha):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    node.run("ip", "addr", "del", f"{VIP}/24", "dev", "eth0")
    wait_until(lambda: node.holds(VIP), "the address is back")


def test_a_cut_cable_is_a_fault_until_it_is_mended(lab, node, pyha):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    lab.cut(node)
    pyha.until("FAULT")
    assert "interface eth0 is down" in pyha.reports["VI_1"].reason
    assert not node.holds(VIP)
    assert "(VI_1) Entering FAULT STATE" in pyha.text()
    lab.mend(node)
    pyha.until("MASTER")
    assert pyha.states["VI_1"][-3:] == ["FAULT", "BACKUP", "MASTER"]


def test_an_interface_that_is_not_there_yet_is_waited_for(lab, node, pyha, neighbour):
    node.run("ip", "link", "del", "eth0")
    assert isinstance(pyha.configure(routers=[router()]), Configured)
    pyha.until("FAULT")
    assert pyha.reports["VI_1"].reason == "there is no interface eth0"
    lab.plug(node)
    pyha.wait(lambda: "no IPv4 address" in pyha.reports["VI_1"].reason or pyha.reports["VI_1"].state == "FAULT",
              "it sees the interface")
    node.run("ip", "addr", "add", "10.220.209.202/24", "dev", "eth0")
    pyha.until("MASTER")
    # Its membership of the multicast group is of the new interface.
    neighbour.send(advert(200))
    pyha.until("BACKUP")


def test_an_interface_without_an_address_of_its_own_is_a_fault(node, pyha):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    node.run("ip", "addr", "del", "10.220.209.202/24", "dev", "eth0")
    pyha.until("FAULT")
    assert not node.holds(VIP)
    node.run("ip", "addr", "add", "10.220.209.202/24", "dev", "eth0")
    pyha.until("MASTER")


def test_a_tracked_interface_that_goes_down_is_a_fault(node, pyha):
    node.run("ip", "link", "add", "lan9", "type", "bridge")
    node.run("ip", "link", "set", "lan9", "up")
    node.run("ip", "link", "add", "leg", "type", "veth", "peer", "name", "foot")
    for name in ("leg", "foot"):
        node.run("ip", "link", "set", name, "up")
    pyha.configure(routers=[router(track_interfaces=[{"name": "leg"}])])
    pyha.until("MASTER")
    node.run("ip", "link", "set", "foot", "down")
    pyha.until("FAULT")
    node.run("ip", "link", "set", "foot", "up")
    pyha.until("MASTER")


def test_addresses_on_other_interfaces_and_excluded_ones_come_and_go_too(node, pyha):
    pyha.configure(routers=[router(
        addresses=[{"interface": f"{VIP}/24", "label": "eth0:vip"}],
        excluded_addresses=[{"interface": "192.0.2.9/32", "dev": "lo"}, {"interface": "2001:db8::9/128"}])])
    pyha.until("MASTER")
    assert node.holds("192.0.2.9", "lo")
    assert node.holds("2001:db8::9")
    assert "secondary eth0:vip" in node.run("ip", "addr", "show", "eth0")
    pyha.stop()
    assert not node.holds("192.0.2.9", "lo")
    assert not node.holds("2001:db8::9")


def test_an_interface_whose_only_address_is_the_virtual_one_is_refused(node, pyha):
    answer = pyha.configure(routers=[router(addresses=[{"interface": "10.220.209.202/24"}])])
    assert isinstance(answer, Rejected)
    assert "give the interface an address of its own" in answer.reason
    assert node.holds("10.220.209.202")


# -- ends ------------------------------------------------------------------------------------------------------------


def test_when_the_supervisor_dies_the_address_goes_and_the_peers_are_told(node, pyha, neighbour):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    neighbour.frames()
    assert pyha.abandon() == 0
    assert not node.holds(VIP)
    assert any(frame[23:24] == b"\x70" and frame[36] == 0 for frame in neighbour.frames())


def test_when_it_is_killed_its_will_frees_the_address_and_tells_the_peers(node, pyha, neighbour):
    assert pyha.will.requests == ()
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    pyha.wait(lambda: pyha.will.requests, "a will")
    pyha.kill()
    assert node.holds(VIP)
    neighbour.frames()
    with node.inside():
        perform_will(pyha.will)
    assert not node.holds(VIP)
    goodbyes = wait_until(lambda: [f for f in neighbour.frames() if f[23:24] == b"\x70"], "a goodbye")
    assert [frame[36] for frame in goodbyes] == [0]


def test_with_a_lease_the_kernel_frees_the_address_of_a_frozen_process(node, pyha):
    pyha.configure(routers=[router()], address_lease=2000)
    pyha.until("MASTER")
    stays(lambda: node.holds(VIP), "it is renewed", for_seconds=4.5)
    pyha.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: not node.holds(VIP), "the address goes by itself", within=6.0)
    pyha.process.send_signal(signal.SIGCONT)
    pyha.until("MASTER")
    wait_until(lambda: node.holds(VIP), "it comes back")
    assert pyha.states["VI_1"][-2:] == ["BACKUP", "MASTER"]
    assert "others may have given this router up" in pyha.text()


def test_without_one_it_stays_for_ever_as_operators_expect(node, pyha):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    shown = node.run("ip", "addr", "show", "eth0").splitlines()
    line = next(number for number, text in enumerate(shown) if VIP in text)
    assert "valid_lft forever preferred_lft forever" in shown[line + 1]


def test_a_backup_has_nothing_to_bequeath(pyha, neighbour):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    pyha.wait(lambda: pyha.will.requests, "a will")
    neighbour.send(advert(200, centiseconds=4000))
    pyha.until("BACKUP")
    pyha.wait(lambda: not pyha.will.requests and not pyha.will.packets, "an empty will")


def test_without_privileges_it_says_so_in_one_sentence(node, tmp_path):
    pyha = PyhaVrrp(node, tmp_path, "setpriv", "--bounding-set", "-net_raw,-net_admin")
    answer = pyha.configure(routers=[router()])
    assert isinstance(answer, Rejected)
    assert "CAP_NET_RAW" in answer.reason
    assert "Traceback" not in pyha.text()
    assert pyha.stop() == 0
    pyha.close()


# -- reload ----------------------------------------------------------------------------------------------------------


def test_a_reload_keeps_the_master_and_moves_only_what_changed(node, pyha):
    pyha.configure(routers=[router(addresses=[{"interface": f"{VIP}/24"}, {"interface": "10.220.209.210/24"}])])
    pyha.until("MASTER")
    added = [{"interface": f"{VIP}/24"}, {"interface": "10.220.209.211/24"}]
    pyha.configure(routers=[router(addresses=added), router(name="VI_2", vrid=52, addresses=[
        {"interface": "10.220.209.212/24"}])])
    pyha.until("MASTER", "VI_2")
    wait_until(lambda: node.holds("10.220.209.211") and not node.holds("10.220.209.210"), "the addresses follow")
    assert node.holds(VIP)
    assert pyha.states["VI_1"] == ["BACKUP", "MASTER"]
    pyha.configure(routers=[router(addresses=added)])
    assert not node.holds("10.220.209.212")
    assert list(pyha.reports) == ["VI_1"] or pyha.wait(lambda: list(pyha.reports) == ["VI_1"], "one router left")


def test_a_refused_reload_changes_nothing(node, pyha):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    answer = pyha.configure(routers=[router()], script_user="nobody-like-that")
    assert isinstance(answer, Rejected)
    assert "there is no user 'nobody-like-that'" in answer.reason
    stays(lambda: node.holds(VIP), "it holds the address", for_seconds=0.5)
    assert pyha.states["VI_1"] == ["BACKUP", "MASTER"]


# -- scripts ---------------------------------------------------------------------------------------------------------


def test_a_failing_script_of_weight_zero_is_a_fault_until_it_succeeds(node, pyha, tmp_path):
    flag = tmp_path / "flag"
    flag.touch()
    chk = {"name": "chk", "argv": ["test", "-e", str(flag)], "interval": 100, "rise": 2, "fall": 2}
    pyha.configure(routers=[router(track_scripts=[{"name": "chk"}])], scripts=[chk], script_user="root")
    pyha.until("MASTER")
    flag.unlink()
    pyha.until("FAULT")
    assert not node.holds(VIP)
    assert "VRRP_Script(chk) failed" in pyha.text()
    flag.touch()
    pyha.until("MASTER")


def test_a_script_with_a_weight_moves_the_priority(pyha, tmp_path):
    flag = tmp_path / "flag"
    flag.touch()
    chk = {"name": "chk", "argv": ["test", "-e", str(flag)], "interval": 100, "weight": -60}
    pyha.configure(routers=[router(track_scripts=[{"name": "chk"}])], scripts=[chk], script_user="root")
    pyha.until("MASTER")
    flag.unlink()
    pyha.wait(lambda: pyha.reports["VI_1"].effective_priority == 90, "priority 90")
    assert pyha.state() == "MASTER"


def test_a_script_that_asks_for_haproxy_is_answered_by_the_balancer(node, pyha):
    chk = {"name": "chk_haproxy", "argv": ["killall", "-0", "no-such-haproxy"], "interval": 100, "balancer": True}
    frontend = {"name": "api", "binds": [{"host": "*", "port": 6443}], "default_backend": "api"}
    pyha.configure(routers=[router(track_scripts=[{"name": "chk_haproxy"}])], scripts=[chk], frontends=[frontend])
    pyha.balancer(healthy=True)
    pyha.until("MASTER")
    pyha.balancer(healthy=False)
    pyha.until("FAULT")
    assert not node.holds(VIP)
    pyha.balancer(healthy=True)
    pyha.until("MASTER")


def test_notify_scripts_run_with_keepalived_s_arguments(pyha, tmp_path, neighbour):
    out = tmp_path / "notified"
    note = tmp_path / "note"
    note.write_text(f'#!/bin/sh\necho "$@" >> {out}\n')
    note.chmod(0o755)
    notify = {state: [str(note), "my", state] for state in ("master", "backup", "fault", "stop")}
    pyha.configure(routers=[router(notify={**notify, "any": [str(note), "any"]})], script_user="root")
    pyha.until("MASTER")
    pyha.stop()
    # The order of scripts that run at the same time is not defined; that of the states is.
    assert sorted(out.read_text().splitlines()) == sorted([
        "my backup", "any INSTANCE VI_1 BACKUP 150", "my master", "any INSTANCE VI_1 MASTER 150",
        "my stop", "any INSTANCE VI_1 STOP 150",
    ])


def test_virtual_routes_and_rules_come_and_go_with_the_address(node, pyha):
    pyha.configure(routers=[router(
        routes=[{"destination": "192.0.2.0/24", "via": "10.220.209.203", "source": VIP, "family": 4}],
        rules=[{"source": VIP, "table": "100", "priority": 500}])])
    pyha.until("MASTER")
    wait_until(lambda: "192.0.2.0/24 via 10.220.209.203" in node.run("ip", "route"), "the route is there")
    assert f"from {VIP} lookup 100" in node.run("ip", "rule")
    pyha.wait(lambda: len(pyha.will.requests) == 3, "a will for all of them")
    pyha.kill()
    with node.inside():
        perform_will(pyha.will)
    assert "192.0.2.0" not in node.run("ip", "route")
    assert "lookup 100" not in node.run("ip", "rule")


def test_with_a_virtual_mac_the_address_lives_on_an_interface_of_its_own(lab, node, pyha, neighbour):
    pyha.configure(routers=[router(vmac={})])
    pyha.until("MASTER")
    assert node.holds(VIP, "vrrp.51")
    assert "00:00:5e:00:01:33" in node.run("ip", "link", "show", "vrrp.51")
    frame = wait_until(lambda: next((f for f in neighbour.frames() if f[23:24] == b"\x70"), None), "an advertisement")
    assert frame[6:12] == bytes.fromhex("00005e000133")
    assert frame[26:30] == ip_address("10.220.209.202").packed
    other = lab.nodes[1]
    answers = other.run("arping", "-c", "3", "-w", "3", "-I", "eth0", VIP, check=False)
    assert "00:00:5E:00:01:33" in answers
    assert "02:00:00:99:00:01" not in answers
    assert other.run("ping", "-c", "1", "-W", "2", VIP)
    neighbour.send(advert(200, centiseconds=4000))
    pyha.until("BACKUP")
    assert not node.holds(VIP, "vrrp.51")
    node.run("ip", "link", "del", "vrrp.51")
    wait_until(lambda: "vrrp.51" in node.run("ip", "link"), "it is made again")
    pyha.stop()
    assert "vrrp.51" not in node.run("ip", "link")


def test_with_a_virtual_mac_advertisements_may_leave_by_the_interface_below(pyha, neighbour):
    pyha.configure(routers=[router(vmac={"transmit_base": True, "name": "vip0"})])
    pyha.until("MASTER")
    frame = wait_until(lambda: next((f for f in neighbour.frames() if f[23:24] == b"\x70"), None), "an advertisement")
    assert frame[6:12] == bytes.fromhex("020000990001")


# -- what is not heard -----------------------------------------------------------------------------------------------


def test_an_advertisement_that_is_not_heard_is_told_once_with_what_differs(pyha, neighbour):
    pyha.configure(routers=[router()])
    pyha.until("MASTER")
    for _ in range(50):
        neighbour.send(advert(200, vip="10.220.209.77"))
        neighbour.send(advert(200), destination="10.220.209.202")
    pyha.wait(lambda: pyha.counter("addresses") == 50 and pyha.counter("destination") == 50, "all are counted")
    assert pyha.text().count(
        "advertisement from 10.220.209.203 is not heard: the addresses 10.220.209.77, ours are 10.220.209.200: another "
        "virtual router uses VRID 51 on eth0, choose another virtual_router_id") == 1
    assert pyha.text().count("it came by unicast to 10.220.209.202, ours go by multicast") == 1
    assert pyha.states["VI_1"] == ["BACKUP", "MASTER"]


# -- sync groups -----------------------------------------------------------------------------------------------------


def grouped(**more: object) -> dict[str, object]:
    second = router(name="VI_2", vrid=52, interface="leg", addresses=[{"interface": "192.0.2.9/24"}])
    return {"routers": [router(), second], "groups": [{"name": "G", "members": ["VI_1", "VI_2"], **more}]}


@pytest.fixture
def leg(node):
    node.run("ip", "link", "add", "leg", "type", "veth", "peer", "name", "foot")
    for name in ("leg", "foot"):
        node.run("ip", "link", "set", name, "up")
    node.run("ip", "addr", "add", "192.0.2.1/24", "dev", "leg")


def test_a_sync_group_moves_together(node, leg, pyha, neighbour, tmp_path):
    out = tmp_path / "out"
    notify = {"any": ["/bin/sh", "-c", f'echo "$@" >> {out}', "x"]}
    pyha.configure(**grouped(notify=notify), script_user="root")
    pyha.until("MASTER")
    pyha.until("MASTER", "VI_2")
    node.run("ip", "link", "set", "foot", "down")
    pyha.until("FAULT", "VI_2")
    pyha.until("FAULT")
    assert "VI_2 of sync group G: interface leg is down" in pyha.reports["VI_1"].reason
    assert not node.holds(VIP)
    assert not node.holds("192.0.2.9", "leg")
    node.run("ip", "link", "set", "foot", "up")
    pyha.until("MASTER")
    pyha.until("MASTER", "VI_2")
    neighbour.send(advert(200, centiseconds=4000))
    pyha.until("BACKUP")
    pyha.until("BACKUP", "VI_2")
    assert "VRRP_Group(G) Syncing instances to MASTER state" in pyha.text()
    wait_until(lambda: out.read_text().split("\n")[-2:-1] == ["GROUP G BACKUP 0"], "the group's script ran")
