"""Which server is next: one file an algorithm, under the names of HAProxy's manual (section 4.2, `balance`)."""

from collections.abc import Callable
from typing import Any

from pyha.config.model import Balance

from .candidate import UNLIMITED, Algorithm, Candidate, usable
from .consistent import Consistent
from .draws import Draws
from .first import First
from .leastconn import LeastConn
from .roundrobin import RoundRobin
from .source import Source, source_key
from .static_rr import StaticRoundRobin

__all__ = ["ALGORITHMS", "UNLIMITED", "Algorithm", "Candidate", "source_key", "usable"]

Draw = Callable[[], float]

ALGORITHMS: dict[str, Callable[[Balance, Draw], Algorithm[Any]]] = {
    "roundrobin": lambda _balance, _draw: RoundRobin(),
    "static-rr": lambda _balance, _draw: StaticRoundRobin(),
    "leastconn": lambda _balance, _draw: LeastConn(),
    "first": lambda _balance, _draw: First(),
    "source": lambda balance, _draw: Consistent() if balance.hash_type == "consistent" else Source(),
    "random": lambda balance, draw: Draws(draw, balance.draws),
}
"""By `Balance.algorithm`. The second argument is where `random` gets its numbers, as from random.random."""
