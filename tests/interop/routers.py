"""keepalived, FRR and pyha behind one interface, so that a scenario does not care who plays which part."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from tests.interop import frr
from tests.interop.flavours import VRID, Setup
from tests.netns import daemons
from tests.netns.lab import Node, wait_until


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
        """A machine without power: every process gets SIGKILL, and what that leaves behind is gone as by a reboot.

        Except where pyha's addresses have a lease: then the kernel has to remove them.
        """

    def set_priority(self, priority: int) -> None:
        """Change the priority of the running daemon."""

    def state(self) -> str:
        """MASTER, BACKUP, FAULT, INIT; empty when it has not said yet."""

    def text(self) -> str:
        """Its log."""

    @property
    def pid(self) -> int:
        """The process of which all others are children."""

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
        self._daemon.kill()
        for name in ("pid", "vrrp.pid"):  # /run is empty after a reboot; with it, it would think that it runs already
            (self._daemon.log.parent / name).unlink(missing_ok=True)
        _remove_leftovers(self.node, self.setup)

    def set_priority(self, priority: int) -> None:
        assert self._daemon is not None
        self.setup = self.setup.at(priority)
        (self._daemon.log.parent / "keepalived.conf").write_text(self.setup.keepalived_conf())
        self._daemon.process.send_signal(signal.SIGHUP)

    def state(self, name: str = "VI_1") -> str:
        return self._daemon.state(name) if self._daemon else ""

    def text(self) -> str:
        return self._history + (self._daemon.log.read_text() if self._daemon else "")

    @property
    def pid(self) -> int:
        assert self._daemon is not None
        return self._daemon.process.pid

    def close(self) -> None:
        """The laboratory ends it."""


class Pyha:
    """The whole of pyha, with the same keepalived.conf."""

    kind = "pyha"

    def __init__(self, node: Node, setup: Setup, directory: Path) -> None:
        self.node = node
        self.setup = setup
        self._directory = directory / f"pyha-{node.name}"
        self._directory.mkdir(exist_ok=True)
        self._configuration = self._directory / "keepalived.conf"
        self._log = self._directory / "log"
        self._process: subprocess.Popen[str] | None = None
        self._from = 0  # where the log of this run begins

    def start(self) -> None:
        self._configuration.write_text(self.setup.keepalived_conf())
        self._from = len(self.text())
        environment = {**os.environ, "PYHA_RUNTIME_DIR": str(self._directory / "run"), "PYTHONPATH": str(daemons.ROOT),
                       "PYTHONDONTWRITEBYTECODE": "1"}
        files = ["-k", self._configuration]
        if self.setup.lease:
            native = self._directory / "pyha.yaml"
            native.write_text(f"vrrp:\n  address_lease: {self.setup.lease}\n")
            files = ["-c", native, *files]
        self._process = process = self.node.start(sys.executable, "-P", "-m", "pyha", "run", *files, log=self._log,
                                                  env=environment)

        def runs() -> bool:
            return "running: " in self.text()[self._from:] or process.poll() is not None

        wait_until(runs, "pyha runs", within=60)
        assert process.poll() is None, self.text()

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        assert self._process.wait(10) == 0, self.text()

    def crash(self) -> None:
        """SIGKILL for every process of it, before any of them could do something about the death of another."""
        assert self._process is not None
        pids = [self._process.pid]
        os.kill(pids[0], signal.SIGSTOP)
        for pid in pids:
            with contextlib.suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    pids += map(int, (task / "children").read_text().split())
        for pid in reversed(pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(10)
        if not self.setup.lease:
            _remove_leftovers(self.node, self.setup)

    def set_priority(self, priority: int) -> None:
        assert self._process is not None
        self.setup = self.setup.at(priority)
        self._configuration.write_text(self.setup.keepalived_conf())
        self._process.send_signal(signal.SIGHUP)

    def state(self, name: str = "VI_1") -> str:
        found = re.findall(rf"\({name}\) Entering (\w+) STATE", self.text()[self._from:])
        return found[-1] if found else ""

    def text(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.crash()


def _remove_leftovers(node: Node, setup: Setup) -> None:
    for link in (f"vrrp.{VRID}", f"vrrp6.{VRID}"):
        node.run("ip", "link", "del", link, check=False)
    for address in setup.addresses:
        node.run("ip", "addr", "del", address, "dev", "eth0", check=False)


def installed(kind: str) -> bool:
    """Whether this machine has such a router."""
    return {"keepalived": shutil.which("keepalived") is not None, "frr": frr.installed()}.get(kind, True)


def router(kind: str, node: Node, setup: Setup, directory: Path) -> Router:
    """A router of this kind."""
    if kind == "frr":
        return frr.Frr(node, setup)
    return {"keepalived": Keepalived, "pyha": Pyha}[kind](node, setup, directory)
