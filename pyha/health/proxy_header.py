"""The header that `check-send-proxy` puts before a check (PROXY protocol specification, sections 2.1 and 2.2)."""

from collections.abc import Sequence
from typing import Any, Literal

# Version 2, command LOCAL: the connection is the proxy's own, its addresses are what they are.
_LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"


def proxy_header(version: Literal["v1", "v2"], local: Sequence[Any], remote: Sequence[Any]) -> bytes:
    """The header of a connection between these two socket addresses, (host, port, ...) each."""
    if version == "v2":
        return _LOCAL
    family = "TCP6" if ":" in local[0] else "TCP4"
    return f"PROXY {family} {local[0]} {remote[0]} {local[1]} {remote[1]}\r\n".encode()
