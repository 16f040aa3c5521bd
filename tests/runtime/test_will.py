import os
import subprocess
import sys
from ipaddress import ip_address, ip_interface

import pytest

from pyha.control.messages import Will, WillPacket
from pyha.runtime.mirror import Wanted
from pyha.runtime.netlink import Netlink, removal
from pyha.runtime.rawsocket import GROUPS, AdvertSocket
from pyha.runtime.will import perform_will
from tests.netns.lab import Lab, wait_until


@pytest.fixture
def lab():
    with Lab() as lab:
        lab.node("one", "10.99.0.1/24")
        lab.node("two", "10.99.0.2/24")
        yield lab


def packet(**changes: object) -> WillPacket:
    return WillPacket.model_validate({
        "interface": "eth0", "source": "10.99.0.1", "destination": "224.0.0.18", "payload": b"goodbye".hex(), **changes,
    })


def test_an_empty_will_needs_no_privilege():
    perform_will(Will())


@pytest.mark.root
def test_the_goodbye_is_sent_and_the_addresses_are_let_go(lab):
    one, two = lab.nodes
    with two.inside():
        receiver = AdvertSocket(4)
        index = Netlink().mirror.links["eth0"].index
        receiver.join({(GROUPS[4], index)})
    vips = [ip_interface("10.99.0.9/24"), ip_interface("fd00::9/128")]
    with one.inside():
        netlink = Netlink()
        index = netlink.mirror.links["eth0"].index
        for vip in vips:
            netlink.add(Wanted(index, vip))
        perform_will(Will(packets=(packet(),), requests=tuple(removal(index, vip).hex() for vip in vips)))
    netlink.close()
    assert not one.holds("10.99.0.9")
    assert not one.holds("fd00::9")
    got = wait_until(receiver.receive, "the goodbye arrives")
    assert (got.payload, got.source, got.ttl) == (b"goodbye", ip_address("10.99.0.1"), 255)
    receiver.close()


@pytest.mark.root
def test_what_fails_keeps_nothing_else_from_being_done(lab, caplog):
    one = lab.nodes[0]
    with one.inside():
        netlink = Netlink()
        index = netlink.mirror.links["eth0"].index
        netlink.add(Wanted(index, ip_interface("10.99.0.9/24")))
        perform_will(Will(
            packets=(packet(interface="gone"), packet(source="nonsense"), packet(source="10.99.0.99"),
                     packet(payload="zz")),
            requests=("zz", "00", removal(index, ip_interface("10.99.0.8/24")).hex(),
                      removal(9999, ip_interface("10.99.0.8/24")).hex(), "14000000120001030100000000000000" + "00" * 4,
                      removal(index, ip_interface("10.99.0.9/24")).hex()),
        ))
    netlink.close()
    assert not one.holds("10.99.0.9")
    assert caplog.text.count("cannot send priority 0") == 4
    assert "10.99.0.8" not in caplog.text, "an address that is gone already is no reason to complain"


@pytest.mark.root
def test_without_the_privilege_it_complains_and_returns(lab, caplog):
    request = removal(1, ip_interface("10.99.0.8/24")).hex()
    code = ("import logging; logging.basicConfig()\n"
            "from pyha.control.messages import Will, WillPacket\n"
            "from pyha.runtime.will import perform_will\n"
            "perform_will(Will(packets=(WillPacket(interface='eth0', source='10.99.0.1', destination='224.0.0.18',"
            f" payload='00'),), requests=('{request}',)))")
    command = lab.nodes[0].command("setpriv", "--bounding-set", "-net_admin,-net_raw", sys.executable, "-c", code)
    done = subprocess.run(command, capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"})
    assert "cannot send priority 0 by eth0" in done.stderr
    assert "cannot remove a virtual address" in done.stderr


def test_the_supervisor_does_not_load_what_only_the_vrrp_process_needs():
    code = "import sys, pyha.runtime.will; print([name for name in ('scapy', 'pyroute2') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
