"""Rules, compiled, and the way of one client through them (HAProxy's manual, section 4.2, `tcp-request`).

    connection rules --> session rules --> content rules --> use_backend --> that backend's content rules
                                                                         --> use-server, stick --> its server

Content rules may have to wait for bytes, until `inspect-delay` is over. A rule that was decided is not looked at again
when more bytes come.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from pyha.config import model
from pyha.config.rules_model import BackendRules, Condition, FrontendRules, Sample, StickRule, TcpRule
from pyha.config.samples import FETCHES
from pyha.units import Milliseconds, seconds

from .backend import Backend
from .conditions import Test, compiled
from .fetches import look
from .hello import MORE
from .server import Server
from .tables import TableState
from .visit import Look, Visit
from .world import World

Verdict = Literal["accept", "reject", "silent-drop"]
Act = Callable[[Visit], Verdict | None]
Step = tuple[Test, Act]


@dataclass(frozen=True, slots=True)
class Choice:
    """The rules let the client in: to this backend, and where it is there, to this server."""

    backend: str
    server: Server | None = None


@dataclass(frozen=True, slots=True)
class Sticking:
    """One `stick` rule."""

    test: Test
    taken: Look
    table: TableState
    match: bool
    store: bool


@dataclass(frozen=True, slots=True)
class Stage:
    """Content rules, and how long they may wait for bytes."""

    steps: Sequence[Step] = ()
    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class BackendSide:
    """What a backend decides."""

    content: Stage = Stage()
    servers: Sequence[tuple[Test, str]] = ()
    stick: Sequence[Sticking] = ()


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Everything that a frontend, with the backends that it leads to, decides. `default`: "" for none."""

    connection: Sequence[Step] = ()
    session: Sequence[Step] = ()
    content: Stage = Stage()
    choices: Sequence[tuple[Test, str]] = ()
    default: str = ""
    backends: dict[str, tuple[Backend, BackendSide]] = field(default_factory=dict)
    reads: bool = False  # whether anything looks at the client's bytes

    @staticmethod
    def of(frontend: model.Frontend, config: model.Config, world: World) -> "Ruleset | None":
        """None where nothing is decided. ValueError: something refers to what does not exist."""
        backends = [backend for name in frontend.backends() if (backend := config.backend(name)) is not None]
        rules = frontend.rules
        decided = rules != FrontendRules() or any(backend.rules != BackendRules() for backend in backends)
        if not decided and frontend.rate_limit_sessions is None:
            return None
        return Ruleset(
            _steps(rules.connection, world), _steps(rules.session, world),
            _stage(rules.content, rules.inspect_delay, world),
            [(compiled(choice.when, world), choice.backend) for choice in rules.backends],
            frontend.default_backend or "",
            {backend.name: (world.backend(backend.name), _backend_side(backend, world)) for backend in backends},
            _reads(frontend, backends),
        )  # fmt: skip


def _backend_side(backend: model.Backend, world: World) -> BackendSide:
    rules = backend.rules
    return BackendSide(
        _stage(rules.content, rules.inspect_delay, world),
        [(compiled(choice.when, world), choice.server) for choice in rules.servers],
        [_sticking(rule, world) for rule in rules.stick])


def _sticking(rule: StickRule, world: World) -> Sticking:
    return Sticking(compiled(rule.when, world), look(rule.sample, world), world.table(rule.table), rule.match,
                    rule.store)


def _stage(rules: Sequence[TcpRule], delay: Milliseconds | None, world: World) -> Stage:
    return Stage(_steps(rules, world), seconds(delay) if delay else 0.0)


def _steps(rules: Sequence[TcpRule], world: World) -> list[Step]:
    return [(compiled(rule.when, world), _act(rule, world)) for rule in rules]


def _act(rule: TcpRule, world: World) -> Act:
    action = rule.action
    if action == "track":
        assert rule.sample is not None
        return _track(rule.slot, look(rule.sample, world), world.table(rule.table))
    if action == "expect-proxy":
        return _expect
    if action in ("inc-gpc0", "inc-gpc1"):
        return _increase(rule.slot, action.removeprefix("inc-"))
    verdict: Verdict = action  # type: ignore[assignment]  # the others are gone
    return lambda _visit: verdict


def _track(slot: int, taken: Look, table: TableState) -> Act:
    def act(visit: Visit) -> None:
        value = taken(visit)
        if visit.tracked[slot] is None and value is not None and value is not MORE:  # the first rule of a slot wins
            entry = table.get(value, visit.now)
            if entry is not None:
                visit.track(slot, entry)
    return act


def _expect(visit: Visit) -> None:
    visit.headed = True


def _increase(slot: int, counter: str) -> Act:
    def act(visit: Visit) -> None:
        entry = visit.tracked[slot]
        if entry is not None:
            entry.add(counter, visit.now)
    return act


def _reads(frontend: model.Frontend, backends: Sequence[model.Backend]) -> bool:
    conditions: list[Condition | None] = []
    samples: list[Sample | None] = []
    rules: list[TcpRule | StickRule] = [*frontend.rules.connection, *frontend.rules.session, *frontend.rules.content]
    conditions += [choice.when for choice in frontend.rules.backends]
    for backend in backends:
        rules += [*backend.rules.content, *backend.rules.stick]
        conditions += [choice.when for choice in backend.rules.servers]
    for rule in rules:
        conditions.append(rule.when)
        samples.append(rule.sample)
    samples += [criterion.sample for condition in conditions if condition is not None
                for terms in condition.alternatives for term in terms for criterion in term.any_of]
    return any(FETCHES[sample.fetch].content for sample in samples if sample is not None)


# -- one client --------------------------------------------------------------------------------------------------------


class Admission:
    """One client on its way. `deadline`: when `proceed` wants to be called again at the latest."""

    __slots__ = ("_at", "_until", "backend", "deadline", "rules", "visit")

    def __init__(self, rules: Ruleset, visit: Visit) -> None:
        self.rules = rules
        self.visit = visit
        self.backend: str | None = None  # None: the frontend's rules are being looked at
        self.deadline = inf
        self._at = 0
        self._until = 0.0

    def arrive(self) -> Verdict:
        """Before anything but addresses is known: reject with RST, or drop."""
        self.visit.final = True
        verdict = self._run(self.rules.connection)
        assert verdict is not None
        return verdict

    def begin(self) -> Verdict:
        """A session would begin now: reject with FIN."""
        for entry in self.visit.tracked:
            if entry is not None:
                entry.add("sess_cnt", self.visit.now)
        self._at = 0
        verdict = self._run(self.rules.session)
        assert verdict is not None
        self._at = 0
        self._until = self.visit.now + self.rules.content.delay
        return verdict

    def proceed(self, now: float, *, final: bool = False) -> Verdict | Choice | None:
        """Decide by what the client has said so far; None: wait. `final`: it will say nothing more."""
        visit = self.visit
        visit.now = now
        while True:
            stage = self.rules.content if self.backend is None else self._side(self.backend).content
            visit.final = final or visit.full or now >= self._until
            verdict = self._run(stage.steps)
            if verdict is None:
                self.deadline = self._until
                return None
            if verdict != "accept":
                return verdict
            visit.final = True
            if self.backend is not None:
                return self._choice(self.backend)
            self.backend = next((name for test, name in self.rules.choices if test(visit)), self.rules.default)
            self._at = 0
            self._until = now + self._side(self.backend).content.delay

    def _run(self, steps: Sequence[Step]) -> Verdict | None:
        visit = self.visit
        while self._at < len(steps):
            test, act = steps[self._at]
            value = test(visit)
            if value is None:
                return None
            self._at += 1
            verdict = act(visit) if value else None
            if verdict is not None:
                return verdict
        return "accept"

    def _side(self, backend: str) -> BackendSide:
        found = self.rules.backends.get(backend)
        return _NOTHING if found is None else found[1]

    def _choice(self, name: str) -> Choice:
        """`use-server` goes before what a table remembers; both only to servers that are there."""
        visit, side = self.visit, self._side(name)
        server: Server | None = None
        if side is not _NOTHING:
            servers = self.rules.backends[name][0].servers
            server = next((servers[wanted] for test, wanted in side.servers
                           if test(visit) and _there(servers.get(wanted))), None)
            for rule in side.stick:
                if rule.test(visit):
                    server = self._stick(rule, servers, server)
        return Choice(name, server)

    def _stick(self, rule: Sticking, servers: dict[str, Server], server: Server | None) -> Server | None:
        visit = self.visit
        value = rule.taken(visit)
        if value is None or value is MORE:
            return server
        if rule.match and server is None:
            entry = rule.table.find(value, visit.now)
            if entry is not None:
                entry.used = visit.now
                known = servers.get(entry.server)
                server = known if _there(known) else None
        if rule.store and (entry := rule.table.get(value, visit.now)) is not None:
            visit.stores.append(entry)
        return server


_NOTHING = BackendSide()


def _there(server: Server | None) -> bool:
    """As HAProxy: one that drains, or has weight 0, still takes those that belong to it."""
    return server is not None and server.status not in ("DOWN", "MAINT")
