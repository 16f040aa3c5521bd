"""The table that `static-rr` and `source` look servers up in: every server as often as its weight, spread out.

The same table as HAProxy's (the order of the configuration decides between equals), so that with the same servers the
same client gets the same server from either program: a pair can be replaced one node at a time.
"""

from collections.abc import Sequence
from math import gcd

from .candidate import S


def weight_map(servers: Sequence[S]) -> list[S]:
    """One entry for every unit of weight, after dividing all weights by what they have in common."""
    if not servers:
        return []
    common = gcd(*(server.weight for server in servers))
    weights = [server.weight // common for server in servers]
    total = sum(weights)
    if len(set(weights)) == 1:
        return list(servers)
    scores = [0] * len(servers)
    table = []
    for _ in range(total):
        scores = [score + weight for score, weight in zip(scores, weights, strict=True)]
        # Whole rounds, not shares: the first that has come as far as anybody is next.
        best = max(range(len(servers)), key=lambda index: (scores[index] + total) // total)
        scores[best] -= total
        table.append(servers[best])
    return table
