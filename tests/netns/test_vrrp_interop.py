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
VIP = "10.99.0.10"
PASSWORD = "k8sha123"


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


@pytest.fixture(params=["v2 PASS", "v3", "v3 unicast"])
def flavour(request) -> str:
    return request.param


def keepalived_conf(flavour: str, priority: int) -> str:
    version = 3 if "v3" in flavour else 2
    return f"""
global_defs {{
  router_id peer
  vrrp_version {version}
  script_user root
}}
vrrp_instance VI_1 {{
  state BACKUP
  interface eth0
  virtual_router_id 51
  priority {priority}
  advert_int {"0.3" if version == 3 else "1"}
  {"unicast_src_ip 10.99.0.1" if "unicast" in flavour else ""}
  {"unicast_peer { 10.99.0.2 }" if "unicast" in flavour else ""}
  {f"authentication {{ auth_type PASS auth_pass {PASSWORD} }}" if "PASS" in flavour else ""}
  virtual_ipaddress {{ {VIP}/24 }}
}}
""".replace(f"{{ auth_type PASS auth_pass {PASSWORD} }}", f"{{\n auth_type PASS\n auth_pass {PASSWORD}\n }}") \
   .replace("{ 10.99.0.2 }", "{\n 10.99.0.2\n }").replace(f"{{ {VIP}/24 }}", f"{{\n {VIP}/24\n }}")


def router(flavour: str, priority: int, **more: object) -> dict[str, object]:
    version = 3 if "v3" in flavour else 2
    return {
        "name": "VI_1", "interface": "eth0", "vrid": 51, "version": version, "priority": priority,
        "advert_int": 30 if version == 3 else 100, "addresses": [{"interface": f"{VIP}/24"}],
        **({"authentication": {"kind": "PASS", "password": PASSWORD}} if "PASS" in flavour else {}),
        **({"unicast_peers": ["10.99.0.1", "10.99.0.2"]} if "unicast" in flavour else {}),
        **more,
    }


def only(lab: Lab, holder: str) -> None:
    """Exactly this node has the address, and it stays so for a while."""
    wait_until(lambda: lab.holders(VIP) == [holder], f"only {holder} has the address, not {lab.holders(VIP)}")
    stays(lambda: lab.holders(VIP) == [holder], f"only {holder} has the address", for_seconds=1.2, every=0.1)


def test_it_takes_over_from_a_dead_keepalived_and_gives_back_when_that_returns(lab, ours, tmp_path, flavour):
    peer = Keepalived(lab.nodes[0], tmp_path, keepalived_conf(flavour, 150))
    ours.configure(routers=[router(flavour, 100)])
    wait_until(lambda: peer.state() == "MASTER", "keepalived becomes MASTER")
    ours.until("BACKUP")
    only(lab, "peer")

    peer.kill(f"{VIP}/24")
    ours.until("MASTER")
    only(lab, "ours")

    peer.start()
    ours.until("BACKUP")
    assert peer.state() == "MASTER"
    only(lab, "peer")
    report = ours.reports["VI_1"]
    assert (report.master.address, report.master.priority) == ("10.99.0.1", 150)
    assert ours.states["VI_1"] == ["BACKUP", "MASTER", "BACKUP"]


def test_it_preempts_a_keepalived_of_lower_priority_and_its_stop_hands_back_within_a_second(
    lab, ours, tmp_path, flavour
):
    peer = Keepalived(lab.nodes[0], tmp_path, keepalived_conf(flavour, 100))
    wait_until(lambda: peer.state() == "MASTER", "keepalived becomes MASTER")
    only(lab, "peer")

    ours.configure(routers=[router(flavour, 150)])
    ours.until("MASTER")
    wait_until(lambda: peer.state() == "BACKUP", "keepalived gives way")
    only(lab, "ours")

    assert ours.stop() == 0
    wait_until(lambda: peer.state() == "MASTER", "keepalived takes over", within=1.5)
    assert "Backup received priority 0 advertisement" in peer.log.read_text()
    only(lab, "peer")
    assert ours.will.packets == ()
