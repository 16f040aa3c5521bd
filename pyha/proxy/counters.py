"""What tables have counted, as samples of rules: `sc0_conn_rate`, `src_conn_cur(limits)` (the manual, section 7.3.3).

A counter that the table does not store has no value, as in HAProxy, so that nothing compares with it.
"""

from collections.abc import Callable

from .tables import Entry, TableState
from .visit import Look, Value, Visit


def available(table: TableState) -> Look:
    """How many more entries there is room for."""
    return lambda _visit: table.config.size - len(table.entries)


def used(table: TableState) -> Look:
    """How many entries there are."""
    return lambda _visit: len(table.entries)


def by_source(counter: str, table: TableState) -> Look:
    """`src_NAME`: of the client's address, tracked or not. Of a stranger everything is 0."""
    read, makes = _reader(counter), counter.startswith("inc_")

    def taken(visit: Visit) -> Value:
        if table.key(visit.source) is None:
            return None
        entry = table.get(visit.source, visit.now) if makes else table.find(visit.source, visit.now)
        return 0 if entry is None else read(entry, visit.now)
    return taken


def by_slot(counter: str, slot: int, table: TableState | None) -> Look:
    """`sc_NAME(slot[,table])`: of what a rule tracks; nothing where none does."""
    if counter == "tracked":
        return lambda visit: int(visit.tracked[slot] is not None)
    read = _reader(counter)

    def taken(visit: Visit) -> Value:
        entry = visit.tracked[slot]
        if entry is None:
            return None
        if table is not None and entry.table is not table:
            entry = table.find(entry.key, visit.now)
        return 0 if entry is None else read(entry, visit.now)
    return taken


def _reader(counter: str) -> Callable[[Entry, float], Value]:
    """What one counter of an entry is; those that begin with inc and clr change it first."""
    if counter in ("kbytes_in", "kbytes_out"):
        name = counter.replace("kbytes", "bytes") + "_cnt"
        return lambda entry, _now: entry.count(name) // 1024 if name in entry.table.stored else None
    if counter.endswith("_rate"):
        name = counter.removesuffix("_rate")
        name = name if name.startswith("gpc") else f"{name}_cnt"
        return lambda entry, now: entry.rate(name, now) if counter in entry.table.periods else None
    act, _, rest = counter.partition("_")
    if act == "inc":
        return lambda entry, now: _increased(entry, rest, now)
    if act == "clr":
        return lambda entry, now: _cleared(entry, rest, now)
    name = rest if act == "get" else counter
    return lambda entry, _now: entry.count(name) if name in entry.table.stored else None


def _increased(entry: Entry, name: str, now: float) -> int:
    entry.add(name, now)
    return entry.count(name)


def _cleared(entry: Entry, name: str, now: float) -> int:
    before = entry.count(name)
    if before:
        entry.add(name, now, -before)
    return before
