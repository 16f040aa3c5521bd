"""FRR's vrrpd with the zebra that it needs, both in a namespace and with a directory of their own.

FRR holds the virtual address on a macvlan that the administrator made: its MAC address says which virtual router it
belongs to, and while the router is no Master the interface is kept down (docs.frrouting.org, VRRP).
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.interop.flavours import VRID, Setup
from tests.netns.lab import Node, wait_until

DAEMONS = Path("/usr/lib/frr")
_STATES = {"Master": "MASTER", "Backup": "BACKUP", "Initialize": "INIT"}
_TRANSITION = re.compile(rf"\[VRID {VRID}\] \[(IPv[46])\] \w+ -> (\w+)")


def installed() -> bool:
    """Whether this machine has it."""
    return (DAEMONS / "vrrpd").exists() and shutil.which("vtysh") is not None


class Frr:
    """One router with one virtual router."""

    kind = "frr"

    def __init__(self, node: Node, setup: Setup) -> None:
        self.node = node
        self.setup = setup
        # The daemons run as the user frr, who may not enter a directory of root's tests.
        self.directory = Path(tempfile.mkdtemp(prefix="pyha-frr-"))
        shutil.chown(self.directory, "frr", "frr")
        self.directory.chmod(0o755)
        self.log = self.directory / "log"
        self.log.touch()
        self._family = "IPv6" if setup.flavour.ipv6 else "IPv4"
        self._processes: list[subprocess.Popen[str]] = []
        self._link = f"vrrp{6 if setup.flavour.ipv6 else 4}-2-{VRID}"

    def start(self) -> None:
        """Start both daemons."""
        self._make_link()
        files = self.directory
        for name in ("zserv.api", "vrrpd.vty"):
            (files / name).unlink(missing_ok=True)
        (files / "zebra.conf").write_text("")
        (files / "vrrpd.conf").write_text(self._configuration())
        self._start("zebra", "-A", "127.0.0.1")
        wait_until((files / "zserv.api").exists, "zebra listens")
        self._start("vrrpd")
        wait_until((files / "vrrpd.vty").exists, "vrrpd listens")

    def _start(self, name: str, *more: str) -> None:
        files = self.directory
        self._processes.append(self.node.start(
            DAEMONS / name, "-f", files / f"{name}.conf", "-i", files / f"{name}.pid", "-z", files / "zserv.api",
            "--vty_socket", files, "-P", "0", "--log", "stdout", *more, log=self.log))

    def _configuration(self) -> str:
        setup, flavour = self.setup, self.setup.flavour
        word = "ipv6" if flavour.ipv6 else "ip"
        return "\n".join([
            "interface eth0",
            f" vrrp {VRID} version {flavour.version}",
            f" vrrp {VRID} priority {setup.priority}",
            f" vrrp {VRID} advertisement-interval {flavour.interval * 1000:.0f}",
            *([] if setup.preempt else [f" no vrrp {VRID} preempt"]),
            *(f" vrrp {VRID} {word} {vip.split('/')[0]}" for vip in setup.addresses),
            "",
        ])

    def _make_link(self) -> None:
        version = 2 if self.setup.flavour.ipv6 else 1
        # An interface that is down keeps its address, for which the kernel would answer on eth0.
        self.node.run("sysctl", "-qw", "net.ipv4.conf.all.arp_ignore=1")
        self.node.run("ip", "link", "del", self._link, check=False)
        self.node.run("ip", "link", "add", self._link, "link", "eth0", "type", "macvlan", "mode", "bridge")
        self.node.run("ip", "link", "set", self._link, "addrgenmode", "random")
        self.node.run("ip", "link", "set", self._link, "address", f"00:00:5e:00:0{version}:{VRID:02x}")
        for vip in self.setup.addresses:
            address = vip.replace("/128", "/64")
            self.node.run("ip", "addr", "add", address, "dev", self._link, *(["nodad"] if ":" in vip else []))
        self.node.run("ip", "link", "set", self._link, "up")

    def state(self) -> str:
        """The state that it logged last."""
        found = [state for family, state in _TRANSITION.findall(self.text()) if family == self._family]
        return _STATES.get(found[-1], found[-1]) if found else ""

    def set_priority(self, priority: int) -> None:
        """Change the priority while it runs."""
        self.setup = self.setup.at(priority)
        self.node.run("vtysh", "--vty_socket", self.directory, "-c", "configure terminal", "-c", "interface eth0",
                      "-c", f"vrrp {VRID} priority {priority}")

    def stop(self) -> None:
        """Stop it in order: it sends priority 0."""
        self._end(signal.SIGTERM)

    def crash(self) -> None:
        """End it as a power failure would."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        for process in reversed(self._processes):  # vrrpd first: it says goodbye and sets its interface down by zebra
            if process.poll() is None:
                os.kill(process.pid, number)
                process.wait(10)
        self._processes.clear()
        # What is left over is an interface that answers for the address.
        self.node.run("ip", "link", "del", self._link, check=False)

    def text(self) -> str:
        """What both daemons have logged, without what vrrpd repeats about the family that has no address."""
        lines = self.log.read_text().splitlines(keepends=True) if self.log.exists() else []
        return "".join(line for line in lines if "Refusing to start" not in line)

    @property
    def pid(self) -> int:
        """Of vrrpd."""
        return self._processes[-1].pid

    def close(self) -> None:
        """End and forget it."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)
