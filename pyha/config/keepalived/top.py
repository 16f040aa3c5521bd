"""The words at the top of keepalived.conf, and those blocks that only have entries."""

from .address import virtual_address
from .garp import GROUP as GARP_GROUP
from .garp import group as garp_group
from .global_defs import GLOBAL_DEFS, global_defs
from .group import SYNC_GROUP, TRACK_GROUP, sync_group, track_group
from .instance import INSTANCE, entries, instance
from .routes import route, rule
from .statement import Part, Scope, Statement, duration
from .tracking import FILE, PROCESS, SCRIPT, file, process, script
from .vocabulary import Keyword, Vocabulary


def _link_delays(scope: Scope, statement: Statement) -> None:
    """`interface_up_down_delays { IF DOWN [UP] ... }`."""
    for entry in statement.body or ():
        down = duration(scope, entry, entry.arg(0), 0, 255, what=f"{entry.keyword} down_delay")
        up = duration(scope, entry, entry.arg(1), 0, 255, what=f"{entry.keyword} up_delay") if entry.arg(1) else down
        if down is not None and up is not None:
            data = {"name": entry.keyword, "down": down, "up": up}
            scope.extend("link_delays", [Part(data, entry.origin)], statement.origin)


def _unused(_scope: Scope, _statement: Statement) -> None:
    """A block whose entries make no difference."""


_ELSEWHERE = {word: inner.place for inner in (GLOBAL_DEFS, SCRIPT, INSTANCE) for word in inner.known}
_IPVS = "pyha does not balance with IPVS, so clients of that address would get no answer"
_IPVS_ADVICE = ("write it as a frontend with its backend in haproxy.cfg (bind ADDRESS:PORT, a server line for each "
                "real_server, 'check' for TCP_CHECK), and remove it here")
_BFD = "pyha does not speak BFD, and the neighbour would believe that this machine is down"
_BFD_ADVICE = "use VRRP version 3 with a short 'advert_int' such as 0.1 instead"
_NAMESPACE = "the virtual addresses would be in another network namespace than the configuration says"
_NAMESPACE_ADVICE = "start pyha in that namespace: ip netns exec NAME pyha run ..."

TOP = Vocabulary("keepalived.conf", {
    "global_defs": Keyword(global_defs, block=GLOBAL_DEFS),
    "vrrp_script": Keyword(script, block=SCRIPT),
    "vrrp_track_process": Keyword(process, block=PROCESS),
    "track_file": Keyword(file, block=FILE),
    "vrrp_track_file": Keyword(file, block=FILE),
    "vrrp_instance": Keyword(instance, block=INSTANCE),
    "vrrp_sync_group": Keyword(sync_group, block=SYNC_GROUP),
    "garp_group": Keyword(garp_group, block=GARP_GROUP),
    "track_group": Keyword(track_group, block=TRACK_GROUP),
    "static_ipaddress": entries("static_addresses", virtual_address),
    "static_routes": entries("static_routes", route),
    "static_rules": entries("static_rules", rule),
    "interface_up_down_delays": Keyword(_link_delays, block="entries"),
    "linkbeat_interfaces": Keyword(_unused, block="entries"),  # the kernel tells when an interface goes down
}, fulfilled={
    "use_pid_dir": "PYHA_RUNTIME_DIR says where run-time files are",
    "instance": "PYHA_RUNTIME_DIR keeps several of them apart",
    "child_wait_time": "sessions are drained up to the grace time, whatever is shorter",
    "namespace_with_ipsets": "no ipsets are used",
    "linkbeat_use_polling": "the kernel tells when an interface goes down",
}, ignored={
    "SSL": "it is about the checks of IPVS servers",
}, refused={
    "virtual_server": (_IPVS, _IPVS_ADVICE),
    "virtual_server_group": (_IPVS, _IPVS_ADVICE),
    "bfd_instance": (_BFD, _BFD_ADVICE),
    "net_namespace": (_NAMESPACE, _NAMESPACE_ADVICE),
    "net_namespace_ipvs": (_IPVS, "remove it"),
}, elsewhere=_ELSEWHERE)
