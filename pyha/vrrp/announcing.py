"""When the Active router tells the network where its addresses are (keepalived.conf(5), garp_*)."""

from pyha.config.vrrp_model import Garp
from pyha.units import seconds

from .effects import Announce


class Announcing:
    """Two bursts after becoming Active, then a refresh now and then; bursts after hearing a lesser router.

    `deadline` is when the next one is due; None: never.
    """

    def __init__(self, garp: Garp) -> None:
        self._garp = garp
        self._second: float | None = None
        self._refresh: float | None = None
        self._lower: float | None = None

    @property
    def deadline(self) -> float | None:
        """When `due` has something to say."""
        return min((at for at in (self._second, self._refresh, self._lower) if at is not None), default=None)

    def begin(self, now: float) -> list[Announce]:
        """The addresses came, all or some of them: a burst now, and the others later."""
        self._second = now + seconds(self._garp.delay) if self._garp.delay else None
        self._refresh = now + seconds(self._garp.refresh) if self._garp.refresh else None
        return _burst(self._garp.repeat)

    def conflict(self, now: float) -> list[Announce]:
        """A router of lower priority believes to be Active, so the network may believe it."""
        delay = self._garp.lower_prio_delay
        if delay and self._garp.lower_prio_repeat and self._lower is None:
            self._lower = now + seconds(delay)
        return _burst(self._garp.lower_prio_repeat)

    def due(self, now: float) -> list[Announce]:
        """What is due by now; harmless when early."""
        repeats = []
        if self._second is not None and now >= self._second:
            self._second = None
            repeats.append(self._garp.repeat)
        if self._lower is not None and now >= self._lower:
            self._lower = None
            repeats.append(self._garp.lower_prio_repeat)
        if self._refresh is not None and now >= self._refresh:
            self._refresh = now + seconds(self._garp.refresh)
            repeats.append(self._garp.refresh_repeat)
        return _burst(max(repeats, default=0))

    def reconfigure(self, garp: Garp) -> None:
        """From the next `begin` or burst on, do it like this."""
        self._garp = garp

    def end(self) -> None:
        """The addresses are gone."""
        self._second = self._refresh = self._lower = None


def _burst(repeat: int) -> list[Announce]:
    return [Announce(repeat)] if repeat else []
