import asyncio
import json
import os
import socket
import subprocess
from ipaddress import ip_address, ip_interface

import pytest

from pyha.runtime.mirror import Wanted
from pyha.runtime.netlink import Netlink, removal
from tests.netns.lab import Lab, wait_until

pytestmark = pytest.mark.root


@pytest.fixture
def lab():
    with Lab() as lab:
        yield lab


@pytest.fixture
def node(lab):
    return lab.node("one", "10.220.209.202/24")


@pytest.fixture
def netlink(node):
    with node.inside():
        netlink = Netlink()
    yield netlink
    netlink.close()


def shown(node) -> list[str]:
    """The lines that an operator looks at."""
    return [" ".join(line.split()) for line in node.run("ip", "addr", "show", "eth0").splitlines() if " inet" in line]


def test_everything_that_is_there_is_read_once(netlink):
    link = netlink.mirror.links["eth0"]
    assert link.up
    assert link.mac == "02:00:00:99:00:01"
    assert [str(held.interface) for held in netlink.mirror.held(link.index) if held.interface.version == 4] == \
        ["10.220.209.202/24"]


def test_an_address_beside_a_primary_of_its_subnet_shows_as_secondary(node, netlink):
    index = netlink.mirror.links["eth0"].index
    assert netlink.add(Wanted(index, ip_interface("10.220.209.200/24")))
    assert shown(node)[:2] == [
        "inet 10.220.209.202/24 brd 10.220.209.255 scope global eth0",
        "inet 10.220.209.200/24 scope global secondary eth0",
    ]
    assert netlink.remove(index, ip_interface("10.220.209.200/24"))
    assert not node.holds("10.220.209.200")


def test_label_scope_broadcast_and_peer_reach_the_kernel(node, netlink):
    index = netlink.mirror.links["eth0"].index
    netlink.add(Wanted(index, ip_interface("10.1.0.1/24"), "link", "eth0:vip", ip_address("10.1.0.255")))
    netlink.add(Wanted(index, ip_interface("10.2.0.1/32"), peer=ip_interface("10.2.0.2/30")))
    lines = shown(node)
    assert "inet 10.1.0.1/24 brd 10.1.0.255 scope link eth0:vip" in lines
    assert "inet 10.2.0.1 peer 10.2.0.2/30 scope global eth0" in lines
    assert netlink.remove(index, ip_interface("10.2.0.1/32"))
    assert not node.holds("10.2.0.1")


def test_a_single_ipv6_address_is_usable_at_once_and_never_a_source(node, netlink):
    index = netlink.mirror.links["eth0"].index
    netlink.add(Wanted(index, ip_interface("fd00::9/128")))
    assert any(line.startswith("inet6 fd00::9/128 scope global nodad deprecated") for line in shown(node))
    assert netlink.remove(index, ip_interface("fd00::9/128"))


def test_adding_what_is_there_and_removing_what_is_gone_are_harmless(node, netlink):
    index = netlink.mirror.links["eth0"].index
    vip = Wanted(index, ip_interface("10.220.209.200/24"))
    assert netlink.add(vip)
    assert not netlink.add(vip)
    assert netlink.remove(index, vip.interface)
    assert not netlink.remove(index, vip.interface)
    assert not netlink.remove(9999, vip.interface)


def test_an_address_left_with_another_prefix_length_is_removed_too(node, netlink):
    node.run("ip", "addr", "add", "10.220.209.200/32", "dev", "eth0")
    node.run("ip", "addr", "add", "fd00::9/64", "dev", "eth0")
    netlink.drain()
    index = netlink.mirror.links["eth0"].index
    assert netlink.remove(index, ip_interface("10.220.209.200/24"))
    assert netlink.remove(index, ip_interface("fd00::9/128"))
    assert not node.holds("10.220.209.200")
    assert not node.holds("fd00::9")


def test_a_lease_makes_the_kernel_remove_the_address_by_itself(node, netlink):
    index = netlink.mirror.links["eth0"].index
    netlink.add(Wanted(index, ip_interface("10.220.209.200/24"), lease=60))
    [info] = [info for link in json.loads(node.run("ip", "-j", "addr", "show", "eth0"))
              for info in link["addr_info"] if info["local"] == "10.220.209.200"]
    assert 0 < info["valid_life_time"] <= 60
    netlink.add(Wanted(index, ip_interface("10.220.209.200/24")))
    assert "valid_lft forever" in node.run("ip", "addr", "show", "to", "10.220.209.200")


def test_an_address_on_no_interface_is_an_error(netlink):
    with pytest.raises(OSError, match="No such device"):
        netlink.add(Wanted(9999, ip_interface("10.220.209.200/24")))


def test_changes_are_followed(lab, node, netlink):
    changes = []

    async def follow() -> None:
        loop = asyncio.get_running_loop()
        netlink.attach(loop, lambda: changes.append(1))

        async def seen(condition) -> None:
            async with asyncio.timeout(10):
                while not condition(netlink.mirror):
                    await asyncio.sleep(0.01)

        node.run("ip", "addr", "add", "10.9.0.1/24", "dev", "eth0")
        await seen(lambda mirror: mirror.has(ip_address("10.9.0.1")))
        node.run("ip", "addr", "del", "10.9.0.1/24", "dev", "eth0")
        await seen(lambda mirror: not mirror.has(ip_address("10.9.0.1")))
        lab.cut(node)
        await seen(lambda mirror: not mirror.links["eth0"].up)
        lab.mend(node)
        await seen(lambda mirror: mirror.links["eth0"].up)
        node.run("ip", "link", "del", "eth0")
        await seen(lambda mirror: "eth0" not in mirror.links and not mirror.has(ip_address("10.220.209.202")))
        lab.plug(node)
        await seen(lambda mirror: "eth0" in mirror.links)
        netlink.detach(loop)

    asyncio.run(follow())
    assert changes


def test_after_an_overflow_everything_is_read_anew(node, netlink):
    netlink._events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
    script = "".join(f"addr add 10.7.{i // 250}.{i % 250 + 1}/32 dev eth0\n" for i in range(500))
    subprocess.run(node.command("ip", "-batch", "-"), input=script, text=True, check=True)
    assert netlink.drain()
    assert len([held for held in netlink.mirror.addresses.values() if str(held.interface).startswith("10.7.")]) == 500


def test_the_privilege_to_change_addresses_is_asked_for(node, netlink):
    assert netlink.may_change()
    code = "from pyha.runtime.netlink import Netlink; print(Netlink().may_change())"
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "PYTHONDONTWRITEBYTECODE": "1"}
    command = node.command("setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin",
                           "--no-new-privs", os.sys.executable, "-c", code)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "False\n"


def test_a_removal_is_a_message_that_anybody_may_send(node, netlink):
    index = netlink.mirror.links["eth0"].index
    netlink.add(Wanted(index, ip_interface("10.220.209.200/24")))
    with node.inside(), socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        sock.sendto(removal(index, ip_interface("10.220.209.200/24")), (0, 0))
    wait_until(lambda: not node.holds("10.220.209.200"), "the address is gone")
