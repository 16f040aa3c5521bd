"""What is logged about the health of servers, in HAProxy's words, so that alerting rules keep working."""

from dataclasses import dataclass

from pyha.config.model import Check, Level

from .server import Status
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


def change_line(subject: Subject, old: Status, new: Status, reason: str, remaining: Remaining) -> Line:
    """A server went up, down or out of service. `reason` is `Verdict.reason`, empty when check lines say it already."""
    words = {"UP": "is UP", "DOWN": "is DOWN", "NOLB": "is stopping", "MAINT": "is going DOWN for maintenance"}[new]
    why = f", {reason}" if reason else ""
    counts = f"{remaining.active} active and {remaining.backup} backup servers"
    if new in ("DOWN", "MAINT"):
        rest = (f"{counts} left.{remaining.note} {remaining.sessions} sessions active, 0 requeued, "
                f"{remaining.queued} remaining in queue.")
    else:
        rest = f"{counts} online.{remaining.note} 0 sessions requeued, {remaining.queued} total in queue."
    # A server that was finishing its sessions anyway, or is stopped on purpose, wakes nobody up.
    level: Level = "alert" if new == "DOWN" and old == "UP" else "notice"
    return Line(level, f"{subject.named('Server')} {words}{why}. {rest}")


def none_left_line(backend: str, *, listen: bool) -> Line:
    """The last usable server of a backend is gone. A `listen` section calls itself a proxy."""
    return Line("emerg", f"{'proxy' if listen else 'backend'} {backend} has no server available!")
