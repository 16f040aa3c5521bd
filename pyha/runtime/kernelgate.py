"""Whether this machine's kernel may relay by itself: asked once, by the supervisor, before any worker is told."""

import contextlib
import logging
import os
import platform
import socket
from typing import Literal

from pyha.runtime.bpf import Maps
from pyha.runtime.log import notice

log = logging.getLogger("pyha.supervisor")

TESTED = (6, 18)
"""Older kernels had serious bugs here: `auto` uses only those on which our own stress test has passed."""

_PATIENCE = 5.0  # seconds for a few bytes in the self-test: a booting machine has other things to do


def open_maps(mode: Literal["auto", "on", "off"], workers: int, release: str = "") -> tuple[Maps, ...]:
    """The maps, one of each for every worker; none where the kernel path is off or cannot be had (said in the log)."""
    if mode == "off" or not workers:
        return ()
    if mode == "auto" and _version(release or platform.release()) < TESTED:
        notice(log, f"kernel path: not used, this kernel is older than {TESTED[0]}.{TESTED[1]}")
        return ()
    made: list[Maps] = []
    try:
        for _ in range(workers):
            made.append(Maps.create())
            if not works(made[-1]):
                raise OSError("the self-test failed")
    except OSError as error:
        for maps in made:
            maps.close()
        complain = log.warning if mode == "on" else log.info
        complain("kernel path: not available (%s): all bytes go through the workers", error.strerror or error)
        return ()
    return tuple(made)


def works(maps: Maps) -> bool:
    """Send a few bytes each way through two loopback connections that are joined in the middle."""
    with contextlib.ExitStack() as stack:
        try:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            ends, middles = [], []
            for _ in range(2):
                end = stack.enter_context(socket.create_connection(listener.getsockname(), _PATIENCE))
                middles.append(stack.enter_context(listener.accept()[0]))
                end.settimeout(_PATIENCE)
                ends.append(end)
            early = os.urandom(100)
            ends[0].sendall(early)  # waits in the queue and must be carried too
            maps.pair(middles[0], middles[1])
            maps.start(middles[0])
            maps.start(middles[1])
            if _read(ends[1], len(early)) != early:
                return False
            for sender, receiver in (ends, reversed(ends)):
                data = os.urandom(5000)
                sender.sendall(data)
                if _read(receiver, len(data)) != data:
                    return False
        except OSError:
            return False
    return True


def _read(sock: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = sock.recv(count - len(data))
        if not more:
            break
        data += more
    return data


def _version(release: str) -> tuple[int, int]:
    major, _, rest = release.partition(".")
    minor = rest.partition(".")[0]
    return (int(major), int(minor)) if major.isdigit() and minor.isdigit() else (0, 0)
