"""Stick-tables: what is remembered about a client, by its address or whatever else the rules look at.

A worker has its own, and tells the others what it counted (`changes`, `learn`), so that a limit counts a client's
connections wherever the kernel put them: exact within this worker, as of a moment ago for the others.
"""

from collections.abc import Iterable
from itertools import islice
from math import inf

from pyha.config.rules_model import Table
from pyha.units import seconds

from .rate import Rate

Key = int | str
RATES: dict[str, str] = {"conn_cnt": "conn_rate", "sess_cnt": "sess_rate", "gpc0": "gpc0_rate", "gpc1": "gpc1_rate"}
"""Which rate goes with a count."""
_AT_ONCE = 5000
_MAPPED = 0xFFFF

Change = tuple[Key, str, int]
"""A key, what changed, and by how much; or to what: the server that the key sticks to is its name."""


class Entry:
    """One key. `counts` are this worker's and the others' together."""

    __slots__ = ("counts", "key", "rates", "server", "table", "tracked", "used")

    def __init__(self, table: "TableState", key: Key, now: float) -> None:
        self.table = table
        self.key = key
        self.used = now
        self.tracked = 0  # by how many sessions of this worker: such an entry stays
        self.counts: dict[str, int] = {}
        self.rates: dict[str, Rate] = {}
        self.server = ""  # that it sticks to

    def add(self, counter: str, now: float, by: int = 1) -> None:
        """Count, here and for the others. What the table does not store is not counted."""
        self.apply(counter, now, by)
        self.table.note(self, counter, by)

    def apply(self, counter: str, now: float, by: int) -> None:
        """Count here only."""
        table = self.table
        self.used = now
        if counter in table.stored:
            self.counts[counter] = max(0, self.counts.get(counter, 0) + by)
        period = table.periods.get(RATES.get(counter, ""))
        if period is not None and by > 0:
            rate = self.rates.get(counter)
            if rate is None:
                rate = self.rates[counter] = Rate(period)
            rate.add(now, by)

    def count(self, counter: str) -> int:
        """What was counted."""
        return self.counts.get(counter, 0)

    def rate(self, counter: str, now: float) -> int:
        """How many of them within the table's period for it."""
        rate = self.rates.get(counter)
        return 0 if rate is None else rate.read(now)


class TableState:
    """One table as one worker sees it. Times are monotonic seconds."""

    def __init__(self, config: Table) -> None:
        self.config = config
        self.entries: dict[Key, Entry] = {}  # the least recently used first
        self.shared = False  # whether other workers want to know
        self._changes: dict[tuple[Key, str], int] = {}
        self._stuck: dict[Key, str] = {}
        self._elsewhere: dict[int, dict[Key, int]] = {}  # by worker: its part of every conn_cur
        self.configure(config)

    def configure(self, config: Table) -> None:
        """Become what the configuration says. Entries stay, unless their keys are of another kind now."""
        if (config.kind, config.length) != (self.config.kind, self.config.length):
            self.entries.clear()
        self.config = config
        self.stored: frozenset[str] = frozenset(config.store)
        self.periods: dict[str, float] = {name: seconds(period) for name, period in config.rates}
        self.expire = seconds(config.expire) if config.expire else inf

    # -- keys ----------------------------------------------------------------------------------------------------------

    def key(self, value: object) -> Key | None:
        """The key for a sample: addresses as 128-bit numbers (see `fetches`); None where there cannot be one."""
        kind = self.config.kind
        if kind == "string":
            return str(value)[: self.config.length] if isinstance(value, str) else None
        if not isinstance(value, int):
            return None
        # HAProxy makes IPv6 of IPv4 where it must, but not the other way round.
        return value if kind != "ip" or value >> 32 == _MAPPED else None

    # -- entries -------------------------------------------------------------------------------------------------------

    def find(self, value: object, now: float) -> Entry | None:
        """The entry, if there is one that has not expired."""
        key = self.key(value)
        entry = None if key is None else self.entries.get(key)
        if entry is None or (now - entry.used > self.expire and not entry.tracked):
            return None
        return entry

    def get(self, value: object, now: float) -> Entry | None:
        """The entry, new if need be; None where the key is impossible, or the table is full and must not purge."""
        key = self.key(value)
        return None if key is None else self._entry(key, now)

    def _entry(self, key: Key, now: float) -> Entry | None:
        entry = self.entries.pop(key, None)
        if entry is not None and now - entry.used > self.expire and not entry.tracked:
            entry = None
        if entry is None:
            if len(self.entries) >= self.config.size and not self._purge(now):
                return None
            entry = Entry(self, key, now)
        entry.used = now
        self.entries[key] = entry
        return entry

    def _purge(self, now: float) -> bool:
        """Make room for one: what has expired goes, and if nothing has, what was not used for longest."""
        self.tidy(now)
        if len(self.entries) < self.config.size:
            return True
        if self.config.nopurge:
            return False
        oldest = next((key for key, entry in self.entries.items() if not entry.tracked), None)
        if oldest is None:
            return False
        del self.entries[oldest]
        return True

    def tidy(self, now: float) -> None:
        """Forget what has expired; not more at once than takes a millisecond."""
        if self.expire == inf:
            return
        late = now - self.expire
        for entry in list(islice(self.entries.values(), _AT_ONCE)):
            if entry.used < late and not entry.tracked:
                del self.entries[entry.key]

    # -- other workers -------------------------------------------------------------------------------------------------

    def stick(self, entry: Entry, server: str) -> None:
        """From now on the key belongs to that server."""
        if entry.server != server:
            entry.server = server
            if self.shared:
                self._stuck[entry.key] = server

    def note(self, entry: Entry, counter: str, by: int) -> None:
        """Something was counted that the others have not heard of."""
        if self.shared:
            self._changes[entry.key, counter] = self._changes.get((entry.key, counter), 0) + by

    def changes(self) -> tuple[list[Change], list[tuple[Key, str]]]:
        """What was counted, and which keys stick where, since the last call."""
        changes, self._changes = self._changes, {}
        stuck, self._stuck = self._stuck, {}
        return [(key, counter, by) for (key, counter), by in changes.items() if by], list(stuck.items())

    def learn(self, worker: int, changes: Iterable[Change], stuck: Iterable[tuple[Key, str]], now: float) -> None:
        """What another worker counted."""
        current = self._elsewhere.setdefault(worker, {})
        for key, counter, by in changes:
            entry = self._entry(key, now)
            if entry is not None:
                entry.apply(counter, now, by)
            if counter == "conn_cur":
                current[key] = current.get(key, 0) + by
                if not current[key]:
                    del current[key]
        for key, server in stuck:
            entry = self._entry(key, now)
            if entry is not None:
                entry.server = server

    def forget(self, worker: int, now: float) -> None:
        """That worker began anew: connections that it had are gone."""
        for key, by in self._elsewhere.pop(worker, {}).items():
            entry = self.entries.get(key)
            if entry is not None:
                entry.apply("conn_cur", now, -by)
