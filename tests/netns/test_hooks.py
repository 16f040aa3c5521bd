"""startup_script and shutdown_script around a whole pyha."""

import os

import pytest

from tests.daemon import PROGRAM
from tests.netns.lab import Lab, wait_until

pytestmark = pytest.mark.root

CONFIGURATION = """
global_defs {{
    script_user root
    startup_script "/bin/sh -c 'ip addr show dev eth0 > {here}/before'"
    shutdown_script "/bin/sh -c 'ip addr show dev eth0 > {here}/after'"
}}
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    priority 255
    virtual_ipaddress {{
        10.99.0.10/24
    }}
}}
"""


def test_they_run_before_the_address_comes_and_after_it_went(tmp_path):
    with Lab() as lab:
        node = lab.node("one", "10.99.0.1/24")
        conf, log = tmp_path / "keepalived.conf", tmp_path / "log"
        conf.write_text(CONFIGURATION.format(here=tmp_path))
        environment = {**os.environ, "PYHA_RUNTIME_DIR": str(tmp_path / "run")}
        pyha = node.start(*PROGRAM, "run", "-k", conf, log=log, env=environment)
        wait_until(lambda: node.holds("10.99.0.10"), "the address is there", within=30)
        assert not (tmp_path / "after").exists()
        pyha.terminate()
        assert pyha.wait(20) == 0, log.read_text()
        for name in ("before", "after"):
            text = (tmp_path / name).read_text()
            assert "10.99.0.1/24" in text
            assert "10.99.0.10" not in text
