"""Runs the program of an external check: never through a shell, in a process group of its own, ended with its check."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyha.health.dialogue import RunProgram

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Briefing:
    """What the program is told: its arguments, and its environment, of which nothing is inherited."""

    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


NO_BRIEFING = Briefing()


async def run_program(action: RunProgram, briefing: Briefing) -> int:
    """Its exit code, negative when a signal ended it. Raises OSError when it cannot be started.

    When the caller is cancelled the program is killed, with everything that it started.
    """
    environment = {"PATH": action.path or _PATH, **briefing.environment}
    process = await asyncio.create_subprocess_exec(
        action.command, *briefing.arguments, env=environment, process_group=0,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL)
    try:
        return await process.wait()
    finally:
        if process.returncode is None:  # it still has its number, so that nobody else can have it
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
