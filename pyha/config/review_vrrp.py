"""What `pyha check` says about virtual routers, whatever language they were written in.

First names that lead nowhere, then advice: what is valid, and a mistake all the same.
keepalived.conf(5) says most of it somewhere; its users found out by experience.
"""

from collections.abc import Iterable, Iterator

from .model import Config
from .origin import Loc, did_you_mean
from .vrrp_model import SyncGroup, VirtualRouter, Vrrp
from .vrrp_routes import UNSUPPORTED_OPTIONS

_Finding = tuple[Loc, str, str]
_PASSWORD = 8
_OWNER, _LARGEST = 255, 254
_USUAL = 100  # keepalived's default priority: what the other router has when nothing is said
_CHECKS = (("track_scripts", "scripts", "script"), ("track_processes", "process_checks", "process check"),
           ("track_files", "file_checks", "file check"))
_WORDS = {"track_scripts": "track_script", "track_processes": "track_process", "track_files": "track_file"}


def advice(config: Config) -> Iterator[_Finding]:
    """Everything, in the order of the model."""
    vrrp = config.vrrp
    for index, router in enumerate(vrrp.routers):
        loc: Loc = ("vrrp", "routers", index)
        yield from _own_addresses(loc, router, vrrp)
        yield from _words(loc, router)
        yield from _weights(loc, router, vrrp)
    yield from _untracked(vrrp)
    yield from _options(vrrp)


def _own_addresses(loc: Loc, router: VirtualRouter, vrrp: Vrrp) -> Iterator[_Finding]:
    """RFC 9568 section 6.1: who has the address as its own is the owner, with priority 255."""
    fixed = {address.interface.ip for address in vrrp.static_addresses}
    for field in ("addresses", "excluded_addresses"):
        for number, address in enumerate(getattr(router, field)):
            ip = address.interface.ip
            whose = "the address that its advertisements come from" if ip == router.source else (
                "one of its unicast peers" if ip in router.unicast_peers else
                "a static address, which stays" if ip in fixed else "")
            if whose and router.priority != _OWNER:
                yield ((*loc, field, number), f"{ip} of virtual router '{router.name}' is {whose}, too",
                       "a virtual address moves between the routers; give each router an address of its own")


def _words(loc: Loc, router: VirtualRouter) -> Iterator[_Finding]:
    if router.initial_state == "MASTER" and not router.preempt:
        said = f"virtual router '{router.name}' begins as MASTER and does not preempt: it cannot do both"
        yield ((*loc, "preempt"), said, "begin as BACKUP on all routers; the priority decides")
    if router.initial_state == "MASTER" and router.preempt_delay:
        said = f"virtual router '{router.name}' begins as MASTER, so 'preempt_delay' does not work"
        yield ((*loc, "preempt_delay"), said, "begin as BACKUP on all routers; the priority decides")
    if router.authentication.kind != "none" and len(router.authentication.password.encode()) > _PASSWORD:
        yield ((*loc, "authentication", "password"), f"only the first {_PASSWORD} characters of the password count",
               "that is all that VRRP has room for")
    if router.authentication.kind != "none" and router.version == 3:
        yield ((*loc, "authentication", "kind"), "version 3 of VRRP has no authentication, so this is not used",
               "remove it, or use version 2 on all routers")


# -- weights -----------------------------------------------------------------------------------------------------------


def _weights(loc: Loc, router: VirtualRouter, vrrp: Vrrp) -> Iterator[_Finding]:
    """Priorities are 50 apart (keepalived.conf(5) advises so): a weight has to reach across that."""
    grouped = any(router.name in group.members and not group.tracking_weight for group in vrrp.groups)
    found = list(_used(router, vrrp))
    weights = [weight for _field, _number, weight in found]
    reach = sum(abs(weight) for weight in weights)
    if not reach or 0 in weights or router.priority == _OWNER or grouped or router.initial_state != "MASTER":
        return
    best = min(router.priority + sum(weight for weight in weights if weight > 0), _LARGEST)
    worst = max(best - reach, 1)
    if reach == 1 or worst >= _USUAL + max(*weights, 0):
        field, number, _weight = found[0]
        said = (f"when every check of virtual router '{router.name}' fails its priority is still {worst}: the "
                "addresses move only to a router whose priority is above that")
        yield ((*loc, field, number), said,
               "a weight has to be larger than the difference between the priorities")


def _used(router: VirtualRouter, vrrp: Vrrp) -> Iterator[tuple[str, int, int]]:
    """Everything that is tracked, with its weight: the user's, or else its own."""
    for field, kind, _what in _CHECKS:
        own = {check.name: check.weight for check in getattr(vrrp, kind)}
        for number, use in enumerate(getattr(router, field)):
            yield field, number, own.get(use.name, 0) if use.weight is None else use.weight
    for number, interface in enumerate(router.track_interfaces):
        yield "track_interfaces", number, interface.weight


# -- names -------------------------------------------------------------------------------------------------------------


def names(vrrp: Vrrp) -> Iterator[_Finding]:
    """Names that lead nowhere."""
    routers = [router.name for router in vrrp.routers]
    users: list[tuple[Loc, VirtualRouter | SyncGroup]] = [
        *((("vrrp", "routers", index), router) for index, router in enumerate(vrrp.routers)),
        *((("vrrp", "groups", index), group) for index, group in enumerate(vrrp.groups))]
    for loc, user in users:
        for field, kind, what in _CHECKS:
            if field == "track_scripts" and isinstance(user, VirtualRouter):
                continue  # review.py
            known = [check.name for check in getattr(vrrp, kind)]
            for number, use in enumerate(getattr(user, field)):
                if use.name not in known:
                    hint = did_you_mean(use.name, known)
                    yield (*loc, field, number, "name"), f"there is no {what} '{use.name}'", hint
    members = [*((("vrrp", "groups", index), group.members) for index, group in enumerate(vrrp.groups)),
               *((("vrrp", "track_groups", index), group.members) for index, group in enumerate(vrrp.track_groups))]
    for loc, listed in members:
        for number, name in enumerate(listed):
            if name not in routers:
                yield (*loc, "members", number), f"there is no virtual router '{name}'", did_you_mean(name, routers)


def _untracked(vrrp: Vrrp) -> Iterator[_Finding]:
    for field, kind, what in _CHECKS:
        tracked = {use.name for user in (*vrrp.routers, *vrrp.groups) for use in getattr(user, field)}
        for index, check in enumerate(getattr(vrrp, kind)):
            if check.name not in tracked:
                said = f"{what} '{check.name}' is not tracked by anything, so it is never looked at"
                yield (("vrrp", kind, index), said, f"name it in '{field}' (keepalived.conf: '{_WORDS[field]}')")


# -- routes and rules --------------------------------------------------------------------------------------------------


def _options(vrrp: Vrrp) -> Iterator[_Finding]:
    places: list[tuple[Loc, Iterable[object]]] = [(("vrrp", "static_routes"), vrrp.static_routes),
                                                  (("vrrp", "static_rules"), vrrp.static_rules)]
    for index, router in enumerate(vrrp.routers):
        places += [(("vrrp", "routers", index, "routes"), router.routes),
                   (("vrrp", "routers", index, "rules"), router.rules)]
    for loc, entries in places:
        for number, entry in enumerate(entries):
            for name, _value in getattr(entry, "options", ()):
                if name in UNSUPPORTED_OPTIONS:
                    yield ((*loc, number), f"'{name}' has no effect: {UNSUPPORTED_OPTIONS[name]}",
                           "the rest of the line is done")
