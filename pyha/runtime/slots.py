"""Listening sockets. The supervisor owns them all; a *slot* is one process's share of a listening address.

Each address is bound once per worker with SO_REUSEPORT, and the supervisor keeps its own copy of every slot open:
while a worker is replaced, connections wait in its slot instead of being refused.
"""

import errno
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

from pyha.config.model import Bind, Config, Frontend
from pyha.control.messages import Listener
from pyha.control.status import address
from pyha.errors import FitnessError
from pyha.runtime import listening, sockopts

_IP_FREEBIND, _IPV6_FREEBIND = 15, 78  # linux/in.h and linux/in6.h; the socket module lacks them
_IP_TRANSPARENT, _IPV6_TRANSPARENT = 19, 75
_BACKLOG = 4096  # the kernel takes the smaller of this and net.core.somaxconn

_log = logging.getLogger("pyha.supervisor")

Key = tuple[str, str, int, str | None, bool, bool]


@dataclass
class Slots:
    """The listening sockets of one generation: of every bind, one socket per worker (or one for the monitor)."""

    sockets: dict[Key, list[socket.socket]] = field(default_factory=dict)
    listeners: dict[Key, tuple[Listener, bool]] = field(default_factory=dict)  # bool: the monitor's

    def of_worker(self, index: int) -> tuple[list[Listener], list[int]]:
        """What goes with a worker's Configure: the listeners and their descriptors, in the same order."""
        keys = [key for key, (_, monitor) in self.listeners.items() if not monitor]
        return [self.listeners[key][0] for key in keys], [self.sockets[key][index].fileno() for key in keys]

    def of_monitor(self) -> tuple[list[Listener], list[int]]:
        """The listeners that the monitor answers itself (statistics page, monitor-uri)."""
        keys = [key for key, (_, monitor) in self.listeners.items() if monitor]
        return [self.listeners[key][0] for key in keys], [self.sockets[key][0].fileno() for key in keys]

    def close(self, *, but: "Slots | None" = None) -> None:
        """Close every socket that `but` does not use."""
        kept = {id(sock) for socks in (but.sockets.values() if but else ()) for sock in socks}
        for socks in self.sockets.values():
            for sock in socks:
                if id(sock) not in kept:
                    sock.close()


def bind(config: Config, workers: int, old: Slots | None = None) -> Slots:
    """Sockets for every bind of `config`, those of `old` reused where they fit.

    Raises FitnessError, with one sentence for every address that cannot be had; then nothing has changed and nothing
    new is left open.
    """
    slots = Slots()
    complaints = []
    tuned: dict[Key, Bind] = {}
    ours = {os.fstat(sock.fileno()).st_ino for socks in (old.sockets.values() if old else ()) for sock in socks}
    for frontend, index, wanted in _binds(config):
        key = (frontend.name, wanted.host, wanted.port, wanted.interface, wanted.v6only, wanted.transparent)
        tuned[key] = wanted
        monitor = frontend.http is not None
        count = 1 if monitor else workers
        slots.listeners[key] = (
            Listener(frontend=frontend.name, bind=index, host=wanted.host, port=wanted.port), monitor,
        )
        have = old.sockets.get(key) if old else None
        if have and len(have) == count:
            slots.sockets[key] = have
            continue
        try:
            slots.sockets[key] = _open(wanted, count, ours)
            ours |= {os.fstat(sock.fileno()).st_ino for sock in slots.sockets[key]}
        except OSError as error:
            complaints.append(_sentence(frontend, wanted, error, ours))
    if complaints:
        slots.close(but=old)
        raise FitnessError("; ".join(complaints))
    for key, wanted in tuned.items():
        for sock in slots.sockets[key]:
            _tune(sock, wanted)
    return slots


def _tune(sock: socket.socket, wanted: Bind) -> None:
    for option in sockopts.of_listener(wanted):
        try:
            sock.setsockopt(*option)
        except OSError as error:  # tuning that this kernel does not have is no reason not to serve
            _log.warning("%s: option %d of its socket cannot be set: %s", address(wanted.host, wanted.port), option[1],
                         error.strerror)
    sock.listen(wanted.backlog or _BACKLOG)


def _binds(config: Config) -> Iterator[tuple[Frontend, int, Bind]]:
    for frontend in config.frontends:
        if not frontend.disabled:
            for index, wanted in enumerate(frontend.binds):
                yield frontend, index, wanted


def _open(wanted: Bind, count: int, ours: set[int]) -> list[socket.socket]:
    # SO_REUSEPORT would let us share the port with any other program that sets it too (haproxy does), and the two would
    # each get a part of the connections. So ask once without it.
    probe = _socket(wanted, shared=False)
    try:
        _bind(probe, wanted)
        probe.listen(1)
    except OSError as error:
        if error.errno != errno.EADDRINUSE or not listening.all_ours(wanted.host, wanted.port, ours):
            raise
    finally:
        probe.close()
    opened: list[socket.socket] = []
    try:
        for _ in range(count):
            sock = _socket(wanted, shared=True)
            opened.append(sock)
            _bind(sock, wanted)
            sock.listen(wanted.backlog or _BACKLOG)
    except OSError:
        for sock in opened:
            sock.close()
        raise
    return opened


def _socket(wanted: Bind, *, shared: bool) -> socket.socket:
    six = ":" in wanted.host
    sock = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted sockets inherit it: a call saved on each
        # The virtual address comes and goes; listening on it must not depend on who holds it now.
        if six:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(wanted.v6only and not wanted.v4v6))
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_FREEBIND, 1)
        if wanted.transparent:
            level, option = (socket.IPPROTO_IPV6, _IPV6_TRANSPARENT) if six else (socket.IPPROTO_IP, _IP_TRANSPARENT)
            sock.setsockopt(level, option, 1)
        if wanted.interface:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, wanted.interface.encode() + b"\0")
    except OSError:
        sock.close()
        raise
    return sock


def _bind(sock: socket.socket, wanted: Bind) -> None:
    host, _, scope = wanted.host.partition("%")
    if sock.family == socket.AF_INET6:
        sock.bind((host, wanted.port, 0, socket.if_nametoindex(scope) if scope else 0))
    else:
        sock.bind((host, wanted.port))


def _sentence(frontend: Frontend, wanted: Bind, error: OSError, ours: set[int]) -> str:
    where = f"'{frontend.name}' cannot listen on {address(wanted.host, wanted.port)}"
    if error.errno == errno.EADDRINUSE:
        owner = listening.owner(wanted.host, wanted.port, ours)
        return f"{where}: the address is in use" + (f" by {owner}" if owner else "")
    if error.errno in {errno.EACCES, errno.EPERM}:
        return f"{where}: not permitted; run as root or with the capability CAP_NET_BIND_SERVICE"
    if error.errno == errno.ENODEV:
        return f"{where}: there is no interface '{wanted.interface}'"
    return f"{where}: {error.strerror or error}"
