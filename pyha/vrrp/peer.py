"""Another router, as it is known from its advertisements."""

from dataclasses import dataclass

from pyha.config.base import IPAddress


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is Active, as far as is known."""

    address: IPAddress
    priority: int
