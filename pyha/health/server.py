"""One server's health: rise, fall and when to ask next. Every transition is in this file.

The rules (HAProxy's manual, section 5.2: `check`, `rise`, `fall`, `inter`, `disabled`; section 4.2: `disable-on-404`):

1. `health` counts from 0 to rise + fall - 1. The server is up from `rise` on.
2. It starts up, with health = rise: new clients need not wait for the first check. One failure takes it down from
   there, one success makes it fully up.
3. A success adds one; reaching `rise` from below jumps to the top, so that `fall` failures are needed again.
4. A failure takes one off; falling below `rise` drops to 0, so that `rise` successes are needed again.
5. A conditional success (404 with disable-on-404) counts as success, but the server becomes NOLB: it finishes what it
   has. A plain success makes it UP again. For a server that is down the same answer is what it is without the option,
   usually a failure: there is nothing to finish.
6. A server in maintenance (`disabled`, or its name does not resolve) is MAINT and is not checked. When it comes back
   it starts as in rule 2.
7. The next check is due one interval after the end of the last: `inter` when fully up, `downinter` when at 0,
   `fastinter` in between.
"""

from dataclasses import dataclass
from typing import Literal

from pyha.config.model import Check
from pyha.units import seconds

from .schedule import interval
from .verdict import Verdict

Status = Literal["UP", "DOWN", "NOLB", "MAINT"]
Maintenance = Literal["disabled", "resolution"]


@dataclass(frozen=True, slots=True)
class StartCheck:
    """Ask the server now; answer with `ServerHealth.result`."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The server's status changed. `verdict` is what changed it, None for maintenance."""

    old: Status
    new: Status
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class CheckLogged:
    """The check said something new; `option log-health-checks` logs these. `health` is the count after it."""

    verdict: Verdict
    health: int


Effect = StartCheck | StatusChanged | CheckLogged


class ServerHealth:
    """The verdict on one server. Without a `check` it is simply up, or in maintenance."""

    def __init__(self, check: Check | None, *, disabled: bool = False) -> None:
        self.check = check
        self.deadline: float | None = None
        self.running = False
        self.verdict: Verdict | None = None
        self.failures = 0  # checks that failed while the server was not fully down (`chkfail`)
        self.downs = 0  # times that it went down (`chkdown`)
        self._maintenance: set[Maintenance] = {"disabled"} if disabled else set()
        self.status: Status = "MAINT" if disabled else "UP"
        self.health = self._rise

    @property
    def _rise(self) -> int:
        return self.check.rise if self.check else 1

    @property
    def _top(self) -> int:
        return self.check.rise + self.check.fall - 1 if self.check else 1

    @property
    def maintenance(self) -> frozenset[Maintenance]:
        """Why it is in maintenance; empty when it is not."""
        return frozenset(self._maintenance)

    def startup(self, now: float, offset: float = 0.0) -> list[Effect]:
        """Begin: the first check is due after `offset` seconds."""
        if self.check is not None and not self._maintenance:
            self.deadline = now + offset
        return []

    def adopt(self, status: Status, health: int) -> None:
        """Take over what was known about this server before this process or this configuration."""
        if self._maintenance or self.check is None or status == "MAINT":
            return
        self.status = status
        low, high = (0, self.check.rise - 1) if status == "DOWN" else (self.check.rise, self._top)
        self.health = max(low, min(health, high))

    def expire(self, now: float) -> list[Effect]:
        """Time has passed. Harmless when early."""
        if self.deadline is None or now < self.deadline:
            return []
        self.deadline = None
        self.running = True
        return [StartCheck()]

    def result(self, verdict: Verdict, now: float, spread: float = 0.0) -> list[Effect]:
        """The check ended. `spread` lengthens or shortens the wait for the next by that part (`spread-checks`)."""
        self.running = False
        if self.check is None or self._maintenance:
            return []
        if self.status == "DOWN" and verdict.otherwise is not None:
            verdict = verdict.otherwise
        before = self.verdict
        self.verdict = verdict
        moved = self._count(verdict)
        effects: list[Effect] = []
        if moved or before is None or before.status != verdict.status:
            effects.append(CheckLogged(verdict, self.health))
        effects += self._move_to(self._status_after(verdict), verdict)
        self.deadline = now + seconds(interval(self.check, self.health)) * (1 + spread)
        return effects

    def maintain(self, reason: Maintenance) -> list[Effect]:
        """Take the server out of service: rule 6."""
        self._maintenance.add(reason)
        self.deadline = None
        return self._move_to("MAINT", None)

    def ready(self, reason: Maintenance, now: float) -> list[Effect]:
        """That reason for maintenance is gone; without another one the server is back and is checked at once."""
        if reason not in self._maintenance:
            return []
        self._maintenance.remove(reason)
        if self._maintenance:
            return []
        self.health = self._rise
        self.verdict = None
        self.startup(now)
        return self._move_to("UP", None)

    def hasten(self, now: float) -> None:
        """Check as soon as possible: something says that the last verdict is stale."""
        if self.deadline is not None:
            self.deadline = now

    def _count(self, verdict: Verdict) -> bool:
        before = self.health
        if verdict.passed:
            self.health = min(self.health + 1, self._top)
            if self.health >= self._rise:
                self.health = self._top
        elif self.health > 0:
            self.failures += 1
            self.health -= 1
            if self.health < self._rise:
                self.health = 0
        return self.health != before

    def _status_after(self, verdict: Verdict) -> Status:
        if self.health < self._rise:
            return "DOWN"
        if verdict.conditional:
            return "NOLB"
        return "UP" if verdict.passed else self.status

    def _move_to(self, new: Status, verdict: Verdict | None) -> list[Effect]:
        old, self.status = self.status, new
        if old == new:
            return []
        if new == "DOWN":
            self.downs += 1
        return [StatusChanged(old, new, verdict)]
