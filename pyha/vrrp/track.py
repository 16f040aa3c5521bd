"""What a virtual router tracks, and what follows: a fault, or another priority (keepalived.conf(5), track_*).

    weight 0         the thing failed: FAULT
    weight above 0   added to the priority while the thing is well
    weight below 0   subtracted while it failed
    `reverse`        well and failed change places

Members of a sync group share the group's tracked things; their own weights count only with
`sync_group_tracking_weight`, because members of different priorities would not move together. The address
owner's priority never moves.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

from pyha.config.vrrp_model import Script, SyncGroup, VirtualRouter, Vrrp

Kind = Literal["interface", "script", "process", "file"]
_OWNER = 255
_LARGEST = 254


class ScriptState:
    """Counts the results of a script as keepalived does: `fall` failures in a row to fail, `rise` successes to be well.

    The first result counts at once, unless the script has `init_fail`: that one starts as failed.
    """

    def __init__(self, script: Script) -> None:
        self._script = script
        self._first = not script.init_fail
        self._health = 0  # well from `rise` on, at most rise + fall - 1

    @property
    def ok(self) -> bool:
        """Whether it counts as well."""
        return self._health >= self._script.rise

    def result(self, ok: bool) -> None:  # noqa: FBT001 - a result, not an option
        """It ran, and succeeded or not."""
        best = self._script.rise + self._script.fall - 1
        if ok:
            self._health = best if self._first or self._health + 1 >= self._script.rise else self._health + 1
        else:
            self._health = 0 if self._first or self._health <= self._script.rise else self._health - 1
        self._first = False


@dataclass(frozen=True, slots=True)
class _Tracked:
    """One tracked thing. `failure`: the sentence for its fault."""

    weight: int
    reverse: bool
    failure: str
    waits: bool  # nothing can be said before its first verdict


class Tracker:
    """Tells the effective priority and the faults of one virtual router from what became of the things it tracks.

    `balancer_available`: scripts that ask for haproxy are answered by this program's own balancer.
    """

    def __init__(self, config: VirtualRouter, vrrp: Vrrp, *, balancer_available: bool) -> None:
        self._base = config.priority
        self._values: dict[tuple[Kind, str], int] = {}  # what was last told: 0 or 1, for a file its number
        self._things: dict[tuple[Kind, str], _Tracked] = {}
        groups = [group for group in vrrp.groups if config.name in group.members]
        self._add(vrrp, config, balancer=balancer_available, weighted=all(group.tracking_weight for group in groups))
        for group in groups:
            self._add(vrrp, group, balancer=balancer_available, weighted=True)

    def _add(self, vrrp: Vrrp, user: VirtualRouter | SyncGroup, *, balancer: bool, weighted: bool) -> None:
        found: dict[tuple[Kind, str], _Tracked] = {}
        for interface in user.track_interfaces:
            found["interface", interface.name] = _Tracked(
                interface.weight, interface.reverse, f"tracked interface {interface.name} is down", waits=False)
        scripts = {script.name: script for script in vrrp.scripts}
        for name, weight, reverse, script in _used(user.track_scripts, scripts):
            failure = f"the balancer does not work (script {name})" if script.balancer and balancer else (
                f"script {name} failed")
            found["script", name] = _Tracked(weight, reverse, failure, waits=True)
        processes = {check.name: check for check in vrrp.process_checks}
        for name, weight, reverse, _check in _used(user.track_processes, processes):
            found["process", name] = _Tracked(weight, reverse, f"process check {name} failed", waits=True)
        files = {check.name: check for check in vrrp.file_checks}
        for name, weight, reverse, check in _used(user.track_files, files):
            found["file", name] = _Tracked(weight, reverse, f"tracked file {check.path} says so", waits=False)
        if not weighted:
            found = {key: thing for key, thing in found.items() if not thing.weight}
        self._things.update(found)

    def names(self, kind: Kind) -> list[str]:
        """The things of this kind that are tracked."""
        return [name for known, name in self._things if known == kind]

    def update(self, kind: Kind, name: str, value: int) -> None:
        """What became of a thing: well (True) or failed (False); for a file, its number."""
        if (kind, name) in self._things:
            self._values[kind, name] = value

    def pending(self) -> str:
        """Which thing has to be heard of before this virtual router may begin; empty when there is none."""
        return next((f"waiting for the first result of {kind} {name}" for (kind, name), thing in self._things.items()
                     if thing.waits and not thing.weight and (kind, name) not in self._values), "")

    def faults(self) -> Iterator[str]:
        """Sentences about what is in the way of taking part at all."""
        for key, thing in self._things.items():
            if key not in self._values:
                continue
            value = self._values[key]
            if key[0] == "file":
                # A number that takes everything away means FAULT, too (keepalived.conf(5), track_file).
                failed = value != 0 if not thing.weight else _file(thing, value) <= -_LARGEST
            else:
                failed = not thing.weight and bool(value) == thing.reverse
            if failed:
                yield thing.failure

    def priority(self) -> int:
        """The effective priority: 1 to 254, or 255 for the address owner."""
        if self._base == _OWNER:
            return _OWNER
        total = self._base
        for key, value in self._values.items():
            thing = self._things[key]
            if key[0] == "file":
                total += _file(thing, value)
            elif (bool(value) != thing.reverse) == (thing.weight > 0):
                total += thing.weight
        return max(1, min(total, _LARGEST))


def _file(thing: _Tracked, value: int) -> int:
    return max(-_LARGEST, min(value * thing.weight * (-1 if thing.reverse else 1), _LARGEST))


class _Use(Protocol):
    """A tracked script, process or file as its user names it."""

    @property
    def name(self) -> str: ...
    @property
    def weight(self) -> int | None: ...
    @property
    def reverse(self) -> bool | None: ...


class _Check(Protocol):
    """What it names."""

    @property
    def weight(self) -> int: ...
    @property
    def reverse(self) -> bool: ...


_C = TypeVar("_C", bound=_Check)


def _used(uses: Iterable[_Use], known: Mapping[str, _C]) -> Iterator[tuple[str, int, bool, _C]]:
    """Those that exist, with their weight and direction: the user's, or else their own."""
    for use in uses:
        if (check := known.get(use.name)) is not None:
            yield (use.name, check.weight if use.weight is None else use.weight,
                   check.reverse if use.reverse is None else use.reverse, check)
