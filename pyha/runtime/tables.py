"""The stick-tables of a worker, and the word about them between workers, which is why a table counts all of them."""

from pyha.config import model
from pyha.config.model import Balance
from pyha.control.messages import Configure, TableChange, TableChanges
from pyha.proxy.tables import TableState
from pyha.runtime.channel import Channel


class Tables:
    """By name. Those that stay in the configuration keep their entries."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._tables: dict[str, TableState] = {}
        self._index = 0
        self._shared = False
        self._fresh = True

    def configure(self, config: model.Config, message: Configure) -> dict[str, TableState]:
        """Become what the configuration says."""
        old, self._tables = self._tables, {}
        self._index, self._shared = message.index, message.workers > 1
        for wanted in config.tables:
            table = self._tables[wanted.name] = old.get(wanted.name) or TableState(wanted)
            table.configure(wanted)
            table.shared = self._shared
        if self._fresh and self._shared and self._tables:
            self._fresh = False
            self._channel.send(TableChanges(worker=self._index, fresh=True))
        return self._tables

    def tell(self) -> None:
        """Tell the other workers what changed."""
        if not self._shared:
            return
        told = []
        for name, table in self._tables.items():
            counts, stuck = table.changes()
            if counts or stuck:
                told.append(TableChange(table=name, counts=tuple(counts), stuck=tuple(stuck)))
        if told:
            self._channel.send(TableChanges(worker=self._index, tables=tuple(told)))

    def learn(self, message: TableChanges, now: float) -> None:
        """Another worker's word."""
        if message.fresh:
            for table in self._tables.values():
                table.forget(message.worker, now)
        for change in message.tables:
            known = self._tables.get(change.table)
            if known is not None:
                known.learn(message.worker, change.counts, change.stuck, now)

    def tidy(self, now: float) -> None:
        """Forget what has expired."""
        for table in self._tables.values():
            table.tidy(now)


def spread(backend: model.Backend, workers: int) -> model.Backend:
    """How a backend whose clients stick to servers balances where several workers serve it.

    The other workers hear of a new client a moment later. Until then its next connection must find the same server by
    itself, so the address chooses the first server, and the table says from then on where the client stays.
    """
    sticks = any(rule.match and rule.store and rule.sample.fetch == "src" for rule in backend.rules.stick)
    if workers < 2 or not sticks or backend.balance.algorithm == "source":
        return backend
    return backend.model_copy(update={"balance": Balance(algorithm="source", hash_type="consistent")})
