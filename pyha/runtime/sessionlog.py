"""From a session that begins, is connected or has ended to the line that the log targets want to read."""

import os
import time
from collections.abc import Callable
from itertools import count

from pyha.config.model import LogPolicy
from pyha.proxy import logline
from pyha.proxy.logformat import needs
from pyha.proxy.record import Record
from pyha.proxy.session import Session
from pyha.runtime.entrance import Route
from pyha.runtime.link import Link
from pyha.runtime.syslog import Syslog

_NUMBERS = count()
_NOWHERE = ("", 0)


class SessionLog:
    """The log of one frontend. ValueError when its `log-format` cannot be read."""

    def __init__(self, name: str, policy: LogPolicy, syslog: Syslog, load: Callable[[], int]) -> None:
        self._name = name
        self._policy = policy
        self._syslog = syslog
        self._load = load  # how many sessions this process has
        self._format = logline.formatter(policy)
        self._lines = 0
        self._pid, self._hostname = os.getpid(), os.uname().nodename
        custom = policy.custom if policy.format == "custom" else ""
        self._wants_bound = needs(custom, "fi", "fp")
        self._wants_source = needs(custom, "bi", "bp")
        # What has to be asked of a socket before it is closed; only for the formats that want it.
        self._bound: dict[Link, tuple[str, int]] = {}
        self._source: dict[Link, tuple[str, int]] = {}

    def equip(self, route: Route) -> None:
        """Hang onto the moments at which there is something to do."""
        if not self._policy.targets:
            return
        if self._format is None:
            route.began = self._announce
            return
        route.began = self._begun if self._wants_bound else None
        route.connected = self._connected if self._policy.asap or self._wants_source else None
        route.ended = self._ended

    def _announce(self, link: Link) -> None:
        line = logline.connect_line(link.address[:2], link.bound()[:2], self._name)
        self._syslog.send(self._policy.targets, logline.INFO, line)

    def failed(self, listener: str, link: Link, reason: str, silent: bool) -> None:  # noqa: FBT001 - a Complain
        """A connection ended before there was a session. `silent`: its client never sent a byte."""
        if not silent or not self._policy.dontlognull:
            accepted = time.time() - (time.monotonic() - link.accepted)
            line = logline.failed_line(link.address[:2], accepted + time.localtime(accepted).tm_gmtoff,
                                       f"{self._name}/{listener}", reason)
            level = logline.ERR if self._policy.separate_errors else logline.INFO
            self._syslog.send(self._policy.targets, level, line)

    def _begun(self, link: Link) -> None:
        self._bound[link] = link.bound()[:2]

    def _connected(self, link: Link) -> None:
        if self._wants_source and link.server is not None:
            self._source[link] = link.server.sock.getsockname()[:2]
        if self._policy.asap:
            self._write(link, link.connected, asap=True)

    def _ended(self, link: Link) -> None:
        if not (self._policy.asap and link.connected):
            self._write(link, time.monotonic(), asap=False)
        self._bound.pop(link, None)
        self._source.pop(link, None)

    def _write(self, link: Link, now: float, *, asap: bool) -> None:
        session: Session = link.session
        level = logline.level(self._policy, session.code, session.retries, redispatched=session.redispatched,
                              silent=not link.client.received and not asap)  # fmt: skip
        if level is None or self._format is None:
            return
        accepted = time.time() - (time.monotonic() - link.accepted)
        server, backend = session.server or session.failed, session.backend
        total = int((now - link.accepted) * 1000)
        waited = int((session.assigned - link.accepted) * 1000) if session.assigned else -1
        if waited < 0 and session.code in ("sQ", "CQ"):
            waited = total
        frontend = link.owner.frontend
        record = Record(
            client=link.address[:2], frontend=self._name, backend=backend.name,
            server="<NOSRV>" if server is None else server.name,
            accepted=accepted, utc_offset=time.localtime(accepted).tm_gmtoff,
            queued=waited, connect=int((link.connected - session.assigned) * 1000) if link.connected else -1,
            total=total, bytes_in=link.client.received, bytes_out=0 if link.server is None else link.server.received,
            code=session.code, process_sessions=self._load(), frontend_sessions=frontend.sessions,
            backend_sessions=backend.sessions, server_sessions=0 if server is None else server.sessions,
            retries=session.retries, redispatched=session.redispatched,
            server_queue=session.server_queue, backend_queue=session.backend_queue, asap=asap,
            bound=self._bound.get(link, _NOWHERE), source=self._source.get(link, _NOWHERE),
            target=_NOWHERE if server is None or server.endpoint is None else _target(server.endpoint),
            pid=self._pid, hostname=self._hostname, number=next(_NUMBERS), logged=self._lines,
        )  # fmt: skip
        self._lines += 1
        self._syslog.send(self._policy.targets, level, self._format(record))


def _target(endpoint: tuple[int, tuple[str, int] | None, str]) -> tuple[str, int]:
    _, address, host = endpoint
    return address[:2] if address else (host, 0)
