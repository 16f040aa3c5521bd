"""Socket options that the configuration asks for, as (level, option, value)."""

import socket
from functools import cache

from pyha.config.model import Backend, Bind, Frontend, Server

Option = tuple[int, int, int]

_TCP = socket.IPPROTO_TCP
_PENDING = 4096  # connections that may send bytes before their handshake is complete (`tfo`)


def of_listener(bind: Bind) -> tuple[Option, ...]:
    """Everything that may differ from one generation to the next: a socket that is kept is set back as well."""
    return (
        (_TCP, socket.TCP_MAXSEG, bind.mss or 0),
        (_TCP, socket.TCP_USER_TIMEOUT, bind.tcp_ut or 0),
        (_TCP, socket.TCP_FASTOPEN, (bind.backlog or _PENDING) if bind.tfo else 0),
        (_TCP, socket.TCP_DEFER_ACCEPT, int(bind.defer_accept)),
    )


def of_clients(frontend: Frontend) -> tuple[Option, ...]:
    """For the listening socket, from which accepted ones inherit."""
    return _keepalive(frontend.clitcpka, frontend.clitcpka_idle, frontend.clitcpka_intvl, frontend.clitcpka_cnt)


def of_server(backend: Backend, server: Server) -> tuple[Option, ...]:
    """For connections to a server; mostly none."""
    keepalive = _keepalive(True, backend.srvtcpka_idle, backend.srvtcpka_intvl, backend.srvtcpka_cnt) \
        if backend.srvtcpka else ()
    return (*keepalive, (_TCP, socket.TCP_USER_TIMEOUT, server.tcp_ut)) if server.tcp_ut else keepalive


def _keepalive(on: bool, idle: int | None, interval: int | None, count: int | None) -> tuple[Option, ...]:  # noqa: FBT001 - as the kernel has it
    return (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(on)),
        (_TCP, socket.TCP_KEEPIDLE, _seconds(idle) or _default(socket.TCP_KEEPIDLE)),
        (_TCP, socket.TCP_KEEPINTVL, _seconds(interval) or _default(socket.TCP_KEEPINTVL)),
        (_TCP, socket.TCP_KEEPCNT, count or _default(socket.TCP_KEEPCNT)),
    )


def _seconds(milliseconds: int | None) -> int:
    """What the kernel takes: whole seconds, at least one and at most 32767."""
    return 0 if milliseconds is None else min(32767, max(1, milliseconds // 1000))


@cache
def _default(option: int) -> int:
    with socket.socket() as sock:
        return sock.getsockopt(_TCP, option)
