"""Names of servers turned into addresses, without ever blocking the loop (getaddrinfo runs in a thread)."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address

_PATIENCE = 10.0  # seconds; the thread goes on, but nobody waits for it


def literal(host: str) -> bool:
    """It is an address already, perhaps with a scope (fe80::1%eth0)."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


async def resolve(host: str, current: str | None = None) -> str | None:
    """The address of that name, or None while there is none: of several the `current` one, else the system's first.

    Name servers that hand out several addresses in turn must not move a server about.
    """
    if literal(host):
        return host
    try:
        async with asyncio.timeout(_PATIENCE):
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return None
    addresses = [str(address[0]) for *_, address in found]
    return current if current in addresses else addresses[0]


def fallback(init_addr: Sequence[str]) -> str | None:
    """The address that `init-addr` names for when a name does not resolve at start, if it names one."""
    return next((method for method in init_addr if literal(method)), None)
