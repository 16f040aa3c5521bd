"""`balance roundrobin`: each server in turn, as often as its weight says, and never in bursts.

Every server has a next turn on a common line of time; a turn moves it on by 1/weight. The earliest is next. So a server
of weight 3 beside one of weight 1 gets a, a, b, a - and not a, a, a, b - and weights change at any time at no cost.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush, heapreplace
from typing import Generic

from .candidate import S

_SCALE = 1 << 32  # integers, so that equal weights stay exactly in step


class RoundRobin(Generic[S]):
    """The default."""

    by_client = False

    def __init__(self) -> None:
        self._turns: list[tuple[int, int, S, int]] = []  # when, position, server, how far a turn moves it
        self._now = 0

    def update(self, servers: Sequence[S]) -> None:
        """Servers that stay keep their turn; one that comes (back) gets no turns for the time it was away."""
        turns = {id(server): when for when, _, server, _ in self._turns}
        self._turns = []
        for server in servers:
            step = int(_SCALE / (server.weight * server.ramp))
            when = turns.get(id(server), self._now + step // 2)
            # A weight that was raised must not wait for the turn that the small one had given it.
            self._turns.append((min(when, self._now + step), server.position, server, step))
        heapify(self._turns)

    def pick(self, key: int, avoid: S | None = None) -> S | None:  # noqa: ARG002 - not by client
        """The server whose turn it is, passing over full ones."""
        turns = self._turns
        if not turns:
            return None
        when, position, server, step = turns[0]
        if server.sessions < server.limit and server is not avoid:
            self._now = when
            heapreplace(turns, (when + step, position, server, step))
            return server
        return self._pass_over(avoid)

    def _pass_over(self, avoid: S | None) -> S | None:
        turns, passed = self._turns, []
        chosen = None
        while turns and chosen is None:
            turn = heappop(turns)
            if turn[2].sessions < turn[2].limit and turn[2] is not avoid:
                chosen = turn
            else:
                passed.append(turn)
        if chosen is None:
            # Better the server that failed than none.
            chosen = next((turn for turn in passed if turn[2] is avoid and turn[2].sessions < turn[2].limit), None)
            if chosen is not None:
                passed.remove(chosen)
        if chosen is not None:
            self._now = max(self._now, chosen[0])
            heappush(turns, (chosen[0] + chosen[3], *chosen[1:]))
        for turn in passed:
            # Turns that a full server missed are gone: it must not get them all at once later.
            heappush(turns, (max(turn[0], self._now), *turn[1:]))
        return None if chosen is None else chosen[2]
