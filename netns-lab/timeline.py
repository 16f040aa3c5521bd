"""What happened, as data: requests, watches, who held the address, scenes; and the figures that follow from it.

Pure: times are numbers in seconds of one clock, everything else is arithmetic on what was recorded.
"""

import enum
import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One request of the client. `node` answered, `via` carried it; `error` is empty when it was answered."""

    started: float
    ended: float
    node: str
    via: str
    error: str

    @property
    def answered(self) -> bool:
        """Whether there was an answer in time."""
        return not self.error


@dataclass(frozen=True)
class WatchEvent:
    """A watch was opened (`reason` is empty) or lost."""

    time: float
    opened: bool
    number: int
    reason: str = ""


class Fact(enum.Enum):
    """What can be true of a master."""

    ADDRESS = "has the virtual address"
    PROGRAM = "its balancer runs"
    CABLE = "is reachable"
    APISERVER = "its apiserver runs"


@dataclass(frozen=True)
class Change:
    """From this moment on, something is true of a master, or not any more."""

    time: float
    node: str
    fact: Fact
    true: bool


@dataclass(frozen=True)
class Note:
    """Something that was done or seen, in words."""

    time: float
    text: str


@dataclass(frozen=True)
class Promise:
    """What a scene promised, and whether it was kept."""

    text: str
    kept: bool


@dataclass
class Scene:
    """One scene: what was done, from when to when."""

    number: int
    title: str
    start: float
    end: float
    promises: list[Promise] = field(default_factory=list)

    @property
    def kept(self) -> bool:
        """Whether everything went as promised."""
        return all(promise.kept for promise in self.promises)


@dataclass(frozen=True)
class Holding:
    """A master had the address from `start` to `end`; `serving`: its program ran and the client could reach it."""

    node: str
    start: float
    end: float
    serving: bool


@dataclass(frozen=True)
class Figures:
    """What the client saw in a stretch of time."""

    answered: int
    failed: int
    errors: Counter[str]
    longest_gap: float
    watches_lost: Counter[str]


class Timeline:
    """Everything recorded in one run, in the order in which it was recorded."""

    def __init__(self, nodes: Sequence[str]) -> None:
        self.nodes = list(nodes)
        self.requests: list[Request] = []
        self.skipped = 0
        self.watches: list[WatchEvent] = []
        self.changes: list[Change] = []
        self.notes: list[Note] = []
        self.scenes: list[Scene] = []
        self.zero = 0.0

    @property
    def end(self) -> float:
        """The end of the last scene."""
        return self.scenes[-1].end if self.scenes else self.zero

    # -- what the client saw ---------------------------------------------------------------------------------------

    def between(self, start: float, end: float) -> list[Request]:
        """The requests that ended in (start, end]: an answer counts when it arrives, a failure when it is known."""
        return [request for request in self.requests if start < request.ended <= end]

    def gap(self, start: float, end: float) -> tuple[float, float]:
        """The longest stretch without an answer in [start, end], as (from, to); its edges count as answers.

        A stretch before the first request of all is not a gap: nobody asked.
        """
        if self.requests:
            start = max(start, min(self.requests[0].started, end))
        moments = sorted(request.ended for request in self.requests if request.answered and start < request.ended < end)
        edges = [start, *moments, end]
        return max(itertools.pairwise(edges), key=lambda gap: gap[1] - gap[0])

    def longest_gap(self, start: float, end: float) -> float:
        """The length of that stretch in seconds."""
        first, last = self.gap(start, end)
        return last - first

    def figures(self, start: float, end: float) -> Figures:
        """All of it for one stretch."""
        requests = self.between(start, end)
        answered = sum(request.answered for request in requests)
        return Figures(
            answered=answered,
            failed=len(requests) - answered,
            errors=Counter(request.error for request in requests if request.error),
            longest_gap=self.longest_gap(start, end),
            watches_lost=Counter(event.reason for event in self.watches
                                 if not event.opened and start <= event.time < end),
        )

    def answered_by(self, start: float, end: float) -> Counter[str]:
        """How many answers came from each apiserver."""
        return Counter(request.node for request in self.between(start, end) if request.answered)

    def carried_by(self, start: float, end: float) -> Counter[str]:
        """How many answers each master's balancer carried."""
        return Counter(request.via for request in self.between(start, end) if request.answered)

    def watches_open(self) -> list[tuple[float, int]]:
        """(time, how many are open from then on), in order of time."""
        count, steps = 0, []
        for event in sorted(self.watches, key=lambda event: event.time):
            count += 1 if event.opened else -1
            steps.append((event.time, count))
        return steps

    def pace(self, start: float, end: float) -> float:
        """Requests started a second."""
        started = sum(start <= request.started < end for request in self.requests)
        return started / (end - start) if end > start else 0.0

    # -- who held the address --------------------------------------------------------------------------------------

    def true(self, node: str, fact: Fact) -> bool:
        """Whether something is true of a master as far as was recorded."""
        return next((change.true for change in reversed(self.changes)
                     if change.node == node and change.fact is fact), False)

    def serving(self) -> list[str]:
        """The masters that have the address, run, and can be reached: all well when that is exactly one."""
        return [node for node in self.nodes
                if all(self.true(node, fact) for fact in (Fact.ADDRESS, Fact.PROGRAM, Fact.CABLE))]

    def holdings(self, end: float) -> list[Holding]:
        """Who had the address when, in order of their beginnings."""
        found: list[Holding] = []
        for node in self.nodes:
            found += _holdings(node, [change for change in self.changes if change.node == node], end)
        return sorted(found, key=lambda holding: (holding.start, holding.node))


def _holdings(node: str, changes: Iterable[Change], end: float) -> Iterable[Holding]:
    facts = dict.fromkeys(Fact, False)
    since = 0.0
    for change in sorted(changes, key=lambda change: change.time):
        before = _state(facts)
        facts[change.fact] = change.true
        if _state(facts) != before:
            if before[0] and change.time > since:
                yield Holding(node, since, change.time, serving=before[1])
            since = change.time
    if facts[Fact.ADDRESS] and end > since:
        yield Holding(node, since, end, serving=_state(facts)[1])


def _state(facts: dict[Fact, bool]) -> tuple[bool, bool]:
    """(has the address, and clients can be served there)."""
    return facts[Fact.ADDRESS], facts[Fact.ADDRESS] and facts[Fact.PROGRAM] and facts[Fact.CABLE]
