"""Clients and servers brought together: performs what sessions decide, and tells them what became of it.

A session's life: accept -> `Session.start` -> connect -> relay -> closed. Everything on that line runs once per
connection at full speed, so it is written out rather than divided nicely, and a session that goes wrong leaves it.
"""

import errno
import logging
import socket
from collections.abc import Callable, Sequence
from math import inf

from pyha.balance import source_key
from pyha.proxy.effects import Connect, Effect, Judge, Refuse, ShutdownSessions, Suspect, Wait, Wake
from pyha.proxy.server import Server
from pyha.proxy.session import Session
from pyha.runtime.entrance import Entrance, Route
from pyha.runtime.kernelpath import settle
from pyha.runtime.link import CLOSED, CONNECTING, OPEN, WAITING, Link
from pyha.runtime.relay import Relay
from pyha.runtime.timeouts import patience
from pyha.runtime.wheel import Wheel

logger = logging.getLogger("pyha.worker")

_AT_ONCE = 64  # connections accepted from one socket before others get their turn
_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL, errno.EAGAIN})
_PEEK = socket.MSG_DONTWAIT | socket.MSG_PEEK
_UNREAD = 64 * 1024
_LOOK_AGAIN = 1.0  # seconds between looks at a link that has no server yet


class Switchboard:
    """The relay's handler. `idle` is called whenever the last session has ended, `suspect` when a server looks ill."""

    def __init__(self, idle: Callable[[], None], suspect: Callable[[Suspect], None]) -> None:
        self.relay = Relay(self)
        self.limit = 1 << 60
        self.sessions = 0
        self.entrances: dict[tuple[str, int, str], Entrance] = {}
        self.wheel = Wheel(self.relay.now)
        self._idle = idle
        self._suspect = suspect
        self._young: set[Link] = set()  # not on the wheel yet: most connections end before they have to be
        self._woken: list[Link] = []
        self._shut: set[Entrance] = set()  # not listened to, for lack of room

    # -- the straight line ---------------------------------------------------------------------------------------------

    def accept(self, entrance: Entrance) -> None:
        """Connections wait on a listening socket."""
        route, relay, accept, family = entrance.route, self.relay, entrance.accept, entrance.family
        frontend, backend, now, began = route.frontend, route.backend, relay.now, route.began
        by_client = backend.algorithm.by_client
        gate, turns = route.gate, _AT_ONCE
        if gate is not None:
            turns = gate.turns(now, _AT_ONCE)
            if not turns:
                self._shut_out(entrance)
        for _ in range(turns):
            if frontend.sessions >= frontend.limit or self.sessions >= self.limit:
                self._shut_out(entrance)
                return
            try:
                fd, address = accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _RESOURCES:
                    self._exhausted(entrance, error)
                    return
                continue  # that client is gone already
            if gate is not None:
                gate.enter(fd, address, family)
                continue
            frontend.admit()
            self.sessions += 1
            link = Link(route, address, now)
            relay.adopt(link, fd, family)
            session = link.session = Session(backend, source_key(address[0]) if by_client else 0)
            self._young.add(link)
            if began is not None:
                began(link)
            effect = session.start(now)
            if type(effect) is Connect:
                self._connect(link, effect.server)
            else:
                self._perform(link, (effect,))

    def connected(self, link: Link) -> None:
        """The relay: a server answered."""
        link.session.connected()
        hook = link.owner.connected
        if hook is not None:
            hook(link)

    def closed(self, link: Link) -> None:
        """The relay: both sockets are closed."""
        session, route = link.session, link.owner
        received, server = link.client.received, link.server
        sent = 0 if server is None else server.received
        wake = session.finish(link.cause, self.relay.now, received, sent)
        if route.ended is not None:
            route.ended(link)
        session.link = None
        self.sessions -= 1
        if link.due:
            self.wheel.remove(link)
        else:  # nothing keeps it, so the next one gets memory that is still in the cache
            self._young.discard(link)
        if route.frontend.leave(received, sent) or self._shut:
            self.relay.defer(self.let_in)
        if wake is not None:
            self._wake(wake)
        if not self.sessions:
            self._idle()

    def _connect(self, link: Link, server: Server) -> None:
        family, address, host = server.endpoint
        if address is None:
            # "the port that the client connected to", perhaps with an offset
            address = (host, link.bound()[1] + server.config.port_offset)
        error = self.relay.connect(link, family, address, options=server.options)
        if error:
            cause = "R" if error in _RESOURCES else "S"
            self._perform(link, link.session.connect_failed(self.relay.now, cause, at_once=True))

    # -- whatever is not straight --------------------------------------------------------------------------------------

    def spoke(self, link: Link, *, gone: bool) -> None:
        """The relay: the client of a link that rules look at did something."""
        gate = link.owner.gate
        if gone:
            self.relay.defer(lambda: gate.lost(link, "C", reset=True))
        else:
            self.relay.defer(lambda: gate.look(link))

    def settle(self, link: Link, effect: Effect) -> None:
        """A gate: what a session decided."""
        if link.due:
            self.wheel.remove(link)
        self._young.add(link)
        self._perform(link, (effect,))

    def turn_away(self, link: Link, cause: str) -> None:
        """A gate: rules rejected a client."""
        self._refuse(link, cause)

    def watch(self, link: Link) -> None:
        """A gate: rules want to hear more of a client."""
        self.relay.watch_waiting(link)
        self._put(link)

    def connect_failed(self, link: Link, _error: int) -> None:
        """The relay: a server refused, or cannot be reached."""
        effects = link.session.connect_failed(self.relay.now)
        self.relay.defer(lambda: self._perform(link, effects))

    def perform(self, effects: Sequence[Effect]) -> None:
        """Do what a backend wants done; not while events are handled."""
        for effect in effects:
            if isinstance(effect, ShutdownSessions):
                for link in self.links():
                    if link.session.server is effect.server:
                        self.relay.close(link, effect.cause)
            elif isinstance(effect, Wake):
                self._wake(effect)
        self.run_woken()

    def links(self) -> list[Link]:
        """Every link there is."""
        return [side.link for side in self.relay.sides.values() if side.is_client]

    def _perform(self, link: Link, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Wake):
                self._wake(effect)
            elif isinstance(effect, Suspect):
                self._suspect(effect)
            elif link.stage is CLOSED:
                continue
            elif isinstance(effect, Connect):
                self._connect(link, effect.server)
            elif isinstance(effect, Refuse):
                self._refuse(link, effect.cause)
            elif isinstance(effect, Judge):
                link.owner.gate.look(link)
            elif isinstance(effect, Wait):
                link.session.link = link
                self.relay.watch_waiting(link)
                self._put(link)

    def _refuse(self, link: Link, cause: str) -> None:
        # Unread input would turn the FIN into a reset, which a client takes for a broken connection.
        client = link.client
        try:
            while data := client.sock.recv(_UNREAD, socket.MSG_DONTWAIT):
                client.received += len(data)
                if client.received > 16 * _UNREAD:
                    break
        except OSError:
            pass
        self.relay.close(link, cause)

    def _wake(self, wake: Wake) -> None:
        self._woken.append(wake.session.link)  # type: ignore[arg-type]  # ours, set while it waits
        if len(self._woken) == 1:
            self.relay.defer(self.run_woken)

    def run_woken(self) -> None:
        """Connect sessions whose turn has come."""
        while self._woken:
            links, self._woken = self._woken, []
            for link in links:
                if link.stage is WAITING:
                    link.session.link = None
                    self._connect(link, link.session.server)

    # -- no room -------------------------------------------------------------------------------------------------------

    def _shut_out(self, entrance: Entrance) -> None:
        if entrance.open:
            entrance.open = False
            self.relay.unlisten(entrance.fd)
            self._shut.add(entrance)

    def _exhausted(self, entrance: Entrance, error: OSError) -> None:
        logger.warning("cannot accept connections of '%s': %s", entrance.route.frontend.name, error.strerror)
        self._shut_out(entrance)  # the next session that ends, or the next tick, lets it in again

    def let_in(self) -> None:
        """Listen again where there is room now."""
        for entrance in list(self._shut):
            frontend = entrance.route.frontend
            room = entrance.route.gate is None or frontend.room(self.relay.now)
            if room and frontend.sessions < frontend.limit and self.sessions < self.limit:
                self._shut.discard(entrance)
                entrance.open = True
                self.relay.listen(entrance.fd, entrance.acceptable)

    def open(self, key: tuple[str, int, str], sock: socket.socket, route: Route) -> None:
        """Listen on a new socket."""
        entrance = self.entrances[key] = Entrance(sock, route, self.accept)
        entrance.open = True
        self.relay.listen(entrance.fd, entrance.acceptable)

    def close(self, key: tuple[str, int, str]) -> None:
        """Listen no more; the sessions that came in go on."""
        entrance = self.entrances.pop(key)
        self._shut.discard(entrance)
        self.relay.unlisten(entrance.fd)
        entrance.sock.close()

    # -- time ----------------------------------------------------------------------------------------------------------

    def tick(self, now: float) -> None:
        """A tenth of a second has passed."""
        self.relay.now = now
        young, self._young = self._young, set()
        for link in young:
            if link.stage is not CLOSED and not link.due:
                if link.stage is not OPEN:
                    self.relay.watch_waiting(link)
                self._put(link)
        for link in self.wheel.expire(now):
            if link.stage is not CLOSED:
                self._look(link, now)
        self.run_woken()
        if self._shut:
            self.let_in()

    def _put(self, link: Link) -> None:
        timeouts = link.owner.timeouts
        if link.stage is OPEN:
            due = link.active + timeouts.shortest
        else:
            due = min(link.session.deadline, link.active + timeouts.client, self.relay.now + _LOOK_AGAIN)
        if due < inf:
            self.wheel.put(link, due)

    def _look(self, link: Link, now: float) -> None:
        session, timeouts = link.session, link.owner.timeouts
        if link.stage is OPEN:
            self._look_at_open(link, now)
        elif now >= session.deadline:
            if link.stage is CONNECTING:
                self.relay.abandon(link)
            self._perform(link, session.expire(now))
        elif now >= link.active + timeouts.client:
            if link.admission is not None:
                link.owner.gate.lost(link, "c")
            elif _has_input(link):
                link.active = now  # it said something, it is we who are slow
            else:
                self.relay.close(link, "c")
        if link.stage is not CLOSED and not link.due:
            self._put(link)

    def _look_at_open(self, link: Link, now: float) -> None:
        if link.client.kernel or (link.server is not None and link.server.kernel):
            settle(link, now)
        allowed, blamed = patience(link, link.owner.timeouts)
        if now - link.active >= allowed:
            self.relay.end_input(blamed, "c" if blamed.is_client else "s")
            link.active = now  # what is left of it may take as long again


def _has_input(link: Link) -> bool:
    try:
        return bool(link.client.sock.recv(1, _PEEK))
    except OSError:
        return False
