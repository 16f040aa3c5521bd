"""What is translated but not acted upon yet, said honestly. A line goes from here when the thing is built."""

from .statement import Scope

_ON_THE_MACHINE = "configure them on the machine"

ROUTER: dict[str, tuple[object, str, str]] = {
    # field: (the value that asks for it, None for any; the words of keepalived.conf; what happens instead)
    "vmac.kind": (None, "use_vmac", "the addresses stay on the interface, and move to its MAC by gratuitous ARP"),
    "accept": (False, "no_accept", "the addresses answer, in strict mode too"),
    "routes": (None, "virtual_routes", _ON_THE_MACHINE),
    "rules": (None, "virtual_rules", _ON_THE_MACHINE),
    "track_processes": (None, "track_process", "use a vrrp_script"),
    "track_files": (None, "track_file", "use a vrrp_script"),
    "unicast_ttl": (None, "unicast_ttl", "the hop limit is 255, and 64 over IPv6"),
    "unicast_limits": (None, "min_ttl", "the hops are not compared, and neither with max_ttl"),
    "promote_secondaries": (None, "promote_secondaries", "set net.ipv4.conf.all.promote_secondaries on the machine"),
    "notify.rx_lower_pri": (None, "notify_master_rx_lower_pri", "this script is not run"),
    "notify.deleted": (None, "notify_deleted", "this script is not run"),
    "notify.users": (None, "USER", "notify scripts are run as 'script_user' says"),
    "notify.smtp": (True, "smtp_alert", "use a 'notify' script"),
    "garp.extra_interfaces": (None, "garp_extra_if", "use 'garp_master_refresh'"),
    "check_unicast_source": (True, "check_unicast_src", "who knows the VRID and the password is heard"),
    "fault_without_peers": (True, "unicast_fault_no_peer", "without peers advertisements go by multicast"),
    "receive_buffer": (None, "kernel_rx_buf_size", "the buffers are those of the system"),
}

ADDRESS = {"dad": "-nodad", "home": "home", "mngtmpaddr": "mngtmpaddr", "noprefixroute": "noprefixroute",
           "autojoin": "autojoin", "preferred_lft": "preferred_lft", "use_vmac": "use_vmac"}

WHOLE: dict[str, tuple[object, str, str]] = {
    "static_addresses": (None, "static_ipaddress", _ON_THE_MACHINE),
    "static_routes": (None, "static_routes", _ON_THE_MACHINE),
    "static_rules": (None, "static_rules", _ON_THE_MACHINE),
    "fifo.path": (None, "notify_fifo", "use a 'notify' script"),
    "vrrp_fifo.path": (None, "vrrp_notify_fifo", "use a 'notify' script"),
    "startup.argv": (None, "startup_script", "use ExecStartPre of the service"),
    "shutdown.argv": (None, "shutdown_script", "use ExecStopPost of the service"),
    "link_delays": (None, "interface_up_down_delays", "a change of an interface counts at once"),
    "garp_groups": (None, "garp_group", "the pace of vrrp_garp_interval is used"),
    "script_security": (True, "enable_script_security", "see to it that only root can write to the scripts"),
    "log_unknown_vrids": (True, "log_unknown_vrids", "they are counted"),
    "scheduling.nice": (None, "vrrp_priority", "use Nice of the service"),
    "scheduling.realtime": (None, "vrrp_rt_priority", "use CPUSchedulingPolicy of the service"),
    "scheduling.cpus": (None, "vrrp_cpu_affinity", "use CPUAffinity of the service"),
    "delay_after_boot": (None, "vrrp_delay_after_boot", "use 'vrrp_startup_delay'"),
}

_NEVER_TOLD = {"track_processes", "track_files"}  # a virtual router would wait for what nobody watches
_NOT_HEARD = "is not there yet, and routers that expect it would not hear this one"

REFUSED: dict[str, tuple[object, str, str, str]] = {
    "authentication.kind": ("AH", "auth_type AH", _NOT_HEARD, "use 'auth_type PASS' or none, on all routers"),
    "old_unicast_checksum": (True, "old_unicast_checksum", _NOT_HEARD,
                             "upgrade the other routers to keepalived 1.3.6 or later, and remove it"),
}


def check(whole: Scope) -> None:
    """Say what has no effect yet, and refuse what would give two masters without it."""
    routers = whole.children.get("routers", [])
    for scope, fields in [(whole, WHOLE), *((user, ROUTER) for user in (*routers, *whole.children.get("groups", ())))]:
        for field, (asking, word, instead) in fields.items():
            if _asks(scope, field, asking):
                scope.draft.warn(scope.where[field], f"'{word}' has no effect yet", instead, ignored=True)
        for field in _NEVER_TOLD & scope.values.keys():
            del scope.values[field], scope.where[field]
    for router in routers:
        for part in [*router.parts("addresses"), *router.parts("excluded_addresses")]:
            for field in sorted(ADDRESS.keys() & part.data.keys()):
                router.draft.warn(part.origin, f"'{ADDRESS[field]}' has no effect yet",
                                  f"{part.data['interface']} goes without it", ignored=True)
        for field, (asking, word, reason, advice) in REFUSED.items():
            if _asks(router, field, asking):
                router.draft.error(router.where[field], f"'{word}' {reason}", advice)


def _asks(scope: Scope, field: str, asking: object) -> bool:
    if not scope.values.get(field) and asking is not False:
        return False
    return field in scope.values and (asking is None or scope.values[field] == asking)
