"""pyha and the real keepalived as two routers of one virtual address: who holds it, and what the other hears of it."""

import shutil

import pytest

from tests.netns.daemons import Keepalived, PyhaVrrp
from tests.netns.lab import Lab, stays, wait_until

pytestmark = [
    pytest.mark.root,
    pytest.mark.peer,
    pytest.mark.skipif(shutil.which("keepalived") is None, reason="needs keepalived"),
]
PASSWORD = "k8sha123"


class Flavour:
    """One way for two routers to speak VRRP, in both languages."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.version = 2 if "v2" in name else 3
        self.ipv6 = "IPv6" in name
        self.vip = "fd00:99::10/128" if self.ipv6 else "10.99.0.10/24"
        self.address = self.vip.split("/")[0]
        self.peer = "fe80::ff:fe99:1" if self.ipv6 else "10.99.0.1"

    def keepalived(self, priority: int) -> str:
        """The peer's configuration."""
        unicast = "unicast_src_ip 10.99.0.1\n  unicast_peer {\n    10.99.0.2\n  }" if "unicast" in self.name else ""
        password = ""
        if "PASS" in self.name:
            password = f"authentication {{\n    auth_type PASS\n    auth_pass {PASSWORD}\n  }}"
        return f"""
global_defs {{
  router_id peer
  vrrp_version {self.version}
}}
vrrp_instance VI_1 {{
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority {priority}
  advert_int {"1" if self.version == 2 else "0.3"}
  {unicast}
  {password}
  virtual_ipaddress {{
    {self.vip}
  }}
}}
"""

    def pyha(self, priority: int) -> dict[str, object]:
        """Ours. The list of unicast peers is the same on all nodes, as configuration management leaves it."""
        return {
            "name": "VI_1", "interface": "eth0", "vrid": 51, "version": self.version, "priority": priority,
            "advert_int": 100 if self.version == 2 else 30, "addresses": [{"interface": self.vip}],
            **({"authentication": {"kind": "PASS", "password": PASSWORD}} if "PASS" in self.name else {}),
            **({"unicast_peers": ["10.99.0.1", "10.99.0.2"]} if "unicast" in self.name else {}),
        }


@pytest.fixture(params=["v2 PASS", "v3", "v3 unicast", "v3 IPv6"])
def flavour(request) -> Flavour:
    return Flavour(request.param)


@pytest.fixture
def lab():
    with Lab() as lab:
        lab.node("peer", "10.99.0.1/24")
        lab.node("ours", "10.99.0.2/24")
        yield lab


@pytest.fixture
def ours(lab, tmp_path):
    pyha = PyhaVrrp(lab.nodes[1], tmp_path)
    yield pyha
    pyha.close()


def only(lab: Lab, holder: str, flavour: Flavour) -> None:
    """Exactly this node has the address, and it stays so for a while."""
    def holds() -> bool:
        return lab.holders(flavour.address) == [holder]

    wait_until(holds, f"only {holder} has the address")
    stays(holds, f"only {holder} has the address", for_seconds=1.2, every=0.1)


def test_it_takes_over_from_a_dead_keepalived_and_gives_back_when_that_returns(lab, ours, tmp_path, flavour):
    peer = Keepalived(lab.nodes[0], tmp_path, flavour.keepalived(150))
    ours.configure(routers=[flavour.pyha(100)])
    wait_until(lambda: peer.state() == "MASTER", "keepalived becomes MASTER")
    ours.until("BACKUP")
    only(lab, "peer", flavour)

    peer.kill(flavour.vip)
    ours.until("MASTER")
    only(lab, "ours", flavour)

    peer.start()
    ours.until("BACKUP")
    # Its advertisement comes before the line in its log.
    wait_until(lambda: peer.state() == "MASTER", "keepalived says that it is MASTER")
    only(lab, "peer", flavour)
    report = ours.reports["VI_1"]
    assert (report.master.address, report.master.priority) == (flavour.peer, 150)
    assert ours.states["VI_1"] == ["BACKUP", "MASTER", "BACKUP"]


def test_it_preempts_a_keepalived_of_lower_priority_and_its_stop_hands_back_within_a_second(
    lab, ours, tmp_path, flavour
):
    peer = Keepalived(lab.nodes[0], tmp_path, flavour.keepalived(100))
    wait_until(lambda: peer.state() == "MASTER", "keepalived becomes MASTER")
    only(lab, "peer", flavour)

    ours.configure(routers=[flavour.pyha(150)])
    ours.until("MASTER")
    wait_until(lambda: peer.state() == "BACKUP", "keepalived gives way")
    only(lab, "ours", flavour)

    assert ours.stop() == 0
    wait_until(lambda: peer.state() == "MASTER", "keepalived takes over", within=1.5)
    assert "Backup received priority 0 advertisement" in peer.log.read_text()
    only(lab, "peer", flavour)
    assert ours.will.packets == ()
