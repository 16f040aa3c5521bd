"""The pair of files that kubeadm's documentation has everyone write, unmodified, on three masters."""

import importlib.util
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.daemon import PROGRAM
from tests.netns.lab import Lab, wait_until

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared/corpus"
PAIR = (CORPUS / "haproxy/kubeadm-ha-considerations.cfg", CORPUS / "keepalived/kubeadm-ha-considerations.conf")
VIP = "10.0.0.100"

pytestmark = [
    pytest.mark.root, pytest.mark.peer, pytest.mark.corpus,
    pytest.mark.skipif(not all(file.exists() for file in PAIR), reason="the corpus of real configurations is not here"),
]


def certificates(directory):
    spec = importlib.util.spec_from_file_location("lab_certificates", ROOT / "netns-lab/certificates.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.create(directory, {f"m{n}": [VIP] for n in (1, 2, 3)})


class Master:
    def __init__(self, lab, directory, number):
        self.name = f"m{number}"
        self.node = lab.node(self.name, f"192.168.56.1{number}/24")
        self.runtime = directory / self.name
        self.log = directory / f"{self.name}.log"
        self.node.start(sys.executable, ROOT / "netns-lab/apiserver.py", "--node", self.name, "--cert",
                        directory / f"{self.name}.crt", "--key", directory / f"{self.name}.key")

    def start(self):
        self.process = self.node.start(
            *PROGRAM, "run", "-f", PAIR[0], "-k", PAIR[1], log=self.log,
            env={**os.environ, "PYHA_RUNTIME_DIR": str(self.runtime)})
        wait_until(lambda: "running: " in self.log.read_text(), f"{self.name} runs", within=60)

    def kill(self):
        """SIGKILL for the supervisor; its children see it and let go."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def test_three_masters_with_the_very_same_two_files(tmp_path):
    certificates(tmp_path)
    with Lab() as lab:
        masters = [Master(lab, tmp_path, number) for number in (1, 2, 3)]
        client = lab.node("client", "192.168.56.20/24")
        client.run("ip", "route", "add", f"{VIP}/32", "dev", "eth0")
        for master in masters:
            master.start()

        def holders():
            return [master for master in masters if master.node.holds(f"{VIP}/32")]

        def answer():
            text = client.run("curl", "-sS", "--max-time", "5", "--cacert", tmp_path / "ca.crt",
                              f"https://{VIP}:8443/whoami", check=False)
            return json.loads(text)["node"] if text else None

        # All three say MASTER with priority 101. Whoever was there first keeps it: equals do not preempt each other.
        wait_until(lambda: holders() == masters[:1], "m1 alone holds the address", within=30)
        wait_until(lambda: {answer() for _ in range(6)} >= {"m1", "m2", "m3"},
                   "the client reaches all three apiservers through the address", within=30)
        masters[0].kill()
        # Their silence ends at the same moment; the higher address of two equals wins.
        wait_until(lambda: holders() == masters[2:], "m3 takes over", within=30)
        wait_until(answer, "the client is answered through m3", within=30)
