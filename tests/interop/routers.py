"""keepalived, FRR and pyha behind one interface, so that a scenario does not care who plays which part."""

import shutil
import signal
from pathlib import Path
from typing import Any, Protocol

from tests.interop import frr
from tests.interop.flavours import VRID, Setup
from tests.netns import daemons
from tests.netns.lab import Node


class Router(Protocol):
    """One router with the virtual router VI_1. It does nothing before `start`, and can be started again."""

    kind: str
    node: Node
    setup: Setup

    def start(self) -> None:
        """Start it; an address that was left behind is its affair."""

    def stop(self) -> None:
        """Stop it in order, and wait for its end."""

    def crash(self) -> None:
        """A machine without power: no goodbye. What keepalived and FRR leave behind is removed as by a reboot; pyha
        has to see to that itself."""

    def set_priority(self, priority: int) -> None:
        """Change the priority of the running daemon."""

    def state(self) -> str:
        """MASTER, BACKUP, FAULT, INIT; empty when it has not said yet."""

    def text(self) -> str:
        """Its log."""

    def close(self) -> None:
        """End and forget it."""


class Keepalived:
    """The real keepalived."""

    kind = "keepalived"

    def __init__(self, node: Node, setup: Setup, directory: Path) -> None:
        self.node = node
        self.setup = setup
        self._directory = directory
        self._history = ""
        self._daemon: daemons.Keepalived | None = None

    def start(self) -> None:
        self._history = self.text()
        self._daemon = daemons.Keepalived(self.node, self._directory, self.setup.keepalived_conf())

    def stop(self) -> None:
        assert self._daemon is not None
        self._daemon.stop()
        self._daemon.process.wait(10)

    def crash(self) -> None:
        assert self._daemon is not None
        self._daemon.kill(*self.setup.addresses)
        for name in ("pid", "vrrp.pid"):  # /run is empty after a reboot; with it, it would think that it runs already
            (self._daemon.log.parent / name).unlink(missing_ok=True)
        for link in (f"vrrp.{VRID}", f"vrrp6.{VRID}"):
            self.node.run("ip", "link", "del", link, check=False)

    def set_priority(self, priority: int) -> None:
        assert self._daemon is not None
        self.setup = self.setup.at(priority)
        (self._daemon.log.parent / "keepalived.conf").write_text(self.setup.keepalived_conf())
        self._daemon.process.send_signal(signal.SIGHUP)

    def state(self, name: str = "VI_1") -> str:
        return self._daemon.state(name) if self._daemon else ""

    def text(self) -> str:
        return self._history + (self._daemon.log.read_text() if self._daemon else "")

    def close(self) -> None:
        """The laboratory ends it."""


class Pyha:
    """pyha's vrrp process, with the test as its supervisor."""

    kind = "pyha"

    def __init__(self, node: Node, setup: Setup, directory: Path) -> None:
        self.node = node
        self.setup = setup
        self._directory = directory
        self._daemon: daemons.PyhaVrrp | None = None

    def start(self) -> None:
        self.close()
        self._daemon = daemons.PyhaVrrp(self.node, self._directory)
        self._configure()

    def _configure(self) -> None:
        assert self._daemon is not None
        answer = self._daemon.configure(routers=[model(self.setup)])
        assert answer.type == "configured", answer

    def stop(self) -> None:
        assert self._daemon is not None
        assert self._daemon.stop() == 0, self.text()

    def crash(self) -> None:
        assert self._daemon is not None
        self._daemon.kill()

    def set_priority(self, priority: int) -> None:
        self.setup = self.setup.at(priority)
        self._configure()

    def state(self, name: str = "VI_1") -> str:
        return self._daemon.state(name) if self._daemon else ""

    def text(self) -> str:
        return self._daemon.text() if self._daemon else ""

    def close(self) -> None:
        if self._daemon is not None:
            if self._daemon.process.poll() is None:
                self._daemon.kill()
            self._daemon.close()
            self._daemon = None


def model(setup: Setup) -> dict[str, Any]:
    """A setup as pyha's model has it."""
    flavour = setup.flavour
    return {
        "name": "VI_1", "interface": "eth0", "vrid": VRID, "version": flavour.version, "priority": setup.priority,
        "advert_int": round(flavour.interval * 100), "preempt": setup.preempt,
        "addresses": [{"interface": vip} for vip in setup.addresses],
        **({"authentication": {"kind": flavour.authentication, "password": "k8sha123"}}
           if flavour.authentication else {}),
        **({"source": setup.address, "unicast_peers": [peer for peer in setup.peers if peer != setup.address]}
           if flavour.unicast else {}),
        **({"vmac": {}} if flavour.vmac else {}),
    }


def installed(kind: str) -> bool:
    """Whether this machine has such a router."""
    return {"keepalived": shutil.which("keepalived") is not None, "frr": frr.installed()}.get(kind, True)


def router(kind: str, node: Node, setup: Setup, directory: Path) -> Router:
    """A router of this kind."""
    if kind == "frr":
        return frr.Frr(node, setup)
    return {"keepalived": Keepalived, "pyha": Pyha}[kind](node, setup, directory)
