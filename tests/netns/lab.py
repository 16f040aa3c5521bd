"""A laboratory of network namespaces: nodes on one switch, each with its own interface, all gone in the end.

    with Lab() as lab:
        one, two = lab.node("one", "10.99.0.1/24"), lab.node("two", "10.99.0.2/24")
        one.run("ping", "-c1", "10.99.0.2")
        daemon = one.start("keepalived", "-n", "-l", "-f", path)
        wait_until(lambda: one.holds("10.99.0.10"), "one holds the address")

Names carry this process's id and a counter, so that several laboratories can stand on one machine. Whatever was started
inside is ended, and every namespace is removed, also when the test failed.
"""

import contextlib
import ctypes
import itertools
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

_CLONE_NEWNET = 0x40000000
_counter = itertools.count(1)


def wait_until(condition: Callable[[], Any], what: str, *, within: float = 15.0, every: float = 0.02) -> Any:
    """Wait for a condition and return what it returned; fails with `what` when it does not come true."""
    end = time.monotonic() + within
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(every)


def stays(condition: Callable[[], Any], what: str, *, for_seconds: float, every: float = 0.02) -> None:
    """Check that a condition holds during all of a time."""
    end = time.monotonic() + for_seconds
    while time.monotonic() < end:
        assert condition(), f"no longer: {what}"
        time.sleep(every)


class Node:
    """One network namespace with the interface eth0 on the switch."""

    def __init__(self, name: str, namespace: str, number: int) -> None:
        self.name = name
        self.namespace = namespace
        self.number = number
        self.port = f"p{number}"  # the switch's end of the cable
        self.processes: list[subprocess.Popen[str]] = []

    def command(self, *argv: str | Path) -> list[str]:
        """The argument list that runs something inside."""
        return ["ip", "netns", "exec", self.namespace, *map(str, argv)]

    def run(self, *argv: str | Path, check: bool = True) -> str:
        """Run something inside to its end; returns what it wrote on standard output."""
        done = subprocess.run(self.command(*argv), capture_output=True, text=True, timeout=60, check=False)
        if check and done.returncode:
            words = " ".join(map(str, argv))
            raise AssertionError(f"{self.name}: {words}: exit {done.returncode}: {done.stderr}{done.stdout}")
        return done.stdout

    def start(self, *argv: str | Path, log: Path | None = None, env: Mapping[str, str] | None = None,
              pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[str]:
        """Start something inside that keeps running; `log` collects both its outputs. Ended with the laboratory."""
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(log.open("a")) if log else subprocess.DEVNULL
            process = subprocess.Popen(self.command(*argv), stdin=subprocess.DEVNULL, stdout=output, text=True,
                                       stderr=subprocess.STDOUT, env=env, pass_fds=pass_fds)
        self.processes.append(process)
        return process

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Let this thread open sockets inside the namespace; they stay there afterwards."""
        libc = ctypes.CDLL(None, use_errno=True)
        target = Path("/run/netns", self.namespace)
        with Path("/proc/thread-self/ns/net").open("rb") as home, target.open("rb") as there:
            _setns(libc, there.fileno())
            try:
                yield
            finally:
                _setns(libc, home.fileno())

    def addresses(self, interface: str = "eth0") -> list[str]:
        """The addresses of an interface as `ip` writes them, with their prefix lengths."""
        links = json.loads(self.run("ip", "-j", "addr", "show", check=False) or "[]")
        return [f"{info['local']}/{info['prefixlen']}" for link in links if link.get("ifname") == interface
                for info in link["addr_info"]]

    def holds(self, address: str, interface: str = "eth0") -> bool:
        """Whether the interface has this address; without a prefix length any will do."""
        return any(address in (held, held.split("/")[0]) for held in self.addresses(interface))


class Lab:
    """The switch and its nodes. A context manager; everything is created inside it and removed at its end."""

    def __init__(self) -> None:
        self._prefix = f"pyha-{os.getpid()}-{next(_counter)}"
        self.switch = Node("switch", f"{self._prefix}-switch", 0)  # its ports are p1, p2 ...: the nodes' numbers
        self.nodes: list[Node] = []

    def __enter__(self) -> Self:
        _ip("netns", "add", self.switch.namespace)
        try:
            _ip("-n", self.switch.namespace, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
            _ip("-n", self.switch.namespace, "link", "set", "br0", "up")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def node(self, name: str, *addresses: str) -> Node:
        """A new namespace on the switch, with these addresses on its eth0."""
        number = len(self.nodes) + 1
        node = Node(name, f"{self._prefix}-{name}", number)
        _ip("netns", "add", node.namespace)
        self.nodes.append(node)
        # Duplicate address detection would keep link-local addresses tentative for a second.
        node.run("sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0",
                 "net.ipv6.conf.default.accept_ra=0")
        self.plug(node)
        _ip("-n", node.namespace, "link", "set", "lo", "up")
        for address in addresses:
            _ip("-n", node.namespace, "addr", "add", address, "dev", "eth0",
                *(() if ":" in address else ("brd", "+")))
        return node

    def plug(self, node: Node) -> None:
        """Give the node its eth0 (again)."""
        _ip("link", "add", "eth0", "netns", node.namespace, "address", f"02:00:00:99:00:{node.number:02x}",
            "type", "veth", "peer", "name", node.port, "netns", self.switch.namespace)
        _ip("-n", self.switch.namespace, "link", "set", node.port, "master", "br0", "up")
        _ip("-n", node.namespace, "link", "set", "eth0", "up")

    def isolate(self, node: Node) -> None:
        """The switch loses the node, which notices nothing: its carrier stays."""
        _ip("-n", self.switch.namespace, "link", "set", node.port, "nomaster")

    def reconnect(self, node: Node) -> None:
        """Undo `isolate`."""
        _ip("-n", self.switch.namespace, "link", "set", node.port, "master", "br0")

    def cut(self, node: Node) -> None:
        """Pull the cable: the node loses its carrier."""
        _ip("-n", self.switch.namespace, "link", "set", node.port, "down")

    def mend(self, node: Node) -> None:
        """Undo `cut`."""
        _ip("-n", self.switch.namespace, "link", "set", node.port, "up")

    def holders(self, address: str) -> list[str]:
        """The names of the nodes that have this address on eth0."""
        return [node.name for node in self.nodes if node.holds(address)]

    def close(self) -> None:
        """End and remove everything; harmless when called twice."""
        for node in self.nodes:
            for process in node.processes:
                _end(process)
        for namespace in [*(node.namespace for node in self.nodes), self.switch.namespace]:
            _end_leftovers(namespace)
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True, check=False, timeout=30)
        self.nodes.clear()


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        raise AssertionError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


def _end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def _end_leftovers(namespace: str) -> None:
    """Kill what daemons left behind in a namespace: only this laboratory put anything there."""
    listed = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False, timeout=30)
    for pid in listed.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def _setns(libc: ctypes.CDLL, fd: int) -> None:
    if libc.setns(fd, _CLONE_NEWNET):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
