"""One server's health: rise, fall and when to ask next. Every transition is in this file.

The rules (HAProxy's manual, section 5.2: `check`, `rise`, `fall`, `inter`, `disabled`, `agent-check`, `track`,
`observe`; section 4.2: `disable-on-404`):

1. `health` counts from 0 to rise + fall - 1. The server is up from `rise` on.
2. It starts up, with health = rise: new clients need not wait for the first check. One failure takes it down from
   there, one success makes it fully up.
3. A success adds one; reaching `rise` from below jumps to the top, so that `fall` failures are needed again.
4. A failure takes one off; falling below `rise` drops to 0, so that `rise` successes are needed again.
5. A conditional success (404 with disable-on-404) counts as success, but the server becomes NOLB: it finishes what it
   has. A plain success makes it UP again. For a server that is down the same answer is what it is without the option,
   usually a failure: there is nothing to finish.
6. A server in maintenance (`disabled`, its name does not resolve, or its agent says maint) is MAINT and is not checked.
   When it comes back it starts as in rule 2.
7. The next check is due one interval after the end of the last: `inter` when fully up, `downinter` when at 0,
   `fastinter` in between.
8. An agent is asked besides. `down` takes the server down whatever its checks say, `up` lifts that and no more; `drain`
   keeps new connections away (DRAIN) and `maint` is maintenance, both until `ready`; a percentage scales the weight.
   That an agent cannot be reached means nothing.
9. Who tracks another server is what that one is, and asks nobody.
10. Connections of clients that fail too often in a row (`observe`) count as the configuration says: as a failed check
    (`fail-check`), as the last but one that was needed (`sudden-death`), as the last one (`mark-down`), or only as a
    reason to look again soon, which the others are as well.
"""

from dataclasses import dataclass, field
from typing import Literal

from pyha.config.model import Check, Observe
from pyha.units import seconds

from .agent import Report
from .schedule import interval
from .verdict import Verdict

_LAST_ERROR = "last one was: L4 unsuccessful connection"
_HEAVIEST = 256

Status = Literal["UP", "DOWN", "NOLB", "MAINT", "DRAIN"]
Maintenance = Literal["disabled", "resolution", "agent"]


@dataclass(frozen=True, slots=True)
class StartCheck:
    """Ask the server now; answer with `ServerHealth.result`."""


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The server's status changed. `verdict` is what changed it, None for maintenance; `via`: the server it tracks.

    `below`: what its checks (and its agent) make of it, where maintenance or draining hide that.
    """

    old: Status
    new: Status
    verdict: Verdict | None
    via: str = ""
    below: Literal["UP", "DOWN"] = field(default="UP", compare=False)
    resolved: bool = field(default=True, compare=False)  # False: it is about a name that does or did not resolve


@dataclass(frozen=True, slots=True)
class CheckLogged:
    """The check said something new; `option log-health-checks` logs these. `health` is the count after it."""

    verdict: Verdict
    health: int
    by_agent: bool = False


@dataclass(frozen=True, slots=True)
class WeightChanged:
    """The agent wants another weight: `percent` of the configured one."""

    percent: int


Effect = StartCheck | StatusChanged | CheckLogged | WeightChanged


class ServerHealth:
    """The verdict on one server. Without a `check` it is simply up, or in maintenance."""

    def __init__(self, check: Check | None, *, disabled: bool = False, observe: Observe | None = None) -> None:
        self.check = check
        self.observe = observe
        self.deadline: float | None = None
        self.running = False
        self.verdict: Verdict | None = None
        self.agent_verdict: Verdict | None = None
        self.failures = 0  # checks that failed while the server was not fully down (`chkfail`)
        self.downs = 0  # times that it went down (`chkdown`)
        self.percent = 100  # of the configured weight, as the agent wants it
        self.agent_down = False
        self._stopping = False  # it asked for no new connections (NOLB)
        self._drained = False
        self._followed: Status | None = None  # of the server that this one tracks
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

    def weight(self, configured: int) -> int:
        """The configured weight, as far as the agent wants it."""
        scaled = min(configured * self.percent // 100, _HEAVIEST)
        return scaled or int(configured > 0 and self.percent > 0)

    def startup(self, now: float, offset: float = 0.0) -> list[Effect]:
        """Begin: the first check is due after `offset` seconds."""
        if self.check is not None and not self._maintenance:
            self.deadline = now + offset
        return []

    def adopt(self, status: Status, health: int, *, percent: int | None = None) -> None:
        """Take over what was known about this server before this process or this configuration.

        `percent`: the weight that its agent wanted, None if it has none.
        """
        if self._maintenance:
            return
        if percent is not None:
            self._adopt_agents(status, health, percent)
        if self.check is not None:
            down = status == "DOWN" and not self.agent_down
            low, high = (0, self.check.rise - 1) if down else (self.check.rise, self._top)
            self.health = max(low, min(health, high))
            self._stopping = status == "NOLB"
        self.status = self._derive()

    def _adopt_agents(self, status: Status, health: int, percent: int) -> None:
        self.percent = percent
        self._drained = status == "DRAIN"
        self.agent_down = status == "DOWN" and health >= self._rise
        if status == "MAINT":
            self._maintenance.add("agent")

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
        if self.health < self._rise or verdict.passed:
            self._stopping = verdict.conditional
        effects += self._settle(verdict)
        self.deadline = now + seconds(interval(self.check, self.health)) * (1 + spread)
        return effects

    def maintain(self, reason: Maintenance) -> list[Effect]:
        """Take the server out of service: rule 6."""
        self._maintenance.add(reason)
        self.deadline = None
        return self._settle(None, resolved=reason != "resolution")

    def ready(self, reason: Maintenance, now: float) -> list[Effect]:
        """That reason for maintenance is gone; without another one the server is back and is checked at once."""
        if reason not in self._maintenance:
            return []
        self._maintenance.remove(reason)
        if self._maintenance:
            return []
        self.health = self._rise
        self.verdict = None
        self._stopping = False
        self.startup(now)
        return self._settle(None, resolved=reason != "resolution")

    def heard(self, report: Report, now: float) -> list[Effect]:
        """The agent said something: rule 8."""
        effects: list[Effect] = []
        before, verdict = self.agent_verdict, report.verdict
        self.agent_verdict = verdict
        if report.percent is not None and report.percent != self.percent:
            self.percent = report.percent
            effects.append(WeightChanged(report.percent))
        if report.admin == "maint":
            effects += self.maintain("agent")
        elif report.admin is not None:
            self._drained = report.admin == "drain"
            effects += self.ready("agent", now) if "agent" in self._maintenance else self._settle(None)
        if report.up is not None:
            self.agent_down = not report.up
        if verdict.status != "CHECKED" and (before is None or before.status != verdict.status):
            effects.append(CheckLogged(verdict, int(not self.agent_down), by_agent=True))
        return effects + self._settle(verdict)

    def follow(self, status: Status, via: str) -> list[Effect]:
        """The server that this one tracks is that now: rule 9."""
        self._followed = status
        return self._settle(None, via=via)

    def suspect(self, errors: int, now: float) -> list[Effect]:
        """So many connections of clients failed in a row: rule 10."""
        if self.observe is None or self.check is None or self._maintenance:
            return []
        if self.check.fastinter and self.deadline is not None:
            self.deadline = min(self.deadline, now + seconds(self.check.fastinter))
        mode = self.observe.on_error
        if mode == "fastinter":
            return []
        if mode == "mark-down":
            self.health = min(self.health, self._rise)
        elif mode == "sudden-death":
            self.health = min(self.health, self._rise + 1)
        verdict = Verdict("HANA", info=f"Detected {errors} consecutive errors, {_LAST_ERROR}")
        self.verdict = verdict
        effects: list[Effect] = [CheckLogged(verdict, self.health)] if self._count(verdict) else []
        if self.health < self._rise:
            self._stopping = False
        return effects + self._settle(verdict)

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

    def _derive(self) -> Status:
        if self._maintenance:
            return "MAINT"
        below = self._followed or self._below()
        return "DRAIN" if self._drained and below in ("UP", "NOLB") else below

    def _below(self) -> Literal["UP", "DOWN", "NOLB"]:
        if self.health < self._rise or self.agent_down:
            return "DOWN"
        return "NOLB" if self._stopping else "UP"

    def _settle(self, verdict: Verdict | None, *, via: str = "", resolved: bool = True) -> list[Effect]:
        """Become what everything together makes of it."""
        old, self.status = self.status, self._derive()
        if old == self.status:
            return []
        if self.status == "DOWN":
            self.downs += 1
        down = (self._followed or self._below()) == "DOWN"
        return [StatusChanged(old, self.status, verdict, via, "DOWN" if down else "UP", resolved)]
