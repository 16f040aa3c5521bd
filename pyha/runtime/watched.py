"""Tracked files and processes (keepalived.conf(5), track_file and vrrp_track_process), looked at every second.

Looking is cheap and happens in small steps, because the process that looks has advertisements to send.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from pyha.config.vrrp_model import FileCheck, ProcessCheck, Vrrp
from pyha.units import seconds
from pyha.vrrp.track import Kind

_log = logging.getLogger("pyha.vrrp")
_PERIOD = 1.0  # seconds
_STEP = 64  # processes that are looked at before something else may happen
_LARGEST = 254


class Watched:
    """What became of all tracked files and processes. `on_change(kind, name, value)` is called when it is another."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_change: Callable[[Kind, str, int], None], *, proc: str = "/proc"
    ) -> None:
        self._loop = loop
        self._on_change = on_change
        self._proc = Path(proc)
        self._files: tuple[FileCheck, ...] = ()
        self._processes: tuple[ProcessCheck, ...] = ()
        self._balancer: tuple[str, ...] = ()
        self._values: dict[tuple[Kind, str], int] = {}
        self._since: dict[str, float] = {}  # when a process check began to say something else
        self._task: asyncio.Task[None] | None = None

    def configure(self, vrrp: Vrrp, *, balancer_available: bool = False) -> None:
        """Look at what is tracked, from now on. An available balancer is what is meant by haproxy."""
        users = [*((one.track_files, one.track_processes) for one in vrrp.routers),
                 *((one.track_files, one.track_processes) for one in vrrp.groups)]
        files = {use.name for tracked, _ in users for use in tracked}
        processes = {use.name for _, tracked in users for use in tracked}
        self._files = tuple(check for check in vrrp.file_checks if check.name in files)
        tracked_checks = [check for check in vrrp.process_checks if check.name in processes]
        self._balancer = tuple(check.name for check in tracked_checks if check.balancer and balancer_available)
        self._processes = tuple(check for check in tracked_checks if check.name not in self._balancer)
        known = {("file", check.name) for check in self._files} | {("process", one.name) for one in tracked_checks}
        self._values = {key: value for key, value in self._values.items() if key in known}
        for check in self._files:
            _write_initial(check)
            self._take("file", check.name, _number(check))
        if (self._files or self._processes) and self._task is None:
            self._task = self._loop.create_task(self._look())

    def balancer(self, *, healthy: bool) -> None:
        """Take the balancer's health as the verdict of the checks that ask for it."""
        for name in self._balancer:
            self._take("process", name, healthy)

    def values(self) -> list[tuple[Kind, str, int]]:
        """All that is known."""
        return [(kind, name, value) for (kind, name), value in self._values.items()]

    def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _look(self) -> None:
        while True:
            for check in self._files:
                self._take("file", check.name, _number(check))
            if self._processes:
                counts = await self._count()
                for process in self._processes:
                    self._judge(process, counts.get(process.name, 0))
            await asyncio.sleep(_PERIOD)

    async def _count(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        checks = self._processes
        async for comm, words in self._running():
            for check in checks:
                if _matches(check, comm, words):
                    counts[check.name] = counts.get(check.name, 0) + 1
        return counts

    async def _running(self) -> AsyncIterator[tuple[str, list[str]]]:
        pids = [path for path in self._proc.iterdir() if path.name.isdecimal()]
        for number, path in enumerate(pids):
            if number % _STEP == _STEP - 1:
                await asyncio.sleep(0)
            with contextlib.suppress(OSError):  # it has ended meanwhile
                comm = (path / "comm").read_text(errors="replace").rstrip("\n")
                yield comm, (path / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")

    def _judge(self, check: ProcessCheck, count: int) -> None:
        well = check.quorum <= count and (check.quorum_max is None or count <= check.quorum_max)
        if self._values.get(("process", check.name), -1) in (well, -1):
            self._since.pop(check.name, None)
        else:
            now = self._loop.time()
            since = self._since.setdefault(check.name, now)
            if now < since + seconds(check.fork_delay if well else check.terminate_delay):
                return
            self._since.pop(check.name, None)
        self._take("process", check.name, well)

    def _take(self, kind: Kind, name: str, value: int) -> None:
        if self._values.get((kind, name)) != value:
            self._values[kind, name] = value
            self._on_change(kind, name, value)


def _matches(check: ProcessCheck, comm: str, words: list[str]) -> bool:
    """Whether a process is one of those that are looked for."""
    wanted = list(check.argv)
    # The kernel keeps 15 bytes of a process's name.
    name = words[0] if check.full_command else comm
    if name != (wanted[0] if check.full_command else wanted[0][:15]):
        return False
    return check.match is None or _arguments(check.match, wanted[1:], words[1:])


def _arguments(match: str, wanted: list[str], words: list[str]) -> bool:
    if match == "exact":
        return words == wanted
    if match == "initial":
        return words[:len(wanted)] == wanted
    return any(words[at:at + len(wanted)] == wanted for at in range(len(words) - len(wanted) + 1))


def _write_initial(check: FileCheck) -> None:
    path = Path(check.path)
    if check.initial is not None and (check.overwrite or not path.exists()):
        try:
            path.write_text(f"{check.initial}\n")
        except OSError as error:
            _log.error("tracked file %s cannot be written: %s", check.path, error.strerror)


def _number(check: FileCheck) -> int:
    """The number in a file; 0 when there is none (keepalived.conf(5), track_file)."""
    try:
        with Path(check.path).open("rb") as file:
            text = file.read(32).split()
        return max(-_LARGEST, min(int(text[0]), _LARGEST)) if text else 0
    except (OSError, ValueError):
        return 0
