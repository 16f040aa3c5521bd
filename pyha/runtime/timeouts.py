"""How long an established connection may be silent, and who is to blame then (HAProxy's manual: `timeout ...`).

Bytes in either direction count for both sides, as in HAProxy without `option independent-streams`, so one moment per
link is enough: when a byte last moved.
"""

from math import inf
from typing import NamedTuple

from pyha.config.model import Backend, Frontend
from pyha.runtime.link import Link, Side
from pyha.units import Milliseconds, seconds


class Timeouts(NamedTuple):
    """In seconds; infinity is none. Those of one frontend together with one backend."""

    connect: float
    queue: float
    client: float
    server: float
    client_fin: float  # one direction is closed: what the client may take then
    server_fin: float
    shortest: float  # of those that can begin to count while a connection is established

    @staticmethod
    def of(frontend: Frontend, backend: Backend) -> "Timeouts":
        """`timeout tunnel` replaces both idle timeouts, but not client-fin and server-fin."""
        connect = _or_none(backend.timeout_connect)
        client = _or_none(backend.timeout_tunnel or frontend.timeout_client)
        server = _or_none(backend.timeout_tunnel or backend.timeout_server)
        client_fin = _or_none(frontend.timeout_client_fin or Milliseconds(0), client)
        server_fin = _or_none(backend.timeout_server_fin or Milliseconds(0), server)
        return Timeouts(
            connect=connect,
            queue=_or_none(backend.timeout_queue, connect),
            client=client,
            server=server,
            client_fin=client_fin,
            server_fin=server_fin,
            shortest=min(client, server, client_fin, server_fin),
        )


def _or_none(value: Milliseconds | None, otherwise: float = inf) -> float:
    return seconds(value) if value else otherwise


def patience(link: Link, timeouts: Timeouts) -> tuple[float, Side]:
    """How long the open link may be silent now, and the side that is blamed when it was."""
    client, server = link.client, link.server
    assert server is not None
    half_closed = client.eof or server.eof
    of_client = timeouts.client_fin if half_closed else timeouts.client
    of_server = timeouts.server_fin if half_closed else timeouts.server
    # Who must move next? One that does not take its bytes; else one that may still send.
    if client.pending is not None and server.pending is None:
        return of_client, client
    if server.pending is not None and client.pending is None:
        return of_server, server
    if client.eof:
        return of_server, server
    if server.eof or of_client <= of_server:
        return of_client, client
    return of_server, server
