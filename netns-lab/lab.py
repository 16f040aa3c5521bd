"""The network of the lab: a switch, three masters and a client in network namespaces, joined by cables.

Every name begins with `pyha-demo-PID-`; both ends of every cable are inside namespaces, so that the machine's own
network never sees any of it, and removing the namespaces removes everything.
"""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import processes

PREFIX = "pyha-demo-"
SWITCH = "switch"
BRIDGE = "br0"
INTERFACE = "ens160"
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


class Lab:
    """Namespaces named after their hosts; `directory` holds the files and logs of this run."""

    def __init__(self) -> None:
        self._prefix = f"{PREFIX}{os.getpid()}-"
        self._hosts: list[str] = []
        self.directory = Path(tempfile.gettempdir(), self._prefix.rstrip("-"))

    def namespace(self, host: str) -> str:
        """The name under which `ip netns exec` knows a host."""
        return self._prefix + host

    def create(self, hosts: Mapping[str, str]) -> None:
        """Make the directory, the switch and a host for each name with its address (`10.0.0.1/24`) on `ens160`."""
        self.directory.mkdir(mode=0o755)
        self._hosts = [SWITCH, *hosts]
        for host in self._hosts:
            _ip("netns", "add", self.namespace(host))
            self.ip(host, "link", "set", "lo", "up")
        self.ip(SWITCH, "link", "add", BRIDGE, "type", "bridge", "forward_delay", "0", "mcast_snooping", "0")
        self.ip(SWITCH, "link", "set", BRIDGE, "up")
        for host, address in hosts.items():
            _ip("link", "add", INTERFACE, "netns", self.namespace(host), "type", "veth",
                "peer", "name", host, "netns", self.namespace(SWITCH))
            self.ip(SWITCH, "link", "set", host, "master", BRIDGE, "up")
            self.ip(host, "address", "add", address, "brd", "+", "dev", INTERFACE)
            self.ip(host, "link", "set", INTERFACE, "up")

    def ip(self, host: str, *words: str) -> str:
        """Run `ip` inside a host's namespace."""
        return _ip("-n", self.namespace(host), *words)

    async def unplug(self, host: str) -> None:
        """Pull the cable: both ends lose their carrier."""
        await processes.output("ip", "-n", self.namespace(SWITCH), "link", "set", host, "down")

    async def plug(self, host: str) -> None:
        """Put the cable back."""
        await processes.output("ip", "-n", self.namespace(SWITCH), "link", "set", host, "up")

    async def block(self, host: str) -> None:
        """The switch forwards nothing from or to this host any more, and nobody loses the carrier."""
        await processes.output("bridge", "-n", self.namespace(SWITCH), "link", "set", "dev", host, "state", "0")

    async def unblock(self, host: str) -> None:
        """The switch forwards again."""
        await processes.output("bridge", "-n", self.namespace(SWITCH), "link", "set", "dev", host, "state", "3")

    @contextlib.contextmanager
    def entered(self, host: str) -> Iterator[None]:
        """Sockets made inside the block belong to the host's namespace (for this thread; no await in it)."""
        with Path("/proc/self/ns/net").open() as home, Path("/run/netns", self.namespace(host)).open() as there:
            _setns(there.fileno())
            try:
                yield
            finally:
                _setns(home.fileno())

    def destroy(self) -> None:
        """End every process inside and remove everything. Harmless when there is nothing (any more)."""
        remove([self.namespace(host) for host in self._hosts], self.directory)
        self._hosts = []


def remove(namespaces: list[str], directory: Path) -> None:
    """Kill what runs in these namespaces, remove them and the directory."""
    existing = [name for name in namespaces if Path("/run/netns", name).exists()]
    for _ in range(5):  # a parent may have started one more child in between
        pids = processes.inside(existing)
        if not pids:
            break
        processes.send(pids, signal.SIGKILL)
        processes.wait_gone(pids, 5)
    for name in existing:
        _ip("netns", "del", name)
    shutil.rmtree(directory, ignore_errors=True)


def clean() -> list[str]:
    """Remove what runs of the demo left behind that crashed or were told to keep the lab; returns the names.

    A run whose process is still there is left alone.
    """
    names = [path.name for path in Path("/run/netns").glob(f"{PREFIX}*")]
    directories = Path(tempfile.gettempdir()).glob(f"{PREFIX}*")
    runs = {match[1] for name in [*names, *(path.name for path in directories)]
            if (match := re.match(rf"{PREFIX}(\d+)", name))}
    removed = []
    for run in sorted(runs, key=int):
        if not _is_demo(int(run)):
            remove([name for name in names if name.startswith(f"{PREFIX}{run}-")],
                   Path(tempfile.gettempdir(), f"{PREFIX}{run}"))
            removed.append(f"{PREFIX}{run}")
    return removed


def _is_demo(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"demo.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False, timeout=20)
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def _setns(descriptor: int) -> None:
    if _libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
