"""Names that lead nowhere, and things that are there twice. What also goes for pyha.yaml is in review_vrrp.py."""

from ipaddress import ip_interface
from typing import Any

from pyha.config.origin import did_you_mean

from .complete import family
from .statement import Part, Scope

_KINDS = (("track_scripts", "scripts", "vrrp_script"), ("track_processes", "process_checks", "vrrp_track_process"),
          ("track_files", "file_checks", "track_file"))
_DEFAULT_PRIORITY = 100


def check(whole: Scope) -> None:
    """Everything that only shows between the blocks of a file."""
    routers, groups = whole.children.get("routers", []), whole.children.get("groups", [])
    for user in (*routers, *groups):
        for key, kind, word in _KINDS:
            _known_only(user, key, whole.children.get(kind, []), word)
    whole.children["groups"] = _groups(groups, routers)
    _track_groups(whole, routers)
    for router in routers:
        _own_interface(router)
        _weights(whole, router, whole.children["groups"])
    _twins(routers)
    _vrids(routers)


def _known_only(user: Scope, key: str, known: list[Scope], word: str) -> None:
    """Drop what is tracked but not there: keepalived goes on without it, and the operator believes it is checked."""
    names = [scope.name for scope in known]
    kept = []
    for part in user.parts(key):
        if part.data["name"] in names:
            kept.append(part)
        else:
            user.draft.warn(part.origin, f"there is no {word} '{part.data['name']}', so {user.describe()} is not "
                            "affected by it, as in keepalived", did_you_mean(part.data["name"], names), ignored=True)
    if key in user.values:
        user.values[key] = kept


def _groups(groups: list[Scope], routers: list[Scope]) -> list[Scope]:
    """The sync groups that have members."""
    names = [router.name for router in routers]
    taken: dict[str, str] = {}
    kept = []
    for group in groups:
        members = _members(group, names)
        for part in [part for part in members if part.data in taken]:
            group.draft.warn(part.origin, f"'{part.data}' is in the sync group '{taken[part.data]}' already",
                             "a vrrp_instance can be in one only", ignored=True)
            members.remove(part)
        taken |= {part.data: group.name for part in members}
        if not members:
            group.draft.warn(group.origin, f"{group.describe()} has no members and is left out, as in keepalived",
                             "name them in 'group { ... }'", ignored=True)
            continue
        if len(members) == 1:
            group.draft.warn(group.origin, f"{group.describe()} has one member only",
                             "this probably is not what you want")
        group.put("members", tuple(part.data for part in members), group.where["_members"])
        kept.append(group)
    return kept


def _members(group: Scope, names: list[str]) -> list[Part]:
    kept = []
    for part in group.parts("_members"):
        if part.data in names:
            kept.append(part)
        else:
            group.draft.warn(part.origin, f"there is no vrrp_instance '{part.data}', so {group.describe()} goes on "
                             "without it", did_you_mean(part.data, names), ignored=True)
    return kept


def _track_groups(whole: Scope, routers: list[Scope]) -> None:
    groups = whole.children.get("track_groups", [])
    names = [router.name for router in routers]
    parts = [Part({"name": group.name, "members": tuple(part.data for part in _members(group, names))}, group.origin)
             for group in groups]
    if parts:
        whole.extend("track_groups", parts, groups[0].origin)
    known = [group.name for group in groups]
    for key in ("static_addresses", "static_routes", "static_rules"):
        for part in whole.parts(key):
            for name in part.data.get("track_groups", ()):
                if name not in known:
                    whole.draft.warn(part.origin, f"there is no track_group '{name}'", did_you_mean(name, known),
                                     ignored=True)


def _own_interface(router: Scope) -> None:
    """The interface of the instance is watched anyway."""
    own = router.get("interface")
    for part in router.parts("track_interfaces"):
        if part.data["name"] == own:
            watched = "is watched anyway" if router.get("track_primary", True) else "is not watched, because you say so"
            router.draft.warn(part.origin, f"'{own}' is the interface of {router.describe()} and {watched}, as in "
                              "keepalived", ignored=bool(part.data.get("weight")))
            router.values["track_interfaces"] = [other for other in router.parts("track_interfaces")
                                                 if other is not part]


# -- weights -----------------------------------------------------------------------------------------------------------


def _weights(whole: Scope, router: Scope, groups: list[Scope]) -> None:
    own = {kind: {scope.name: scope.get("weight", 0 if kind == "scripts" else 1)
                  for scope in whole.children.get(kind, [])} for _key, kind, _word in _KINDS}
    group = next((group for group in groups if router.name in group.values["members"]), None)
    if router.get("priority", _DEFAULT_PRIORITY) == 255:
        _unweighted(router, own, "an address owner (priority 255) keeps its priority")
    elif group is not None and not group.get("tracking_weight"):
        _unweighted(router, own, f"the members of the sync group '{group.name}' move together")


def _weight(part: Part, default: dict[str, int]) -> int:
    weight: Any = part.data.get("weight")
    return default.get(part.data["name"], 0) if weight is None else int(weight)


def _lists(own: dict[str, dict[str, int]]) -> list[tuple[str, dict[str, int]]]:
    return [*((key, own[kind]) for key, kind, _word in _KINDS), ("track_interfaces", {})]


def _unweighted(router: Scope, own: dict[str, dict[str, int]], reason: str) -> None:
    """Drop what is tracked with a weight."""
    for key, default in _lists(own):
        kept = []
        for part in router.parts(key):
            if _weight(part, default):
                router.draft.warn(part.origin, f"'{part.data['name']}' is tracked with a weight and has no effect, as "
                                  f"in keepalived: {reason}", "use 'weight 0' or a lower priority", ignored=True)
            else:
                kept.append(part)
        if key in router.values:
            router.values[key] = kept


# -- between instances -------------------------------------------------------------------------------------------------


def _twins(routers: list[Scope]) -> None:
    owners: dict[str, Scope] = {}
    for router in routers:
        for part in [*router.parts("addresses"), *router.parts("excluded_addresses")]:
            ip = ip_interface(part.data["interface"]).ip
            owner = owners.setdefault(str(ip), router)
            if owner is not router and not ip.is_link_local:
                router.draft.warn(part.origin, f"{ip} belongs to {owner.describe()} as well",
                                  "an address can follow one vrrp_instance only")


def _vrids(routers: list[Scope]) -> None:
    """The same VRID twice on an interface is possible when the packets cannot be confused."""
    seen: list[Scope] = []
    for router in routers:
        if "vrid" not in router.values or "interface" not in router.values:
            continue
        for other in seen:
            if _confused(router, other):
                router.draft.error(router.where["vrid"], f"virtual_router_id {router.values['vrid']} is used on "
                                   f"{router.values['interface']} by {other.describe()} already, at line "
                                   f"{other.where['vrid'].line}", "each needs its own, the same on all routers")
                break
        seen.append(router)


def _confused(router: Scope, other: Scope) -> bool:
    if any(router.values[key] != other.values[key] for key in ("vrid", "interface")) or family(router) != family(other):
        return False
    ours, theirs = ({part.data for part in scope.parts("unicast_peers")} for scope in (router, other))
    if ours and theirs:
        return bool(ours & theirs)
    if ours or theirs:
        return False
    return bool(router.get("multicast_group") == other.get("multicast_group"))
