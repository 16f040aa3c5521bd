"""The whole product on two masters: the pair's own two files in, TLS through the virtual address out."""

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.daemon import PROGRAM
from tests.netns.lab import Lab, wait_until

pytestmark = [pytest.mark.root, pytest.mark.peer]

LAB = Path(__file__).parents[2] / "netns-lab"
VIP = "10.99.0.100"

HAPROXY = """
global
    log /dev/log local0
    maxconn 2000
    nbthread 1

defaults
    mode tcp
    log global
    option tcplog
    timeout connect 2s
    timeout client 30s
    timeout server 30s

frontend apiserver
    bind {vip}:8443
    default_backend apiserver

backend apiserver
    option httpchk GET /readyz
    http-check expect status 200
    option ssl-hello-chk
    balance roundrobin
    default-server inter 200ms fall 2 rise 1
    server m1 10.99.0.1:6443 check check-ssl verify none
    server m2 10.99.0.2:6443 check check-ssl verify required ca-file {ca}
"""

KEEPALIVED = """
global_defs {{
    router_id {name}
}}
vrrp_script chk_haproxy {{
    script "killall -0 haproxy"
    interval 1
    fall 1
    rise 1
}}
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    authentication {{
        auth_type PASS
        auth_pass secret
    }}
    virtual_ipaddress {{
        {vip}/24
    }}
    track_script {{
        chk_haproxy
    }}
}}
"""


class Master:
    """One node with an apiserver and a pyha."""

    def __init__(self, lab, tmp_path, number):
        self.lab, self.name, self.address = lab, f"m{number}", f"10.99.0.{number}"
        self.node = lab.node(self.name, f"{self.address}/24")
        self.directory = tmp_path / self.name
        self.directory.mkdir()
        ca = tmp_path / "ca.crt"
        (self.directory / "haproxy.cfg").write_text(
            HAPROXY.replace("option ssl-hello-chk\n", "").format(vip=VIP, ca=ca))
        (self.directory / "keepalived.conf").write_text(
            KEEPALIVED.format(name=self.name, priority=100 + number, vip=VIP))
        self.log = self.directory / "pyha.log"
        self.certificates = tmp_path

    def start_apiserver(self):
        self.apiserver = self.node.start(
            sys.executable, LAB / "apiserver.py", "--node", self.name, "--delay", "3", "--cert",
            self.certificates / f"{self.name}.crt", "--key", self.certificates / f"{self.name}.key")

    def start(self):
        self.env = {**os.environ, "PYHA_RUNTIME_DIR": str(self.directory / "run")}
        # `ip netns exec` becomes the program that it runs, so this is the supervisor's own pid.
        self.pyha = self.node.start(*PROGRAM, "run", "-f", self.directory / "haproxy.cfg", "-k",
                                    self.directory / "keepalived.conf", log=self.log, env=self.env)
        try:
            wait_until(lambda: "running: " in self.log.read_text(), f"{self.name} runs", within=30)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()}") from None

    def status(self):
        import subprocess

        return json.loads(subprocess.run([*PROGRAM, "status", "--json"], env=self.env, capture_output=True, text=True,
                                         check=True, timeout=30).stdout)

    def pid(self, role):
        return next(process["pid"] for process in self.status()["processes"] if process["role"] == role)

    def state(self):
        return self.status()["vrrp"][0]["state"]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    spec = importlib.util.spec_from_file_location("lab_certificates", LAB / "certificates.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    directory = tmp_path_factory.mktemp("certificates")
    module.create(directory, {f"m{n}": [f"10.99.0.{n}", VIP] for n in (1, 2)})
    return directory


@pytest.fixture
def masters(tmp_path, certificates):
    with Lab() as lab:
        for file in certificates.iterdir():
            (tmp_path / file.name).write_bytes(file.read_bytes())
        both = [Master(lab, tmp_path, number) for number in (1, 2)]
        lab.client = lab.node("client", "10.99.0.50/24")
        for master in both:
            master.start_apiserver()
        for master in both:
            master.start()
        wait_until(lambda: lab.holders(VIP) == ["m2"], "m2, with the higher priority, holds the address")
        yield lab, *both


def curl(lab, tmp_path, path="whoami"):
    """A request of the client through the virtual address over TLS, verified; None when it fails."""
    answer = lab.client.run("curl", "--silent", "--show-error", "--max-time", "5", "--cacert", tmp_path / "ca.crt",
                            f"https://{VIP}:8443/{path}", check=False)
    return json.loads(answer)["node"] if answer else None


def test_curl_gets_through_the_virtual_address_to_both_apiservers_over_tls(masters, tmp_path):
    lab, _one, two = masters
    assert {curl(lab, tmp_path) for _ in range(8)} == {"m1", "m2"}
    status = two.status()
    assert status["vrrp"][0]["state"] == "MASTER"
    wait_until(lambda: [s["check"]["status"] for s in two.status()["backends"][0]["servers"]] == ["L7OK", "L7OK"],
               "both apiservers pass their checks")
    assert f"inet {VIP}/24 scope global secondary eth0" in two.node.run("ip", "addr", "show", "eth0")


def test_an_apiserver_that_is_not_ready_gets_no_requests_and_none_fails(masters, tmp_path):
    lab, one, two = masters
    one.apiserver.send_signal(signal.SIGTERM)
    wait_until(lambda: next(s for s in two.status()["backends"][0]["servers"] if s["name"] == "m1")["state"] == "DOWN",
               "m1's apiserver is DOWN")
    assert [curl(lab, tmp_path) for _ in range(20)] == ["m2"] * 20


def test_a_killed_vrrp_process_leaves_no_address_behind(masters, tmp_path):
    lab, one, two = masters
    os.kill(two.pid("vrrp"), signal.SIGKILL)
    wait_until(lambda: not two.node.holds(VIP), "m2 let the address go", within=5)
    wait_until(lambda: "MASTER" in (one.state(), two.state()), "somebody is MASTER again")
    wait_until(lambda: lab.holders(VIP) == ["m2"], "m2 is back with its higher priority", within=20)
    wait_until(lambda: curl(lab, tmp_path), "clients are served")


def test_without_its_supervisor_the_node_lets_the_address_go(masters, tmp_path):
    lab, _one, two = masters
    os.kill(two.pid("supervisor"), signal.SIGKILL)
    wait_until(lambda: lab.holders(VIP) == ["m1"], "m1 holds the address alone", within=5)
    assert curl(lab, tmp_path)


def test_a_stopped_node_says_so_and_the_other_takes_over_within_the_skew_time(masters, tmp_path):
    lab, one, two = masters
    two.pyha.send_signal(signal.SIGTERM)
    wait_until(lambda: lab.holders(VIP) == ["m1"], "m1 holds the address alone", within=5)
    assert two.pyha.wait(15) == 0
    assert "priority 0" in one.log.read_text()
    assert curl(lab, tmp_path)


def test_a_balancer_that_reaches_no_server_gives_the_address_to_one_that_does(masters, tmp_path):
    lab, _one, two = masters
    # Only m2 is cut off from the apiservers' port; VRRP still passes.
    two.node.run("nft", "add table inet cut; add chain inet cut out { type filter hook output priority 0 ; }; "
                 "add rule inet cut out tcp dport 6443 reject with tcp reset")
    wait_until(lambda: lab.holders(VIP) == ["m1"], "m1 holds the address alone")
    assert two.state() == "FAULT"
    assert curl(lab, tmp_path)
    two.node.run("nft", "delete table inet cut")
    wait_until(lambda: lab.holders(VIP) == ["m2"], "m2 is back")
