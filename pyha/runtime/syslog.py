"""Log targets of haproxy.cfg: sockets and descriptors that a message is handed to, or dropped, but never waited for.

Formats are HAProxy's (manual, section 3.1, `log`). A target that cannot be reached is tried with every message: it
costs one failed call, and whoever restarts a syslog daemon expects the next line to arrive.
"""

import logging
import os
import select
import socket
import stat
import time
from collections.abc import Callable, Sequence
from typing import Any

from pyha.config.model import Global, LogTarget

logger = logging.getLogger("pyha.worker")

LEVELS = {name: number for number, name in enumerate(
    ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"))}
_FACILITIES = {name: number for number, name in enumerate((
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp", "audit",
    "alert", "cron2", *(f"local{number}" for number in range(8))))}  # fmt: skip
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_SENDING = socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL
_PIPE_BUF = 4096

Write = Callable[[bytes], None]


class Syslog:
    """All targets of the process; `dropped` counts the messages that a target did not take."""

    def __init__(self) -> None:
        self.dropped = 0
        self._targets: dict[LogTarget, _Target] = {}
        self._tag = "haproxy"
        self._hostname: str | None = None

    def configure(self, settings: Global, targets: Sequence[LogTarget]) -> None:
        """From now on these are the targets; those that stay keep their sockets."""
        self._tag, self._hostname = settings.log_tag, settings.log_send_hostname
        for gone in set(self._targets) - set(targets):
            self._targets.pop(gone).close()
        for config in targets:
            if config not in self._targets:
                self._targets[config] = _Target(config)
        for target in self._targets.values():
            target.header = _Header(target.config, self._tag, self._hostname)

    def send(self, targets: Sequence[LogTarget], level: int, text: str) -> None:
        """Hand a message to each target that wants messages of this level (0 emerg to 7 debug)."""
        now = time.time()
        for config in targets:
            target = self._targets.get(config)
            if target is None or level > target.level:
                continue
            try:
                target.write(target.header.line(max(level, target.minlevel), text, now))
            except OSError as error:
                self.dropped += 1
                target.complain(error)

    def close(self) -> None:
        """Close every socket."""
        for target in self._targets.values():
            target.close()
        self._targets.clear()


class _Target:
    header: "_Header"

    def __init__(self, config: LogTarget) -> None:
        self.config = config
        self.level, self.minlevel = LEVELS[config.level], LEVELS[config.minlevel]
        self._complained = False
        self.close: Callable[[], None] = lambda: None
        try:
            if config.kind == "udp":
                # A name is looked up once, here: sendto would do it with every message, and wait for the answer.
                family, _, _, _, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_DGRAM)[0]
                self.write = self._datagrams(family, address)
            elif config.kind == "unix":
                self.write = self._datagrams(socket.AF_UNIX, config.path)
            else:
                self.write = self._descriptor({"stdout": 1, "stderr": 2, "fd": config.fd}[config.kind])
        except OSError as error:
            self.write = _failing(error)

    def complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            config = self.config
            where = config.path or (f"{config.host}:{config.port}" if config.host else config.kind)
            logger.warning("cannot log to %s (%s): lines are dropped", where, error.strerror or error)

    def _datagrams(self, family: int, address: tuple[Any, ...] | str) -> Write:
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.setblocking(False)
        self.close = sock.close

        def write(line: bytes) -> None:
            try:
                sock.sendto(line, _SENDING, address)
            except ConnectionRefusedError:
                # What an earlier datagram met: an unconnected socket tells of it once. This one was not sent.
                sock.sendto(line, _SENDING, address)

        return write

    def _descriptor(self, fd: int) -> Write:
        """Others share the descriptor, so its flags are not ours to change."""
        mode = os.fstat(fd).st_mode
        if stat.S_ISSOCK(mode):
            # journald's standard output is a stream socket.
            sock = socket.socket(fileno=os.dup(fd))
            self.close = sock.close

            def send(line: bytes) -> None:
                if sock.send(line, _SENDING) < len(line):
                    raise BlockingIOError("the reader is too slow")

            return send
        if stat.S_ISREG(mode):
            return lambda line: _all(os.write(fd, line), line)
        try:
            own = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return _polled(fd)
        self.close = lambda: os.close(own)
        return lambda line: _all(os.write(own, line), line)


def _all(written: int, line: bytes) -> None:
    if written < len(line):
        raise BlockingIOError("the reader is too slow")


def _failing(error: OSError) -> Write:
    def write(_: bytes) -> None:
        raise error

    return write


def _polled(fd: int) -> Write:
    """For what cannot be opened a second time: write only what surely fits."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)

    def write(line: bytes) -> None:
        if not poll.poll(0):
            raise BlockingIOError("the reader is too slow")
        os.write(fd, line[: _PIPE_BUF - 1] + b"\n" if len(line) > _PIPE_BUF else line)

    return write


class _Header:
    """What stands before a message; remembered for the second that it is true."""

    def __init__(self, config: LogTarget, tag: str, hostname: str | None) -> None:
        self._facility = _FACILITIES[config.facility] << 3
        self._format = config.format
        if config.format == "local" and hostname:
            self._format = "rfc3164"  # as HAProxy: `log-send-hostname` changes the default
        self._tag, self._hostname = tag, hostname or ""
        self._length = config.length
        self._pid = os.getpid()
        self._second = -1
        self._dates = ("", "", "")

    def line(self, level: int, text: str, now: float) -> bytes:
        """The whole message, cut to the length of the target, and a newline."""
        return f"{self._head(level, now)}{text}".encode(errors="replace")[: self._length] + b"\n"

    def _head(self, level: int, now: float) -> str:
        name = self._format
        if name == "raw":
            return ""
        if name == "short":
            return f"<{level}>"
        if name == "priority":
            return f"<{self._facility + level}>"
        second = int(now)
        if second != self._second:
            self._second, self._dates = second, _dates(second)
        syslog, iso, zone = self._dates
        if name in ("local", "rfc3164"):
            host = (self._hostname or "localhost") + " " if name == "rfc3164" else ""
            return f"<{self._facility + level}>{syslog} {host}{self._tag}[{self._pid}]: "
        moment = f"{iso}.{int((now - second) * 1e6):06}{zone}"
        if name == "iso":
            return f"{moment} "
        if name == "timed":
            return f"<{level}>{moment} "
        return f"<{self._facility + level}>1 {moment} {self._hostname or '-'} {self._tag} {self._pid} - - "


def _dates(second: int) -> tuple[str, str, str]:
    """As RFC 3164 writes it, as ISO 8601 does, and the time zone of the latter."""
    local = time.localtime(second)
    clock = f"{local.tm_hour:02}:{local.tm_min:02}:{local.tm_sec:02}"
    hours, minutes = divmod(abs(local.tm_gmtoff) // 60, 60)
    zone = f"{'-' if local.tm_gmtoff < 0 else '+'}{hours:02}:{minutes:02}"
    return (f"{_MONTHS[local.tm_mon - 1]} {local.tm_mday:2} {clock}",
            f"{local.tm_year}-{local.tm_mon:02}-{local.tm_mday:02}T{clock}", zone)  # fmt: skip
