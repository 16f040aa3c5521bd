"""How long to wait before a child that died is started again."""

_FIRST = 0.1
_LONGEST = 10.0
_STABLE = 30.0  # a child that lived this long is forgiven


class Backoff:
    """At once after a long life, then 0.1, 0.2, 0.4 ... at most 10 seconds while it keeps dying young."""

    def __init__(self) -> None:
        self._delay = 0.0
        self._started = 0.0

    def started(self, now: float) -> None:
        """The child was started."""
        self._started = now

    def died(self, now: float) -> float:
        """The child died: how many seconds to wait before the next start."""
        if now - self._started >= _STABLE:
            self._delay = 0.0
        delay = self._delay
        self._delay = min(max(_FIRST, delay * 2), _LONGEST)
        return delay
