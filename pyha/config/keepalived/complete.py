"""What a `vrrp_instance` comes to when everything is read: defaults, family and version, what does not go together.

The rules and their order are keepalived's (its vrrp_complete_instance); where it clears a setting, so does pyha.
"""

from ipaddress import ip_address, ip_interface
from typing import Any

from . import garp
from .statement import Part, Scope

_DEFAULTS = {"_down_timer_adverts": "down_timer_adverts", "_skip_check_adv_addr": "skip_check_adv_addr",
             "_check_unicast_source": "check_unicast_source", "_lower_prio_advert": "lower_prio_advert",
             "_higher_prio_advert": "higher_prio_advert", "_owner_ignores_adverts": "owner_ignores_adverts",
             "_priority_changes": "notify.priority_changes", "_pseudo_header": "pseudo_header", "_strict": "strict",
             "_smtp_alert": "notify.smtp", "_smtp_alert_vrrp": "notify.smtp"}
_MANY = 20  # addresses: more do not fit into the small packets of old routers
_MOST = 255  # addresses: the count has eight bits


def complete(router: Scope, settings: Scope) -> None:
    """Fill in and clear up; `settings` is the file as a whole with what global_defs says."""
    for key, target in _DEFAULTS.items():
        specific = key == "_smtp_alert" and "_smtp_alert_vrrp" in settings.values
        if key in settings.values and target not in router.values and not specific:
            router.put(target, settings.values[key], settings.where[key])
    if "higher_prio_advert" not in router.values:
        # Not keepalived's default. When a network heals, the loser may hear the winner first and yield in silence; the
        # winner then never learns that its addresses have to be announced anew, and clients go on sending to the loser.
        router.put("higher_prio_advert", True, router.origin)
    garp.defaults(router, settings)
    _identity(router)
    family = _family(router)
    _version(router, settings, family)
    _group(router, settings, family)
    _interval(router)
    _addresses(router)
    _unicast(router)
    _authentication(router)
    _preemption(router)
    _virtual_mac(router)
    if router.get("strict"):
        _strict(router)


def family(router: Scope) -> int:
    """4 or 6: that of the first virtual address, else of the source or a peer."""
    for part in router.parts("addresses"):
        return ip_interface(part.data["interface"]).version
    for text in (router.get("source"), *(part.data for part in router.parts("unicast_peers"))):
        if text:
            return ip_address(text).version
    for part in router.parts("excluded_addresses"):
        return ip_interface(part.data["interface"]).version
    return 4


def _identity(router: Scope) -> None:
    if "interface" not in router.mentioned:
        router.draft.error(router.origin, f"{router.describe()} has no 'interface'",
                           "add the one that the routers share")
    if "virtual_router_id" not in router.mentioned:
        router.draft.error(router.origin, f"{router.describe()} has no 'virtual_router_id'",
                           "add one between 1 and 255, the same on all routers of this virtual address")


def _family(router: Scope) -> int:
    """Find the family; addresses of the other one are left out of `virtual_ipaddress`, as keepalived does it."""
    version = family(router)
    kept = []
    for part in router.parts("addresses"):
        if ip_interface(part.data["interface"]).version == version:
            kept.append(part)
        else:
            router.draft.warn(part.origin, f"{part.data['interface']} is left out as keepalived does it: the addresses "
                              f"of {router.describe()} are IPv{version}", "put it in 'virtual_ipaddress_excluded', or "
                              "in a vrrp_instance of its own", ignored=True)
    if "addresses" in router.values:
        router.values["addresses"] = kept
    return version


def _version(router: Scope, settings: Scope, family: int) -> None:
    where = router.where.get("version") or settings.where.get("_version") or router.origin
    version = router.get("version", settings.get("_version", 2))
    if family == 6 and version == 2:
        if "version" in router.values:
            router.draft.warn(where, "version 2 of VRRP has no IPv6, so this is version 3 as in keepalived",
                              ignored=True)
        version = 3
    router.put("version", version, where)


def _group(router: Scope, settings: Scope, family: int) -> None:
    key = f"_group{family}"
    if "multicast_group" in router.values:
        group = router.values["multicast_group"]
        if ip_address(group).version != family:
            router.draft.error(router.where["multicast_group"], f"the group {group} is not IPv{family}, as the "
                               f"addresses of {router.describe()} are")
    elif key in settings.values:
        router.put("multicast_group", settings.values[key], settings.where[key])


def _interval(router: Scope) -> None:
    """Version 2 counts in whole seconds, version 3 in hundredths of a second up to 40.95 s."""
    if "_advert_seconds" not in router.values:
        return
    given, where = router.values["_advert_seconds"], router.where["_advert_seconds"]
    count = round(given * 100)
    if router.values["version"] == 2 and count % 100:
        count = max((count + 50) // 100, 1) * 100
        router.draft.warn(where, f"version 2 of VRRP has whole seconds only: {given:g} becomes {count // 100}, as in "
                          "keepalived", "use 'version 3' on all routers for less than a second", ignored=True)
    elif router.values["version"] == 3 and count > 4095:
        router.draft.warn(where, f"version 3 of VRRP has room for 40.95 seconds: {given:g} becomes 40.95", ignored=True)
        count = 4095
    router.put("advert_int", count, where)


def _addresses(router: Scope) -> None:
    advertised = _without_twins(router, "addresses", {})
    _without_twins(router, "excluded_addresses", advertised)
    count = len(router.parts("addresses"))
    where = router.where.get("addresses", router.origin)
    if not count and not router.get("without_addresses") and not router.get("_lost_addresses"):
        router.draft.warn(where, f"{router.describe()} has no virtual address in its advertisements",
                          "add one to 'virtual_ipaddress'")
    elif count > _MOST:
        router.draft.error(where, f"{count} addresses do not fit into an advertisement, which has room for {_MOST}",
                           "move all but one to 'virtual_ipaddress_excluded', on all routers")
    elif count > _MANY:
        router.draft.warn(where, f"advertisements name {count} addresses; more than {_MANY} are better kept out of "
                          "them", "move some to 'virtual_ipaddress_excluded', on all routers")


def _without_twins(router: Scope, key: str, known: dict[str, Part]) -> dict[str, Part]:
    """Tell of addresses that are there already, and drop what nobody else sees. Returns those that are known now."""
    seen = dict(known)
    kept = []
    for part in router.parts(key):
        ip = str(ip_interface(part.data["interface"]).ip)
        if ip not in seen:
            kept.append(part)
            seen[ip] = part
            continue
        router.draft.warn(part.origin, f"the address {ip} is there already, at line {seen[ip].origin.line}",
                          "remove one of them, on all routers at the same time", ignored=key != "addresses")
        if key == "addresses":  # advertisements name it twice, and other routers compare
            kept.append(part)
    if key in router.values:
        router.values[key] = kept
    return seen


def _unicast(router: Scope) -> None:
    version = family(router)
    source = router.get("source")
    if source is not None and ip_address(source).version != version:
        router.draft.error(router.where["source"], f"the source {source} is not IPv{version}, as the addresses of "
                           f"{router.describe()} are")
    for part in router.parts("unicast_peers"):
        if ip_address(part.data).version != version:
            router.draft.error(part.origin, f"the peer {part.data} is not IPv{version}, as the addresses of "
                               f"{router.describe()} are")
    if "unicast_src_ip" in router.mentioned and "unicast_peer" not in router.mentioned \
            and not router.get("fault_without_peers"):
        router.draft.warn(router.where.get("source", router.origin), f"{router.describe()} has no 'unicast_peer', so "
                          "it advertises by multicast", "add the other routers, or use 'mcast_src_ip'")


def _authentication(router: Scope) -> None:
    kind, password = router.get("authentication.kind", "none"), router.get("authentication.password", "")
    where = router.where.get("authentication.kind") or router.where.get("authentication.password") or router.origin
    if router.values["version"] == 3 and kind != "none":
        router.draft.warn(where, "version 3 of VRRP has no authentication, so this is not used, as in keepalived",
                          "remove it", ignored=True)
        _drop(router, "authentication.kind", "authentication.password")
    elif kind != "none" and not password:
        router.draft.warn(where, f"'auth_type {kind}' without 'auth_pass': the password is empty", "add 'auth_pass'")
    elif password and kind == "none" and router.values["version"] == 2:
        router.draft.warn(where, "'auth_pass' has no effect without 'auth_type'", "add 'auth_type PASS' on all routers",
                          ignored=True)
        _drop(router, "authentication.password")


def _preemption(router: Scope) -> None:
    if router.get("initial_state") != "MASTER":
        return
    for key, word in (("preempt", "nopreempt"), ("preempt_delay", "preempt_delay")):
        wanted: Any = router.get(key)
        if wanted is False or (key == "preempt_delay" and wanted):
            router.draft.warn(router.where[key], f"'{word}' does not work with 'state MASTER' and is not used, as in "
                              "keepalived", "write 'state BACKUP' on all routers; the priority decides", ignored=True)
            _drop(router, key)


def _virtual_mac(router: Scope) -> None:
    settings = [key for key in router.values if key.startswith("vmac.")]
    if not settings:
        return
    if "vmac.kind" not in router.values:
        router.draft.warn(router.where[settings[0]], "this has no effect without 'use_vmac'", "add 'use_vmac'",
                          ignored=True)
        _drop(router, *settings)
    elif router.parts("unicast_peers") and not router.get("vmac.transmit_base"):
        where = router.where["vmac.kind"]
        router.draft.warn(where, "'use_vmac' with unicast needs 'vmac_xmit_base', which is switched on", "add it")
        router.put("vmac.transmit_base", True, where)


def _strict(router: Scope) -> None:
    """keepalived.conf(5), vrrp_strict: it switches off what the RFCs do not have."""
    where = router.where["strict"]
    if "priority" not in router.values and router.get("initial_state") == "MASTER":
        router.put("priority", 255, where)
    owner = router.get("priority", 100) == 255
    if router.parts("unicast_peers"):
        router.draft.warn(where, f"strict mode has no unicast, but {router.describe()} has peers and uses them, as in "
                          "keepalived", "remove 'vrrp_strict' (or 'strict_mode')")
    if (router.get("initial_state", "BACKUP") == "MASTER") != owner:
        router.draft.warn(where, "in strict mode 'state' is MASTER if, and only if, the priority is 255: it is not "
                          "used, as in keepalived", ignored=True)
        router.put("initial_state", "MASTER" if owner else "BACKUP", where)
    for key, what in (("authentication.kind", "authentication"), ("preempt_delay", "preempt_delay")):
        if key in router.values:
            router.draft.warn(router.where[key], f"strict mode has no '{what}', so it is not used, as in keepalived",
                              ignored=True)
            _drop(router, key)
    _drop(router, "authentication.password")
    if "accept" not in router.values or router.values["version"] == 2:
        router.put("accept", owner, where)
    router.put("lower_prio_advert", False, where)
    router.put("higher_prio_advert", False, where)
    router.put("garp.lower_prio_delay", 0, where)
    router.put("garp.lower_prio_repeat", 0, where)
    _drop(router, "vmac.transmit_base")


def _drop(router: Scope, *keys: str) -> None:
    for key in keys:
        router.values.pop(key, None)
        router.where.pop(key, None)
