"""What is logged about the health of servers, in HAProxy's words, so that alerting rules keep working."""

from dataclasses import dataclass

from pyha.config.model import Check, Level

from .server import StatusChanged
from .verdict import Verdict


@dataclass(frozen=True, slots=True)
class Line:
    """One log line and its syslog level."""

    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Subject:
    """The server that a line is about."""

    backend: str
    server: str
    backup: bool = False
    weight: int = 1

    def named(self, word: str) -> str:
        """`Server be/s1`, or for a backup server `Backup Server be/s2`."""
        return f"{'Backup ' if self.backup else ''}{word} {self.backend}/{self.server}"


@dataclass(frozen=True, slots=True)
class Remaining:
    """The usable servers of the backend after the change, and the sessions that this server has."""

    active: int
    backup: int
    sessions: int = 0
    queued: int = 0

    @property
    def note(self) -> str:
        """Worth a remark: only backup servers are left."""
        return " Running on backup." if self.backup and not self.active else ""


def check_line(subject: Subject, verdict: Verdict, duration_ms: int, health: int, check: Check) -> Line:
    """`option log-health-checks`: one check that said something new."""
    up = health >= check.rise
    count = f"{health - check.rise + 1}/{check.fall}" if up else f"{health}/{check.rise}"
    state = ("UP" if subject.weight else "DRAIN") if up else "DOWN"
    outcome = ("conditionally " if verdict.conditional else "") + ("succeeded" if verdict.passed else "failed")
    who = f"{'backup ' if subject.backup else ''}server {subject.backend}/{subject.server}"
    return Line("notice", f"Health check for {who} {outcome}, {verdict.reason(duration_ms)}, status: {count} {state}.")


def agent_line(subject: Subject, verdict: Verdict, duration_ms: int, *, up: bool) -> Line:
    """The same for what an agent said, or that it could not be asked."""
    outcome = "succeeded" if verdict.passed else "failed"
    who = f"{'backup ' if subject.backup else ''}server {subject.backend}/{subject.server}"
    state = "1/1 UP" if up else "0/1 DOWN"
    return Line("notice", f"Agent check for {who} {outcome}, {verdict.reason(duration_ms)}, status: {state}.")


_WORDS = {"UP": "is UP", "DOWN": "is DOWN", "NOLB": "is stopping", "MAINT": "is going DOWN for maintenance",
          "DRAIN": "enters drain state"}


def change_line(subject: Subject, change: StatusChanged, reason: str, remaining: Remaining) -> Line:
    """A server went up, down or out of service. `reason` is `Verdict.reason`, empty when check lines say it already."""
    who, old, new = subject.named("Server"), change.old, change.new
    via = f" via {change.via}" if change.via else ""
    short = _short(change, via)
    if short:
        return Line("notice", f"{who} {short}.")
    words = "is UP" if (old, new) == ("DOWN", "DRAIN") else _WORDS[new]
    why = via or (f", {reason}" if reason else "")
    counts = f"{remaining.active} active and {remaining.backup} backup servers"
    if new in ("DOWN", "MAINT"):
        rest = (f"{counts} left.{remaining.note} {remaining.sessions} sessions active, 0 requeued, "
                f"{remaining.queued} remaining in queue.")
    else:
        rest = f"{counts} online.{remaining.note} 0 sessions requeued, {remaining.queued} total in queue."
    # A server that was finishing its sessions anyway wakes nobody up.
    level: Level = "alert" if new in ("DOWN", "MAINT") and old == "UP" else "notice"
    return Line(level, f"{who} {words}{why}. {rest}")


def _short(change: StatusChanged, via: str) -> str:
    """What is said without counting the servers that are left: somebody took back what he had ordered."""
    old, new = change.old, change.new
    if old == "MAINT" and change.resolved:
        state = f"{change.below}/{'DRAIN' if new == 'DRAIN' else 'READY'}"
        return f"is {state} (leaving {'' if via else 'forced '}maintenance)"
    if (old, new) == ("DOWN", "MAINT"):
        return f"was DOWN and now enters maintenance{via}"
    if old == "DRAIN" and new in ("UP", "NOLB"):
        return "is UP (leaving forced drain)"
    return ""


def none_left_line(backend: str, *, listen: bool) -> Line:
    """The last usable server of a backend is gone. A `listen` section calls itself a proxy."""
    return Line("emerg", f"{'proxy' if listen else 'backend'} {backend} has no server available!")
