"""PROXY protocol headers to servers that want one (`send-proxy`); where none does, nothing hangs onto anything."""

from typing import TYPE_CHECKING

from pyha.proxy.proxy_protocol import written
from pyha.runtime.entrance import Route, both
from pyha.runtime.link import Link

if TYPE_CHECKING:
    from pyha.runtime.relay import Relay


def equip(route: Route, relay: "Relay") -> None:
    """Have connections to servers of this route begin with a header, as soon as they are established."""
    if all(server.config.send_proxy == "no" for server in route.backend.servers.values()):
        return

    def connected(link: Link) -> None:
        config, side = link.session.server.config, link.server
        if side is not None and config.send_proxy != "no":
            relay.lead(side, written(config.send_proxy, config.proxy_v2_options, link.address,
                                     link.client.sock.getsockname()))
    route.connected = both(route.connected, connected)
