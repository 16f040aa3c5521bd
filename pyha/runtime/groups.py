"""Sync groups at work: their machines decide (pyha/vrrp/group.py), this has the members perform it."""

import logging
from collections.abc import Callable, Iterable, Mapping

from pyha.config.vrrp_model import SyncGroup, Vrrp
from pyha.runtime.log import notice
from pyha.runtime.router import Router
from pyha.vrrp.effects import State
from pyha.vrrp.group import Group

_log = logging.getLogger("pyha.vrrp")
_WORDS = {State.ACTIVE: "MASTER", State.BACKUP: "BACKUP", State.FAULT: "FAULT"}


class Groups:
    """All sync groups. `on_change(config, state)` is called when a group as a whole has another state."""

    def __init__(self, on_change: Callable[[SyncGroup, State], None]) -> None:
        self._on_change = on_change
        self._groups: list[Group] = []
        self._members: dict[str, Router] = {}
        self._states: dict[str, State] = {}
        self._settling: set[str] = set()

    def form(self, vrrp: Vrrp, routers: Mapping[str, Router]) -> None:
        """Be these groups from now on."""
        self._members = dict(routers)
        for router in routers.values():
            router.group, router.machine.grouped, router.machine.ahead = None, False, ()
        self._groups = []
        for config in vrrp.groups:
            members = {name: routers[name].machine for name in config.members if name in routers}
            if members:
                group = Group(config, members)
                self._groups.append(group)
                for name in members:
                    routers[name].group = group
        self._states = {group.config.name: self._states.get(group.config.name, State.INITIALIZE)
                        for group in self._groups}

    def judge(self, routers: Iterable[Router], now: float) -> None:
        """Have all compare what they need with what there is: each with its own, then with what is its group's."""
        everyone = list(routers)
        for router in everyone:
            if router.group is not None:
                router.group.looked(router.config.name, router.obstacle())
        for router in everyone:
            router.judge(now)

    def settle(self, group: Group, now: float) -> None:
        """Something happened to a member: move the others."""
        name = group.config.name
        if name in self._settling:
            return
        self._settling.add(name)
        try:
            while steps := group.settle(now):
                for member, effects in steps:
                    self._members[member].perform(effects, now)
        finally:
            self._settling.discard(name)
        if name in self._states and group.state is not self._states[name]:
            self._states[name] = group.state
            if group.state in _WORDS:
                notice(_log, f"VRRP_Group({name}) Syncing instances to {_WORDS[group.state]} state")
            self._on_change(group.config, group.state)
