"""What `pyha check` says about the machine that it runs on."""

import pytest

from tests.daemon import PROGRAM
from tests.netns.lab import Lab

pytestmark = pytest.mark.root


@pytest.mark.parametrize(("vip", "priority", "told"), [
    ("10.99.0.1/24", 100, True), ("10.99.0.1/24", 255, False), ("10.99.0.2/24", 100, False),
])
def test_a_virtual_address_that_is_the_interface_s_own_is_told(tmp_path, vip, priority, told):
    conf = tmp_path / "keepalived.conf"
    conf.write_text(f"vrrp_instance VI_1 {{\n interface eth0\n virtual_router_id 51\n priority {priority}\n"
                    f" virtual_ipaddress {{\n {vip}\n }}\n}}\n")
    with Lab() as lab:
        node = lab.node("one", "10.99.0.1/24")
        process = node.start(*PROGRAM, "check", "-k", conf, log=tmp_path / "log")
        assert process.wait(30) == 0
    said = (tmp_path / "log").read_text()
    assert (f"{conf}:6: warning: virtual router 'VI_1': 10.99.0.1 is the own address of eth0" in said) is told
