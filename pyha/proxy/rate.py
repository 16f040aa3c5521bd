"""How many in the last so many seconds, in constant space, as HAProxy counts (its `freq_ctr`).

Two buckets: the period that runs, and the one before it, of which as much counts as has not yet slid out of the window.
"""


class Rate:
    """Events per `period` seconds. `now` never goes back."""

    __slots__ = ("_count", "_past", "_start", "period")

    def __init__(self, period: float) -> None:
        self.period = period
        self._start = 0.0
        self._count = self._past = 0

    def add(self, now: float, count: int = 1) -> None:
        """That many more."""
        self._turn(now)
        self._count += count

    def read(self, now: float) -> int:
        """How many within the period that ends now."""
        self._turn(now)
        if not self._past:
            return self._count
        left = 1 - (now - self._start) / self.period
        return self._count + int(self._past * left)

    def _turn(self, now: float) -> None:
        passed = now - self._start
        if passed >= self.period:
            self._past = self._count if passed < 2 * self.period else 0
            self._count = 0
            self._start = now - passed % self.period if passed < 2 * self.period else now
