"""Telling systemd how we are (sd_notify(3)); without systemd, nothing."""

import contextlib
import os
import socket


def notify(*lines: str) -> None:
    """Send a state such as READY=1, STOPPING=1 or STATUS=..."""
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        sock.sendto("\n".join(lines).encode(), "\0" + path[1:] if path.startswith("@") else path)


def on_journal() -> bool:
    """Whether standard error goes to the journal (systemd.exec(5), $JOURNAL_STREAM)."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    with contextlib.suppress(OSError):
        stat = os.fstat(2)
        return (device, inode) == (str(stat.st_dev), str(stat.st_ino))
    return False
