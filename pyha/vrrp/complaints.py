"""Says a thing once, and then now and then with how often it happened: an operator's log is not an attacker's disk."""

from collections.abc import Mapping

from pyha.config.base import IPAddress
from pyha.units import Milliseconds, seconds

from .effects import Report

_PAUSE = Milliseconds(60_000)
_KNOWN = 64  # different complaints that are remembered; senders can be forged, so there must be an end


class Complaints:
    """Rate limit of warnings by key: the first at once, then one a minute for each key."""

    def __init__(self) -> None:
        self._rejected: dict[str, str] = {}  # by reason: the last one
        self._said: dict[tuple[str, str], tuple[float, int]] = {}  # key: when it was said, how often since

    def rejected(self, reason: str, sentence: str, source: IPAddress, now: float) -> list[Report]:
        """An advertisement must not be heard: say so, or count it, and keep it for `rejections`."""
        self._rejected[reason] = f"from {source}: {sentence}"
        return self.about(reason, str(source), f"advertisement from {source} is not heard: {sentence}", now)

    def rejections(self, counters: Mapping[str, int]) -> tuple[str, ...]:
        """How often each kind was not heard, and the last one of each."""
        return tuple(f"{counters.get(reason, 0)} times not heard, {sentence}"
                     for reason, sentence in self._rejected.items())

    def about(self, kind: str, who: str, sentence: str, now: float) -> list[Report]:
        """Say it, or count it."""
        key = kind, who
        if key not in self._said:
            self._said = {known: entry for known, entry in self._said.items() if now < entry[0] + seconds(_PAUSE)}
            if len(self._said) >= _KNOWN:
                return []
            self._said[key] = now, 0
            return [Report("warning", sentence)]
        when, since = self._said[key]
        if now < when + seconds(_PAUSE):
            self._said[key] = when, since + 1
            return []
        self._said[key] = now, 0
        return [Report("warning", f"{sentence} ({since + 1} times in {now - when:.0f} s)")]
