"""Sync groups: virtual routers that are Active together or not at all (keepalived.conf(5), vrrp_sync_group).

    a member's silence ended            it waits until those of all others have ended, then all become Active
    a member yields to a better router  all others step down, too
    a member is in FAULT                it is in the way of all others: `obstacle`

So a group prefers Backup: one that cannot have all addresses must not keep some of them.

Two nodes may rank differently for different members. Each would then yield to the other, take over, and yield again. So
the members are asked in the order of their VRIDs, and one that hears a better router stays Active if a member before it
has just heard a lesser one: that node is about to yield for the same reason.
"""

from collections.abc import Mapping

from pyha.config.vrrp_model import SyncGroup

from .effects import Effect, State
from .router import VirtualRouter


class Group:
    """Moves the members. Call `settle` after anything happened to one of them, until it returns nothing."""

    def __init__(self, config: SyncGroup, members: Mapping[str, VirtualRouter]) -> None:
        self.config = config
        self._members = dict(sorted(members.items(), key=lambda item: item[1].config.vrid))
        self._obstacles: dict[str, str] = {}
        before: tuple[VirtualRouter, ...] = ()
        for member in self._members.values():
            member.grouped, member.ahead = True, before
            before = (*before, member)
        self._was = self._states()

    @property
    def state(self) -> State:
        """ACTIVE when all are; FAULT, INITIALIZE or BACKUP when any is."""
        states = set(self._states().values())
        for state in (State.FAULT, State.INITIALIZE, State.BACKUP):
            if state in states:
                return state
        return State.ACTIVE

    def looked(self, name: str, obstacle: str) -> None:
        """What keeps this member from taking part by itself; empty when nothing does."""
        self._obstacles[name] = obstacle

    def obstacle(self, name: str) -> str:
        """What keeps this member from taking part because of another; empty when nothing does."""
        return next((f"{other} of sync group {self.config.name}: {reason}" for other, reason in self._obstacles.items()
                     if reason and other != name), "")

    def settle(self, now: float) -> list[tuple[str, list[Effect]]]:
        """What the others do now: (name of the member, its effects), in the order to perform them."""
        before, self._was = self._was, self._states()
        if not set(self._was.values()) <= {State.ACTIVE, State.BACKUP}:
            return []
        yielded = [name for name, state in self._was.items()
                   if state is State.BACKUP and before[name] is State.ACTIVE]
        steps: list[tuple[str, list[Effect]]] = []
        if yielded:
            reason = f"{yielded[0]} of sync group {self.config.name} yielded"
            steps = [(name, member.step_down(reason, now)) for name, member in self._members.items()
                     if member.state is State.ACTIVE]
        elif all(member.state is State.ACTIVE or member.wants_active for member in self._members.values()):
            reason = f"all of sync group {self.config.name} may take over"
            steps = [(name, member.elect(reason, now)) for name, member in self._members.items()
                     if member.state is State.BACKUP]
        self._was = self._states()
        return steps

    def _states(self) -> dict[str, State]:
        return {name: member.state for name, member in self._members.items()}
