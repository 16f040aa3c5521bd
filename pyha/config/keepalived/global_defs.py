"""`global_defs` (keepalived.conf(5), "Global definitions"): its words. The defaults of instances begin with `_`."""

from .garp import GLOBAL_KEYWORDS as GARP
from .notify import fifo, fifo_script, hook, identity
from .statement import Scope, Statement, address, no_more, number
from .vocabulary import Keyword, Vocabulary, apply, sets_boolean, sets_duration, sets_flag, sets_number, sets_word


def _router_id(scope: Scope, statement: Statement) -> None:
    scope.put("router_id", statement.args[0], statement.origin)
    no_more(scope, statement, 1)


def _script_user(scope: Scope, statement: Statement) -> None:
    for key, value in (identity(scope, statement, 0) or {}).items():
        scope.put(f"script_{key}", value, statement.origin)


def _group(key: str, version: int) -> Keyword:
    def handler(scope: Scope, statement: Statement) -> None:
        ip = address(statement.args[0])
        if ip is None or ip.version != version or not ip.is_multicast:
            scope.error(statement, f"'{statement.keyword}' expects an IPv{version} multicast address, got "
                        f"'{statement.args[0]}'", "it has to be the same on all routers")
        else:
            scope.put(key, str(ip), statement.origin)
        no_more(scope, statement, 1)
    return Keyword(handler, needs=1)


def _recipients(scope: Scope, statement: Statement) -> None:
    """`notification_email { ADDRESS ... }`."""
    found = tuple(word for entry in statement.body or () for word in entry.words)
    if found:
        scope.put("smtp.to", (*scope.get("smtp.to", ()), *found), statement.origin)
    else:
        scope.warn(statement, "nobody is named in 'notification_email'", "add an address or remove the block")


def _smtp_server(scope: Scope, statement: Statement) -> None:
    """`smtp_server ADDRESS|NAME [PORT]`."""
    scope.put("smtp.server", statement.args[0], statement.origin)
    if statement.arg(1):
        port = number(scope, statement, statement.args[1], 1, 65535, what="smtp_server ... port")
        if port is not None:
            scope.put("smtp.port", port, statement.origin)
    no_more(scope, statement, 2)


def _cpus(scope: Scope, statement: Statement) -> None:
    values = [number(scope, statement, text, 0, 4095) for text in statement.args]
    if None not in values:
        scope.put("scheduling.cpus", tuple(values), statement.origin)


_IPVS = "pyha does not balance with IPVS"
_SOLO = "pyha has no such process"
_NAMES = "the processes of pyha have names of their own"
_BUFFERS = "pyha sizes its buffers by itself"
_SNMP = "pyha has no SNMP agent; /metrics and 'pyha status' show the same"
_DBUS = "pyha is not on the D-Bus; 'pyha status' and the control socket show the same"
_FIREWALL = "pyha needs no firewall rules for its virtual addresses"
_DUMPS = "'pyha status --json' shows the state at any time"
_RELOAD = "'pyha reload' says when it is done, and what runs goes on until the new configuration is accepted"

_FULFILLED = {
    "dynamic_interfaces": "an interface that is missing is waited for, always",
    "reload_check_config": "a bad file changes nothing, always",
    "include_check": "it is obeyed while the files are read",
    "random_seed": "it is obeyed while the files are read",
    "process_names": "cosmetic",
    "max_auto_priority": "the vrrp process takes a real-time priority where it may",
    "min_auto_priority_delay": "the vrrp process takes a real-time priority where it may",
    "data_use_instance": "there are no such files",
    "tmp_config_directory": "all processes are given the same configuration",
    "no_checker_emails": "there are none",
    "disable_local_igmp": "only the groups that are used are joined",
    "set_supplementary_groups": "scripts get the groups of their user",
}

_IGNORED = {
    **dict.fromkeys(("process_name", "vrrp_process_name", "checker_process_name", "bfd_process_name",
                     "lvs_process_name"), _NAMES),
    **dict.fromkeys(("bfd_cpu_affinity", "bfd_no_swap", "bfd_priority", "bfd_rlimit_rtime", "bfd_rlimit_rttime",
                     "bfd_rt_priority", "checker_cpu_affinity", "checker_no_swap", "checker_priority",
                     "checker_rlimit_rtime", "checker_rlimit_rttime", "checker_rt_priority"), _SOLO),
    **dict.fromkeys(("checker_log_all_failures", "lvs_flush", "lvs_flush_on_stop", "lvs_flush_onstop", "lvs_timeouts",
                     "lvs_notify_fifo", "lvs_notify_fifo_script", "rs_init_notifies", "smtp_alert_checker",
                     "nftables_ipvs", "nftables_ipvs_priority", "nftables_ipvs_start_fwmark",
                     "snmp_rs_stats_update_interval", "snmp_vs_stats_update_interval"), _IPVS),
    **dict.fromkeys(("lvs_netlink_cmd_rcv_bufs", "lvs_netlink_cmd_rcv_bufs_force", "lvs_netlink_monitor_rcv_bufs",
                     "lvs_netlink_monitor_rcv_bufs_force", "process_monitor_rcv_bufs", "process_monitor_rcv_bufs_force",
                     "vrrp_netlink_cmd_rcv_bufs", "vrrp_netlink_cmd_rcv_bufs_force", "vrrp_netlink_monitor_rcv_bufs",
                     "vrrp_netlink_monitor_rcv_bufs_force", "vrrp_rx_bufs_multiplier",
                     "vrrp_rx_bufs_policy"), _BUFFERS),
    **dict.fromkeys(("enable_snmp_checker", "enable_snmp_keepalived", "enable_snmp_rfc", "enable_snmp_rfcv2",
                     "enable_snmp_rfcv3", "enable_snmp_vrrp", "enable_traps", "snmp_socket"), _SNMP),
    **dict.fromkeys(("enable_dbus", "dbus_service_name", "dbus_no_interface_name"), _DBUS),
    **dict.fromkeys(("nftables", "nftables_counters", "nftables_ifindex", "nftables_priority", "vrrp_iptables",
                     "vrrp_ipsets"), _FIREWALL),
    **dict.fromkeys(("json_dump_file", "json_version", "state_dump_file", "stats_dump_file", "config_save_dir"),
                    _DUMPS),
    **dict.fromkeys(("reload_file", "reload_repeat", "reload_time_file"), _RELOAD),
    "iproute_etc_dir": "tables and protocols are looked up where iproute2 keeps them",
    "iproute_usr_dir": "tables and protocols are looked up where iproute2 keeps them",
    "umask": "pyha gives its files their modes by itself",
    "use_symlink_paths": "scripts are run by the path that is configured",
    "vrrp_rlimit_rtime": "the vrrp process never keeps a processor for long",
    "vrrp_rlimit_rttime": "the vrrp process never keeps a processor for long",
}

GLOBAL_DEFS = Vocabulary("global_defs", {
    "router_id": Keyword(_router_id, needs=1),
    "script_user": Keyword(_script_user, needs=1),
    "enable_script_security": sets_flag("script_security"),
    "notification_email": Keyword(_recipients, block="entries"),
    "notification_email_from": sets_word("smtp.sender"),
    "smtp_server": Keyword(_smtp_server, needs=1),
    "smtp_helo_name": sets_word("smtp.helo"),
    "smtp_connect_timeout": sets_duration("smtp.timeout", 1, 4294),
    "smtp_alert": sets_boolean("_smtp_alert"),
    "smtp_alert_vrrp": sets_boolean("_smtp_alert_vrrp"),
    "no_email_faults": sets_flag("smtp.faults", value=False),
    "default_interface": sets_word("_default_interface"),
    "vrrp_version": sets_number("_version", 2, 3),
    "vrrp_mcast_group4": _group("_group4", 4),
    "vrrp_mcast_group6": _group("_group6", 6),
    "vrrp_startup_delay": sets_duration("startup_delay", 0, 1000),
    "vrrp_delay_after_boot": sets_duration("delay_after_boot", 0, 1000),
    "vrrp_min_garp": sets_boolean("_min_garp"),
    "vrrp_down_timer_adverts": sets_number("_down_timer_adverts", 1, 100),
    "vrrp_skip_check_adv_addr": sets_boolean("_skip_check_adv_addr"),
    "vrrp_check_unicast_src": sets_boolean("_check_unicast_source"),
    "vrrp_lower_prio_no_advert": sets_boolean("_lower_prio_advert", inverted=True),
    "vrrp_higher_prio_send_advert": sets_boolean("_higher_prio_advert"),
    "vrrp_owner_ignore_adverts": sets_boolean("_owner_ignores_adverts"),
    "vrrp_notify_priority_changes": sets_boolean("_priority_changes"),
    "v3_checksum_as_v2": sets_boolean("_pseudo_header", inverted=True),
    "vrrp_strict": sets_boolean("_strict"),
    "log_unknown_vrids": sets_flag("log_unknown_vrids"),
    "vmac_prefix": sets_word("vmac_prefix"),
    "vmac_addr_prefix": sets_word("vmac_address_prefix"),
    "notify_fifo": fifo("fifo"),
    "notify_fifo_script": fifo_script("fifo"),
    "vrrp_notify_fifo": fifo("vrrp_fifo"),
    "vrrp_notify_fifo_script": fifo_script("vrrp_fifo"),
    "fifo_write_vrrp_states_on_reload": sets_flag("fifo_on_reload"),
    "startup_script": hook("startup"),
    "startup_script_timeout": sets_duration("startup.timeout", 1, 1000),
    "shutdown_script": hook("shutdown"),
    "shutdown_script_timeout": sets_duration("shutdown.timeout", 1, 1000),
    "vrrp_priority": sets_number("scheduling.nice", -20, 19),
    "vrrp_rt_priority": sets_number("scheduling.realtime", 1, 99),
    "vrrp_cpu_affinity": Keyword(_cpus, needs=1),
    "vrrp_no_swap": sets_flag("scheduling.locked"),
    **GARP,
}, fulfilled=_FULFILLED, ignored=_IGNORED, refused={
    "lvs_sync_daemon": ("pyha does not balance with IPVS, so there is nothing to synchronize",
                        "remove it; long-lived connections have to be opened again after a failover"),
})


def global_defs(scope: Scope, statement: Statement) -> None:
    """`global_defs { ... }`; several such blocks are one."""
    block = Scope("global_defs", "", statement.origin, scope.draft, scope.values, scope.where)
    apply(GLOBAL_DEFS, block, statement.body or ())


