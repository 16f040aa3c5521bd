"""Where clients come in: the listening sockets of this worker, and what belongs to the frontend behind them."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyha.proxy.backend import Backend
from pyha.proxy.frontend import FrontendState
from pyha.runtime.link import Link
from pyha.runtime.timeouts import Timeouts

if TYPE_CHECKING:
    from pyha.runtime.gate import Gate

Hook = Callable[[Link], None]


def both(first: Hook | None, second: Hook) -> Hook:
    """One hook that calls two."""
    if first is None:
        return second
    before: Callable[[Link], None] = first

    def hook(link: Link) -> None:
        before(link)
        second(link)
    return hook


@dataclass(slots=True)
class Route:
    """A frontend with its backend, worked out once: what a session needs to know. `Link.owner` is one of these.

    Sessions keep the route that they began with when a reload makes a new one. The hooks are None where nobody wants to
    log anything at that moment.
    """

    frontend: FrontendState
    backend: Backend
    timeouts: Timeouts
    began: Hook | None = None
    connected: Hook | None = None
    ended: Hook | None = None
    gate: "Gate | None" = None  # where rules decide; None: whoever comes is let in


class Entrance:
    """One listening socket. `open`: the relay watches it."""

    __slots__ = ("accept", "acceptable", "family", "fd", "open", "route", "sock")

    def __init__(self, sock: socket.socket, route: Route, accept: Callable[["Entrance"], None]) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.family = int(sock.family)
        self.route = route
        # The method below `socket.accept`, which makes no object for the connection.
        self.accept: Callable[[], tuple[int, tuple[str, int]]] = sock._accept  # type: ignore[attr-defined]  # not in typeshed
        self.acceptable: Callable[[], None] = lambda: accept(self)
        self.open = False
