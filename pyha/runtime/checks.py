"""All servers under watch: started, reassigned and stopped as the configuration says; what is heard is passed on."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from pyha.config.model import Backend, Config, Server
from pyha.control.messages import ServerState
from pyha.errors import FitnessError
from pyha.health import backend as together
from pyha.health.probes import PROBES
from pyha.health.schedule import first_offsets
from pyha.health.server import Effect, StatusChanged
from pyha.health.wording import Line
from pyha.runtime.prober import Prober
from pyha.runtime.tlsclient import TlsContexts, tls_of
from pyha.runtime.watch import Assignment, Watch

Key = tuple[str, str]
"""(backend, server)."""


class Checks:
    """`publish` gets a server whose state changed; `say` gets what should be logged in the name of a backend."""

    def __init__(self, publish: Callable[[Watch], None], say: Callable[[Backend, Line], None],
                 load: together.Load) -> None:
        self.watches: dict[Key, Watch] = {}
        self._publish = publish
        self._say = say
        self._load = load
        self._listens: frozenset[str] = frozenset()
        self._prober = Prober(TlsContexts())

    def configure(self, config: Config, known: Iterable[ServerState], *, strict: bool) -> None:
        """Become what `config` says. Servers whose checks did not change keep their health.

        `known`: states to go on from, for servers that this process has not watched yet. Raises FitnessError, with
        nothing changed, for what cannot be checked; unless `strict`, files that cannot be read only make those checks
        fail: better half of the servers watched than none.
        """
        contexts = TlsContexts()
        assignments = assign(config)
        for assignment in assignments.values():
            for tls in tls_of(assignment.script) if assignment.script and strict else ():
                contexts.get(tls)
        self._prober = Prober(contexts)
        self._listens = frozenset(frontend.name for frontend in config.frontends)
        self._reconcile(assignments, {(state.backend, state.server): state for state in known})

    def states(self) -> tuple[ServerState, ...]:
        """Everything about everyone."""
        return tuple(watch.state() for watch in self.watches.values())

    def close(self) -> None:
        """Stop watching."""
        for watch in self.watches.values():
            watch.stop()
        self.watches.clear()

    def _reconcile(self, assignments: Mapping[Key, Assignment], known: Mapping[Key, ServerState]) -> None:
        for key in [key for key in self.watches if key not in assignments]:
            self.watches.pop(key).stop()
        fresh: list[Watch] = []
        watches: dict[Key, Watch] = {}
        for key, assignment in assignments.items():
            watch = self.watches.get(key)
            if watch and watch.assignment.essence == assignment.essence:
                watch.reassign(assignment, self._prober)
            else:
                state = known.get(key)
                if watch:
                    state = watch.state() if same_place(watch.assignment.server, assignment.server) else None
                    watch.stop()
                watch = Watch(assignment, self._prober, self._changed, self._load)
                if state:
                    watch.adopt(state)
                fresh.append(watch)
            watches[key] = watch
        self.watches = watches
        checked = [watch for watch in fresh if watch.health.check]
        offsets = first_offsets([watch.health.check for watch in checked if watch.health.check])
        starts = {id(watch): offset for watch, offset in zip(checked, offsets, strict=True)}
        for watch in fresh:
            watch.start(starts.get(id(watch), 0.0))
        for watch in watches.values():
            if watch.tracks is None and watch.health.status != "UP":
                self._lead(watch)

    def _changed(self, watch: Watch, effects: Sequence[Effect], duration_ms: int) -> None:
        if effects:  # most checks say nothing new, and looking at all servers for each would add up
            backend, server = watch.assignment.backend, watch.assignment.server
            machines = {name: other.health for (owner, name), other in self.watches.items() if owner == backend.name}
            listen = backend.name in self._listens
            for line in together.lines(backend, server, effects, machines, duration_ms, self._load, listen=listen):
                self._say(backend, line)
        self._publish(watch)
        if any(isinstance(effect, StatusChanged) for effect in effects):
            self._lead(watch)

    def _lead(self, watch: Watch) -> None:
        """Those who track this server become what it is."""
        key = watch.assignment.backend.name, watch.assignment.server.name
        for other in list(self.watches.values()):
            if other.tracks == key:
                other.follow(watch.health.status, "/".join(key))

    def suspect(self, backend: str, server: str, errors: int) -> None:
        """A worker saw so many connections in a row fail."""
        watch = self.watches.get((backend, server))
        if watch is not None:
            watch.suspect(errors)


def same_place(old: Server, new: Server) -> bool:
    """What was known about the one holds for the other, until the next check."""
    return (old.host, old.port, old.disabled) == (new.host, new.port, new.disabled)


def assign(config: Config) -> dict[Key, Assignment]:
    """What to watch. Raises FitnessError for a pattern that cannot be read."""
    spread = config.settings.spread_checks / 100
    return {
        (backend.name, server.name): _assignment(config, backend, server, spread)
        for backend in config.backends for server in backend.servers
    }


def _assignment(config: Config, backend: Backend, server: Server, spread: float) -> Assignment:
    script = None
    if server.check:
        try:
            # `addr` may be a name: the watch resolves it.
            script = PROBES[backend.health.kind](backend.health, server.check.model_copy(update={"host": None}))
        except ValueError as error:
            raise FitnessError(f"backend {backend.name}: {error}") from error
    # The address that an external check is told: only a `listen` section has one.
    binds = [bind for frontend in config.frontends if frontend.name == backend.name for bind in frontend.binds]
    proxy = (binds[0].host, binds[0].port) if binds else None
    return Assignment(backend, server, script, _port(config, backend, server), spread, proxy)


def _port(config: Config, backend: Backend, server: Server) -> int | None:
    """Where to check: `port`, else the server's own, else that which its clients connect to."""
    if server.check and server.check.port:
        return server.check.port
    if server.port:
        return server.port
    binds = (bind for frontend in config.frontends if backend.name in frontend.backends()
             for bind in frontend.binds)
    first = next(binds, None)
    return first.port + server.port_offset if first else None
