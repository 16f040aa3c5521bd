"""Running the operator's scripts: checks every few seconds, notifications when a state changes. Never through a shell.

A script gets its own process group, no input, no output, and the user that the configuration names. A check that is
still running when its next turn comes is not started twice; one that takes too long is ended, and counts as failed.
"""

import asyncio
import contextlib
import ctypes
import grp
import logging
import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyha.config.vrrp_model import Script, Vrrp
from pyha.errors import FitnessError
from pyha.units import seconds

_log = logging.getLogger("pyha.vrrp")
_PR_SET_PDEATHSIG = 1
_DEFAULT_USER = "keepalived_script"  # keepalived.conf(5), script_user: used when it exists
_GRACE = 2.0  # seconds between asking a script to end and ending it
_libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a script runs as; None: as this process."""

    uid: int | None = None
    gid: int | None = None


def identity(vrrp: Vrrp, user: str | None = None, group: str | None = None) -> Identity:
    """The identity for a script: its own user, `script_user`, `keepalived_script` if there is one, or ours.

    Raises FitnessError when the named user or group does not exist.
    """
    name, group_name = (user, group) if user is not None else (vrrp.script_user, vrrp.script_group)
    if name is None:
        try:
            entry = pwd.getpwnam(_DEFAULT_USER)
        except KeyError:
            return Identity()
        return Identity(entry.pw_uid, entry.pw_gid)
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise FitnessError(f"there is no user '{name}' on this machine") from None
    if group_name is None:
        return Identity(entry.pw_uid, entry.pw_gid)
    try:
        return Identity(entry.pw_uid, grp.getgrnam(group_name).gr_gid)
    except KeyError:
        raise FitnessError(f"there is no group '{group_name}' on this machine") from None


def usable(argv: Sequence[str]) -> bool:
    """Whether there is such a program: a path that can be executed, or a name found in PATH."""
    return bool(argv) and shutil.which(argv[0]) is not None


def insecure(argv: Sequence[str], who: Identity) -> str:
    """Why this must not run as root with `enable_script_security`; empty when it may.

    keepalived.conf(5): no part of the path of a script that root runs may be writable by anybody else.
    """
    found = shutil.which(argv[0])
    if who.uid or (who.uid is None and os.geteuid()) or found is None:
        return ""
    path = Path(found).resolve()
    for part in (path, *path.parents):
        entry = part.stat()
        # In a directory with the sticky bit nobody can replace what belongs to root.
        writable = entry.st_mode & (stat.S_IWGRP * bool(entry.st_gid) | stat.S_IWOTH)
        if entry.st_uid or (writable and not (part != path and entry.st_mode & stat.S_ISVTX)):
            return f"{part} can be written by others than root"
    return ""


class Process:
    """One running script. `ended` is called once with its exit code, negative for a signal as subprocess has it."""

    def __init__(self, loop: asyncio.AbstractEventLoop, argv: Sequence[str], who: Identity,
                 ended: Callable[[int], None], *, dies_with_us: bool) -> None:
        """Starts it. Raises OSError: no such program, not permitted. May take a few milliseconds."""
        self._loop = loop
        self._ended = ended
        self._popen = subprocess.Popen(
            list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0,
            user=None if who.uid == os.geteuid() else who.uid, group=None if who.gid == os.getegid() else who.gid,
            extra_groups=None if who.gid in (None, os.getegid()) else [],
            preexec_fn=_die_with_parent if dies_with_us else None,  # noqa: PLW1509 - this process has one thread
        )
        self._pidfd = os.pidfd_open(self._popen.pid)
        self._killer: asyncio.TimerHandle | None = None
        loop.add_reader(self._pidfd, self._exited)

    def end(self) -> None:
        """Ask it to end, and end it when it does not."""
        self._signal(signal.SIGTERM)
        if self._killer is None:
            self._killer = self._loop.call_later(_GRACE, self._signal, signal.SIGKILL)

    def kill(self) -> None:
        """End it at once; `ended` is not called."""
        if self._popen.returncode is None:
            self._signal(signal.SIGKILL)
            self._popen.wait()
            self._close()

    def _signal(self, number: signal.Signals) -> None:
        # The group: whatever the script started goes with it.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, number)

    def _exited(self) -> None:
        code = self._popen.wait()
        self._close()
        self._ended(code)

    def _close(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        if self._killer is not None:
            self._killer.cancel()


def _die_with_parent() -> None:
    """In the child, after it took its user: a check must not outlive the process that wanted to know."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


class ScriptRunner:
    """Runs one `vrrp_script` again and again; each result goes to `on_result(name, ok, why)`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, script: Script, who: Identity,
                 on_result: Callable[[str, bool, str], None]) -> None:
        self.script = script
        self.who = who
        self._loop = loop
        self._on_result = on_result
        self._process: Process | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._late = False

    def start(self) -> None:
        """Run it now, and from then on every interval."""
        self._timer = self._loop.call_later(seconds(self.script.interval), self.start)
        if self._process is not None:
            _log.warning("Track script %s is already running, expect idle - skipping run", self.script.name)
            return
        self._late = False
        try:
            self._process = Process(self._loop, self.script.argv, self.who, self._ended, dies_with_us=True)
        except OSError as error:
            self._on_result(self.script.name, False, f"cannot be run: {error.strerror}")
            return
        timeout = self.script.timeout or self.script.interval
        self._deadline = self._loop.call_later(seconds(timeout), self._expired)

    def stop(self) -> None:
        """Run it no more; a running one is killed."""
        for timer in (self._timer, self._deadline):
            if timer is not None:
                timer.cancel()
        if self._process is not None:
            self._process.kill()
            self._process = None

    def _expired(self) -> None:
        if self._process is None:
            return
        self._late = True
        self._process.end()
        self._on_result(self.script.name, False, "timed out")

    def _ended(self, code: int) -> None:
        self._process = None
        if self._deadline is not None:
            self._deadline.cancel()
        if self._late:  # judged already
            return
        why = f"exited with status {code}" if code >= 0 else f"ended by signal {-code}"
        self._on_result(self.script.name, code == 0, why)


class Notifier:
    """Runs notify scripts, and knows which of them still run."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._running: set[Process] = set()

    def run(self, argv: Sequence[str], who: Identity) -> None:
        """Start one and forget it: it may outlive us, because a script for the stop has to. Failures are logged."""
        def ended(code: int) -> None:
            self._running.discard(process)
            if code:
                _log.warning("notify script %s exited with status %d", argv[0], code)

        try:
            process = Process(self._loop, argv, who, ended, dies_with_us=False)
        except OSError as error:
            _log.error("notify script %s cannot be run: %s", argv[0], error.strerror)
            return
        self._running.add(process)

    @property
    def busy(self) -> bool:
        """Whether any still runs."""
        return bool(self._running)
