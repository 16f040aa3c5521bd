"""What is translated but not acted upon yet, said honestly. A line goes from here when the thing is built."""

from .statement import Scope

ROUTER: dict[str, tuple[object, str, str]] = {
    # field: (the value that asks for it, None for any; the words of keepalived.conf; what happens instead)
    "vmac.kind": ("ipvlan", "use_ipvlan", "the addresses stay on the interface, and move to its MAC by gratuitous ARP"),
    "vmac.other_interfaces": (True, "use_vmac_addr", "addresses of other interfaces stay on these"),
    "accept": (False, "no_accept", "the addresses answer, in strict mode too"),
    "garp.extra_interfaces": (None, "garp_extra_if", "use 'garp_master_refresh'"),
    "receive_buffer": (None, "kernel_rx_buf_size", "the buffers are those of the system"),
}

ADDRESS = {"use_vmac": "use_vmac"}

WHOLE: dict[str, tuple[object, str, str]] = {
    "startup.argv": (None, "startup_script", "use ExecStartPre of the service"),
    "shutdown.argv": (None, "shutdown_script", "use ExecStopPost of the service"),
    "link_delays": (None, "interface_up_down_delays", "a change of an interface counts at once"),
    "garp_groups": (None, "garp_group", "the pace of vrrp_garp_interval is used"),
}

_NOT_HEARD = "is not there yet, and routers that expect it would not hear this one"

REFUSED: dict[str, tuple[object, str, str, str]] = {
}


def check(whole: Scope) -> None:
    """Say what has no effect yet, and refuse what would give two masters without it."""
    routers = whole.children.get("routers", [])
    for scope, fields in [(whole, WHOLE), *((user, ROUTER) for user in (*routers, *whole.children.get("groups", ())))]:
        for field, (asking, word, instead) in fields.items():
            if _asks(scope, field, asking):
                scope.draft.warn(scope.where[field], f"'{word}' has no effect yet", instead, ignored=True)
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
