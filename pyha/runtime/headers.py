"""PROXY protocol headers, to servers (`send-proxy`) and from clients (`accept-proxy`, `expect-proxy`).

Where neither is configured, nothing here is called.
"""

import socket
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING, Protocol

from pyha.proxy.proxy_protocol import MOST, HeaderError, read, written
from pyha.proxy.rules import Admission
from pyha.proxy.session import Session
from pyha.runtime.entrance import Hook, Route, both
from pyha.runtime.link import Link

if TYPE_CHECKING:
    from pyha.runtime.gate import Board
    from pyha.runtime.relay import Relay

_PEEK = socket.MSG_PEEK | socket.MSG_DONTWAIT


class Admitting(Protocol):
    """Who goes on with a client that has sent its header."""

    def admit(self, link: Link, admission: Admission) -> None:
        """`Link.address` and `Link.bound` are what the header says."""


Complain = Callable[[Link, str, bool], None]
"""Log why a link ended without a header; the last argument: it never sent a byte."""


class Headers:
    """The clients of one listener that have yet to send their header. `always`: all of its clients have to.

    They count as connections of the frontend, and not as sessions. `timeout client` is what they may take in all.
    """

    def __init__(self, board: "Board", complain: Complain, *, always: bool) -> None:
        self._board = board
        self._complain = complain
        self.always = always
        self._links: set[Link] = set()

    def __contains__(self, link: Link) -> bool:
        return link in self._links

    def serve(self, gate: Admitting, entry: Route, ended: Hook) -> None:
        """Be the one in front of this gate."""
        self._gate, self._entry = gate, entry
        self._waiting = Route(entry.frontend, entry.backend, entry.timeouts, gate=gate,  # type: ignore[arg-type]  # it is
                              ended=both(self._links.discard, ended))

    def expect(self, link: Link, admission: Admission) -> None:
        """A client was accepted."""
        self._entry.frontend.sessions += 1
        self._board.sessions += 1
        self._links.add(link)
        link.owner, link.admission = self._waiting, admission
        link.session = Session(self._entry.backend, 0)
        link.session.inspect(inf)
        self.hear(link)

    def hear(self, link: Link) -> None:
        """It may have said something. It is only peeked at: what is behind the header is not ours."""
        try:
            data = link.client.sock.recv(MOST, _PEEK)
        except BlockingIOError:
            self._board.watch(link)
            return
        except OSError:
            self._fail(link, "Connection error while waiting for PROXY protocol header", silent=True)
            return
        if not data:
            self._fail(link, "Connection closed while waiting for PROXY protocol header", silent=True)
            return
        try:
            header = read(data)
        except HeaderError as error:
            self._fail(link, str(error))
            return
        if header is not None:
            link.client.sock.recv(header.size, socket.MSG_DONTWAIT)
            link.header = header
            link.client.torn = True  # the rest of its segment may be there
            if header.source is not None:
                link.address = header.source
                link.admission.visit.learn(header.source)
            self._gate.admit(link, link.admission)
        elif link.client.ended:
            self._fail(link, "Truncated PROXY protocol header received")
        else:
            self._board.watch(link)

    def lost(self, link: Link, *, reset: bool) -> None:
        """It took too long, or is gone."""
        what = "Connection error" if reset else "Timeout"
        self._fail(link, f"{what} while waiting for PROXY protocol header", silent=reset or not self._spoke(link))

    def release(self, link: Link) -> None:
        """It is a session from now on."""
        self._links.discard(link)
        self._entry.frontend.sessions -= 1
        self._board.sessions -= 1
        link.session.backend.sessions -= 1
        link.owner = self._entry

    def reject(self, link: Link) -> None:
        """Its header was good, and rules did not let it in; the word is HAProxy's."""
        self._fail(link, "Success", silent=True)

    def _fail(self, link: Link, reason: str, *, silent: bool = False) -> None:
        self._complain(link, reason, silent)
        self._board.relay.close(link)  # with what it said unread, which makes it a reset, as with HAProxy

    def _spoke(self, link: Link) -> bool:
        try:
            return bool(link.client.sock.recv(1, _PEEK))
        except OSError:
            return False


def equip(route: Route, relay: "Relay") -> None:
    """Have connections to servers of this route begin with a header, as soon as they are established."""
    if all(server.config.send_proxy == "no" for server in route.backend.servers.values()):
        return

    def connected(link: Link) -> None:
        config, side = link.session.server.config, link.server
        if side is not None and config.send_proxy != "no":
            relay.lead(side, written(config.send_proxy, config.proxy_v2_options, link.address, link.bound()))
    route.connected = both(route.connected, connected)
