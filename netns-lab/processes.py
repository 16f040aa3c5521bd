"""Starting, finding and ending the processes of the lab: its own, by their pid, and nobody else's."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Process = asyncio.subprocess.Process


async def start(
    argv: Sequence[str],
    log: Path,
    *,
    namespace: str | None = None,
    environment: Mapping[str, str] | None = None,
    piped: bool = False,
    outlives: bool = False,
) -> Process:
    """Start a program, in a network namespace if one is named; what it says on standard error goes to `log`.

    Its standard output goes there too, or with `piped` to `process.stdout`. It is in a session of its own, so that
    Ctrl-C reaches the demo only, and unless it `outlives` the demo, the kernel ends it should the demo just die.
    """
    command = [*(["ip", "netns", "exec", namespace] if namespace else []), *argv]
    if not outlives:
        command = ["setpriv", "--pdeathsig", "KILL", *command]
    with log.open("ab") as file:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if piped else file,
            stderr=file,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )


async def output(*argv: str) -> str:
    """Run a short command and return what it printed. Raises RuntimeError with its complaint when it fails."""
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    text, complaint = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(argv)}: {complaint.decode().strip() or f'exit code {process.returncode}'}")
    return text.decode()


def tree(pid: int) -> list[int]:
    """A process and everything below it, parents first."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):  # it ended while we looked
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, queue = [], [pid]
    while queue:
        found.append(queue.pop(0))
        queue += children.get(found[-1], [])
    return found


def inside(namespaces: Iterable[str]) -> list[int]:
    """Every process whose network namespace is one of these."""
    wanted = set()
    for name in namespaces:
        with contextlib.suppress(OSError):
            wanted.add(Path("/run/netns", name).stat().st_ino)
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "ns/net").stat().st_ino in wanted:
                    found.append(int(entry.name))
    return found


def send(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each; one that is gone already is fine."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def kill_at_once(pids: Sequence[int]) -> None:
    """SIGKILL to all, stopped first: nobody sees a sibling die and gets to say good-bye."""
    send(pids, signal.SIGSTOP)
    send(pids, signal.SIGKILL)


def wait_gone(pids: Iterable[int], seconds: float) -> list[int]:
    """Wait until these processes are gone; returns those that are not. Zombies count as gone."""
    end = time.monotonic() + seconds
    left = [pid for pid in pids if _lives(pid)]
    while left and time.monotonic() < end:
        time.sleep(0.02)
        left = [pid for pid in left if _lives(pid)]
    return left


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
