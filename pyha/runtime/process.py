"""One child process as the supervisor sees it: started by exec, spoken to over a channel, its death noticed at once."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable

from pyha.control.messages import Message, Role
from pyha.runtime.channel import Channel

OnMessage = Callable[["Child", Message, list[int]], None]
OnDeath = Callable[["Child", str], None]

_LAST_MOMENTS = 0.5  # seconds


class Child:
    """A running child. `died` is called once, with how it ended in words, after the process has been reaped."""

    def __init__(self, role: Role, index: int, received: OnMessage, died: OnDeath) -> None:
        self.role: Role = role
        self.index = index
        self.configured = 0  # the generation that it has acknowledged last
        self._received = received
        self._died = died
        self._loop = asyncio.get_running_loop()
        self.channel, theirs = Channel.pair()
        with theirs:
            # -P: the directory that the operator happens to stand in must not shadow a module.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pyha", "_child", role, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                # A Ctrl-C on the terminal is for the supervisor, which then stops its children in order.
                start_new_session=True,
            )
        self.pid = self._process.pid
        self._pidfd = os.pidfd_open(self.pid)
        self._loop.add_reader(self._pidfd, self._ended)
        self.channel.attach(self._loop, lambda message, fds: self._received(self, message, fds), self._speechless)
        self.gone = asyncio.Event()

    def __str__(self) -> str:
        return f"worker {self.index} (pid {self.pid})" if self.role == "worker" else f"{self.role} (pid {self.pid})"

    def _speechless(self) -> None:
        """It closed its channel or sent garbage. Most likely it is ending, and how it ends is worth knowing."""
        self._loop.call_later(_LAST_MOMENTS, self.kill)

    def kill(self) -> None:
        """End it without asking."""
        if not self.gone.is_set():
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    async def wait(self, timeout: float) -> bool:
        """Wait for its end; False when it still lives after so many seconds."""
        try:
            await asyncio.wait_for(self.gone.wait(), timeout)
        except TimeoutError:
            return False
        return True

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        code = self._process.wait()
        self.channel.close()
        self.gone.set()
        self._died(self, _in_words(code))


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exited with {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"


def resident_bytes(pid: int) -> int:
    """Resident memory of a process, 0 when it is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - Path costs more than the read
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def set_name(name: str) -> None:
    """What `ps -C`, `top` and `killall` call this process; at most 15 bytes count (prctl(2), PR_SET_NAME)."""
    try:
        with open("/proc/self/comm", "w", encoding="ascii") as file:  # noqa: PTH123 - as above
            file.write(name[:15])
    except OSError:  # no /proc: a cosmetic loss
        pass
