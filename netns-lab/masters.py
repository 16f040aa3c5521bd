"""What runs on a master: its balancer (pyha, or haproxy and keepalived for comparison) and its stand-in apiserver."""

import asyncio
import signal
import string
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import processes

HERE = Path(__file__).parent
PROGRAMS = ("pyha", "classic")
_STOPPED_WITHIN = 30.0  # seconds; after that a stop in order has failed


@dataclass(frozen=True)
class Place:
    """Where a master's processes run: its directory, its network namespace, and whether they outlive the demo."""

    name: str
    directory: Path
    namespace: str | None
    outlives: bool

    async def start(self, name: str, argv: list[str]) -> processes.Process:
        """Start a program here; its words go to a file of its own in logs/."""
        return await processes.start(argv, self.log(name), namespace=self.namespace, outlives=self.outlives,
                                     environment={"PYHA_RUNTIME_DIR": str(self.directory / "run"), "NO_COLOR": "1"})

    def log(self, name: str) -> Path:
        """The file with what a program said."""
        return self.directory.parent / "logs" / f"{self.name}-{name}.log"


def write_files(place: Place, names: tuple[str, ...], values: Mapping[str, str]) -> None:
    """Fill the templates of config/ in for one master."""
    for name in names:
        text = string.Template((HERE / "config" / name).read_text()).safe_substitute(values)
        file = place.directory / name
        file.write_text(text)
        file.chmod(0o755 if name.endswith(".sh") else 0o644)


class Balancer:
    """pyha, or the pair it replaces, on one master."""

    def __init__(self, place: Place, program: str, *, vrrp: bool = True) -> None:
        self._place = place
        self._commands = _commands(program, place.directory, vrrp=vrrp)
        self._running: dict[str, processes.Process] = {}

    @property
    def logs(self) -> list[Path]:
        """Where its words are."""
        return [self._place.log(name) for name in self._commands]

    @property
    def failed(self) -> bool:
        """Whether a process that should run has ended by itself."""
        return any(process.returncode is not None for process in self._running.values())

    async def start(self) -> None:
        """Start it."""
        for name, argv in self._commands.items():
            self._running[name] = await self._place.start(name, argv)

    def kill(self) -> int:
        """SIGKILL for all its processes at once; returns how many there were."""
        pids = [pid for process in self._running.values() for pid in processes.tree(process.pid)]
        processes.kill_at_once(pids)
        self._running.clear()
        return len(pids)

    async def stop(self) -> dict[str, int | None]:
        """SIGTERM, as `systemctl stop` sends it, and wait; returns the exit codes, None for one that would not stop."""
        codes: dict[str, int | None] = {}
        for name, process in self._running.items():
            codes[name] = await _stop(process)
        self._running.clear()
        return codes


def _commands(program: str, directory: Path, *, vrrp: bool) -> dict[str, list[str]]:
    haproxy, keepalived = str(directory / "haproxy.cfg"), str(directory / "keepalived.conf")
    if program == "pyha":
        # -P: the package is the installed one, whatever lies in the current directory.
        argv = [sys.executable, "-P", "-m", "pyha", "run", "-f", haproxy]
        return {"pyha": [*argv, "-k", keepalived] if vrrp else argv}
    pair = {"haproxy": ["haproxy", "-W", "-db", "-f", haproxy, "-p", str(directory / "haproxy.pid")]}
    if vrrp:  # first, because it is to be stopped first: the address leaves before the balancer does
        pair = {"keepalived": ["keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp", "--use-file",
                               keepalived, "--pid", str(directory / "keepalived.pid"),
                               "--vrrp_pid", str(directory / "vrrp.pid")], **pair}
    return pair


class ApiserverProcess:
    """The stand-in apiserver of one master; `delay` is how long it stays after it has said that it is leaving."""

    def __init__(self, place: Place, address: str, port: int, delay: float) -> None:
        certificate = place.directory.parent / "certificates" / f"{place.name}.crt"
        self._place = place
        self._argv = [sys.executable, str(HERE / "apiserver.py"), "--node", place.name, "--address", address,
                      "--port", str(port), "--delay", str(delay),
                      "--cert", str(certificate), "--key", str(certificate.with_suffix(".key"))]
        self._process: processes.Process | None = None

    async def start(self) -> None:
        """Start it."""
        self._process = await self._place.start("apiserver", self._argv)

    async def stop(self) -> None:
        """Stop it in order: /readyz first, the rest after the delay."""
        if self._process:
            await _stop(self._process)
            self._process = None


async def _stop(process: processes.Process) -> int | None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(_STOPPED_WITHIN):
            return await process.wait()
    except TimeoutError:
        processes.kill_at_once(processes.tree(process.pid))
        return None
