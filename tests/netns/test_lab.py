import socket
import subprocess

import pytest

from tests.netns.lab import Lab

pytestmark = pytest.mark.root


def test_nodes_reach_each_other_and_nothing_is_left_behind():
    with Lab() as lab:
        one = lab.node("one", "10.99.0.1/24")
        lab.node("two", "10.99.0.2/24")
        assert lab.holders("10.99.0.2") == ["two"]
        one.run("ping", "-c1", "-W2", "10.99.0.2")
        names = [node.namespace for node in lab.nodes]
        sleeper = one.start("sleep", "1000")
        with one.inside():
            probe = socket.socket()
        probe.bind(("10.99.0.1", 0))
        probe.close()
    assert sleeper.poll() is not None
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    assert not any(name in left for name in names)


def test_a_failing_test_leaves_nothing_behind_either():
    with pytest.raises(RuntimeError), Lab() as lab:
        name = lab.node("one", "10.99.0.1/24").namespace
        raise RuntimeError
    assert name not in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
