"""How late this process is at what it has to do: an advertisement that comes too late is a failover."""

_PERIOD = 60.0  # seconds


class Lateness:
    """The worst of the last minute or two, and of all time, in microseconds."""

    def __init__(self) -> None:
        self.worst = 0
        self._began = 0.0
        self._before = self._current = 0

    def note(self, late: float, now: float) -> None:
        """Something was done `late` seconds after its time."""
        if now >= self._began + _PERIOD:
            gone = now >= self._began + 2 * _PERIOD
            self._before, self._current, self._began = 0 if gone else self._current, 0, now
        microseconds = round(late * 1e6)
        self._current = max(self._current, microseconds)
        self.worst = max(self.worst, microseconds)

    @property
    def recent(self) -> int:
        """The worst of the last one to two minutes."""
        return max(self._before, self._current)
