"""Clients of a frontend with rules, from accept until they have a server: performs what `Admission` decides.

Their first bytes are peeked at and stay in the socket, so that whoever relays finds all of them. A frontend without
rules has no gate, and its clients never come here.
"""

import contextlib
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from pyha.balance import source_key
from pyha.proxy.effects import Effect
from pyha.proxy.frontend import FrontendState
from pyha.proxy.rules import Admission, Choice, Ruleset, Verdict
from pyha.proxy.session import Session
from pyha.proxy.visit import MOST, Visit
from pyha.runtime.entrance import Route, both
from pyha.runtime.headers import Headers
from pyha.runtime.link import Link, Stage
from pyha.runtime.relay import Relay

_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT
_NO_LINGER = struct.pack("ii", 1, 0)
_TCP_REPAIR = 19  # linux/tcp.h


class Board(Protocol):
    """What the switchboard does for us."""

    relay: Relay
    sessions: int

    def settle(self, link: Link, effect: Effect) -> None:
        """Perform what a session decided."""

    def turn_away(self, link: Link, cause: str) -> None:
        """Close the client's connection in order."""

    def watch(self, link: Link) -> None:
        """Look at the link again when it is due, and notice what its client does."""


class Gate:
    """The rules of one frontend. `routes` by backend; "" is for clients that no backend is there for."""

    def __init__(self, board: Board, rules: Ruleset, entry: Route, routes: Mapping[str, Route],
                 headers: Headers | None = None) -> None:
        self._board = board
        self._headers = headers
        if headers is not None:
            headers.serve(self, entry, self._ended)
        self._rules = rules
        self._entry = entry
        self._routes = routes
        self._visits: dict[Link, Visit] = {}  # those that are counted, or shall stick, until they end

    # -- before there is a session -------------------------------------------------------------------------------------

    def turns(self, now: float, most: int) -> int:
        """How many clients may be accepted now, by `rate-limit sessions`."""
        return min(most, self._entry.frontend.room(now))

    def enter(self, fd: int, address: tuple[str, int], family: int) -> None:
        """A client was accepted."""
        board, entry = self._board, self._entry
        frontend, relay = entry.frontend, board.relay
        now = relay.now
        link = Link(entry, address, now)
        relay.adopt(link, fd, family)
        visit = Visit(address, link.bound, now)
        admission = Admission(self._rules, visit)
        verdict = admission.arrive()
        headers = self._headers
        if verdict == "accept" and headers is not None and (visit.headed or headers.always):
            headers.expect(link, admission)
        elif self._let_in(admission, link, frontend, verdict):
            self._open(link, admission)
        else:
            visit.leave(now)

    def admit(self, link: Link, admission: Admission) -> None:
        """A client has sent its header, if it had to: a session may begin."""
        assert self._headers is not None
        admission.visit.now = link.active = self._board.relay.now
        if admission.begin() == "accept":
            self._headers.release(link)
            self._open(link, admission)
        else:
            self._entry.frontend.denied += 1
            self._headers.reject(link)

    def _open(self, link: Link, admission: Admission) -> None:
        board, entry = self._board, self._entry
        entry.frontend.pace.add(board.relay.now)
        entry.frontend.admit()
        board.sessions += 1
        link.admission = admission
        session = link.session = Session(entry.backend, 0)
        session.inspect(board.relay.now)
        if entry.began is not None:
            entry.began(link)
        self.look(link)

    def _let_in(self, admission: Admission, link: Link, frontend: FrontendState, verdict: Verdict) -> bool:
        """What HAProxy logs nothing about."""
        if verdict == "accept":
            verdict = admission.begin()
            if verdict == "reject":
                frontend.denied += 1
                self._board.relay.drop(link)
                return False
        if verdict == "accept":
            return True
        frontend.denied += 1
        if verdict == "silent-drop":
            vanish(link)
        else:
            _reset(link)
        self._board.relay.drop(link)
        return False

    # -- while it is looked at -----------------------------------------------------------------------------------------

    def look(self, link: Link) -> None:
        """More may be known about a client now, or it is time to decide."""
        admission = link.admission
        if admission is None or link.stage is Stage.CLOSED:
            return
        if self._headers is not None and link in self._headers:
            self._headers.hear(link)
            return
        outcome = self._decide(link, admission)
        if outcome is None:
            self._enter_backend(link, admission)
            link.session.inspect(admission.deadline)
            self._board.watch(link)
        elif isinstance(outcome, Choice):
            self._choose(link, outcome)
        else:
            self._reject(link, admission, outcome)

    def _decide(self, link: Link, admission: Admission, *, final: bool = False) -> Verdict | Choice | None:
        visit, client = admission.visit, link.client
        if self._rules.reads:
            with contextlib.suppress(OSError):  # nothing there, or gone
                data = client.sock.recv(MOST, _PEEK)
                if len(data) > len(visit.data):
                    link.active = self._board.relay.now
                visit.look(data)
        return admission.proceed(self._board.relay.now, final=final or client.ended)

    def _enter_backend(self, link: Link, admission: Admission) -> None:
        session = link.session
        route = self._routes.get(admission.backend or "") if admission.backend is not None else None
        if route is not None and session.backend is not route.backend:
            link.owner = route
            key = source_key(link.address[0]) if route.backend.algorithm.by_client else 0
            session.enter(route.backend, key)

    def _choose(self, link: Link, choice: Choice) -> None:
        admission, session = link.admission, link.session
        assert admission is not None
        link.admission = None
        self._enter_backend(link, admission)
        visit = admission.visit
        if visit.stores or any(visit.tracked):
            self._visits[link] = visit
        self._board.settle(link, session.begin(self._board.relay.now, choice.server))

    def _reject(self, link: Link, admission: Admission, verdict: Verdict) -> None:
        link.admission = None
        self._enter_backend(link, admission)
        link.owner.frontend.denied += 1
        self._visits[link] = admission.visit
        if verdict == "silent-drop":
            vanish(link)
            self._board.relay.close(link, "P")
        else:
            self._board.turn_away(link, "P")

    def lost(self, link: Link, cause: str, *, reset: bool = False) -> None:
        """The client was silent for too long, or is gone: what the rules say to that is only for the log."""
        admission = link.admission
        if admission is None:
            return
        if self._headers is not None and link in self._headers:
            self._headers.lost(link, reset=reset)
            return
        outcome = self._decide(link, admission, final=True)
        if isinstance(outcome, Choice) or reset:
            link.admission = None
            self._enter_backend(link, admission)
            self._visits[link] = admission.visit
            admission.visit.stores.clear()
            self._board.relay.close(link, cause)
        elif outcome is not None:
            self._reject(link, admission, outcome)

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def equip(self, route: Route) -> None:
        """Hang onto the end of sessions, after whoever logs them; and onto their beginning where something sticks."""
        route.ended = both(route.ended, self._ended)
        side = self._rules.backends.get(route.backend.name)
        if side is not None and any(rule.store for rule in side[1].stick):
            route.connected = both(route.connected, self._connected)

    def _connected(self, link: Link) -> None:
        visit = self._visits.get(link)
        if visit is not None and link.session.server is not None:
            for entry in visit.stores:
                entry.table.stick(entry, link.session.server.name)

    def _ended(self, link: Link) -> None:
        visit = self._visits.pop(link, None) or (None if link.admission is None else link.admission.visit)
        if visit is not None:
            link.admission = None
            visit.leave(self._board.relay.now, link.client.received, 0 if link.server is None else link.server.received)


def gated(board: Board, rules: Ruleset, make: Callable[[str], Route], names: Iterable[str],
          headers: Headers | None = None) -> Route:
    """The route by which clients come in that rules decide about. `make`: the route to a backend, "" for none.

    `headers`: where clients may have to send a PROXY protocol header first.
    """
    entry = make("")
    routes = {name: make(name) for name in names}
    gate = Gate(board, rules, entry, routes, headers)
    for route in (entry, *routes.values()):
        gate.equip(route)
        route.gate = gate
    return entry


def _reset(link: Link) -> None:
    with contextlib.suppress(OSError):
        link.client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)


def vanish(link: Link) -> None:
    """Make the close of this client send nothing, as `silent-drop` does; where that is not permitted, send little."""
    sock = link.client.sock
    try:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
    except OSError:
        with contextlib.suppress(OSError):
            if ":" in link.address[0]:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        _reset(link)
