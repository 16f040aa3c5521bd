"""`vrrp_instance` (keepalived.conf(5)): its words. What follows from them together is in complete.py."""

import re
from collections.abc import Callable

from .address import virtual_address
from .garp import INSTANCE_KEYWORDS as GARP
from .notify import INSTANCE_KEYWORDS as NOTIFY
from .routes import route, rule
from .statement import Part, Scope, Statement, decimal, no_more, number, prefixed
from .tracking import tracks
from .vocabulary import Keyword, Vocabulary, apply, sets_boolean, sets_duration, sets_flag, sets_number
from .wire import KEYWORDS as WIRE

_LONGEST_NAME = 15  # IFNAMSIZ without its end
_HMAC = "its format has changed between versions of keepalived, and who expects another one would not hear this router"
_HMAC_ADVICE = "remove it on all routers; use 'auth_type AH' with version 2, or unicast in a network of routers only"


# -- who it is ---------------------------------------------------------------------------------------------------------


def _interface(scope: Scope, statement: Statement) -> None:
    name = statement.args[0]
    if len(name.encode()) > _LONGEST_NAME or "/" in name:
        scope.error(statement, f"'{name}' cannot be the name of an interface: at most {_LONGEST_NAME} characters")
        return
    scope.put("interface", name, statement.origin)
    no_more(scope, statement, 1, INSTANCE.known)


def _state(scope: Scope, statement: Statement) -> None:
    word = statement.args[0]
    if word not in ("MASTER", "BACKUP"):
        scope.ignore(statement, f"'state' expects MASTER or BACKUP, got '{word}'",
                     f"did you mean '{word.upper()}'? it is taken for BACKUP, as in keepalived"
                     if word.upper() in ("MASTER", "BACKUP") else "it is taken for BACKUP, as in keepalived")
        word = "BACKUP"
    if word == "BACKUP" and scope.get("initial_state") == "MASTER":
        scope.ignore(statement, f"'state MASTER' of line {scope.where['initial_state'].line} counts",
                     "remove one of them")
        return
    scope.put("initial_state", word, statement.origin)
    no_more(scope, statement, 1, INSTANCE.known)


def _vrid(scope: Scope, statement: Statement) -> None:
    value = number(scope, statement, statement.args[0], 1, 255, fatal=True)
    if value is not None:
        scope.put("vrid", value, statement.origin)
    no_more(scope, statement, 1, INSTANCE.known)


def _advert_int(scope: Scope, statement: Statement) -> None:
    value = decimal(scope, statement, statement.args[0], 0.01, 255)
    if value is not None:
        scope.put("_advert_seconds", value, statement.origin)
    no_more(scope, statement, 1, INSTANCE.known)


# -- what it holds -----------------------------------------------------------------------------------------------------


def entries(key: str, reader: Callable[[Scope, Statement], Part | None]) -> Keyword:
    """A block in which every line is one thing; several such blocks are one."""
    def handler(scope: Scope, statement: Statement) -> None:
        parts = [part for entry in statement.body or () if (part := reader(scope, entry)) is not None]
        if len(parts) < len(statement.body or ()):
            scope.put(f"_lost_{key}", True, statement.origin)
        scope.extend(key, parts, statement.origin)
    return Keyword(handler, block="entries")


# -- authentication ----------------------------------------------------------------------------------------------------


def _auth_type(scope: Scope, statement: Statement) -> None:
    kind = statement.args[0]
    if kind in ("PASS", "AH"):
        scope.put("authentication.kind", kind, statement.origin)
        return
    meant = next((word for word in ("PASS", "AH") if kind.upper().rstrip(";,") == word), None)
    scope.ignore(statement, f"unknown authentication type '{kind}': there is none, as in keepalived",
                 f"did you mean '{meant}'? then the routers must all be changed together" if meant else
                 "expected PASS or AH")


def _auth_pass(scope: Scope, statement: Statement) -> None:
    password = statement.args[0]
    if len(password.encode()) > 8:
        scope.warn(statement, "only the first 8 characters of 'auth_pass' count, as in keepalived",
                   "that is all that VRRP has room for")
        password = password.encode()[:8].decode(errors="ignore")
    scope.put("authentication.password", password, statement.origin)


AUTHENTICATION = Vocabulary("authentication", {
    "auth_type": Keyword(_auth_type, needs=1),
    "auth_pass": Keyword(_auth_pass, needs=1),
})


def _authentication(scope: Scope, statement: Statement) -> None:
    apply(AUTHENTICATION, scope, statement.body or ())


# -- its own MAC -------------------------------------------------------------------------------------------------------

_MAC = re.compile(r"([0-9a-f]{1,2}:){4,5}[0-9a-f]{1,2}", re.IGNORECASE)


def _use_vmac(scope: Scope, statement: Statement) -> None:
    """`use_vmac [NAME] [MAC]`."""
    scope.put("vmac.kind", "macvlan", statement.origin)
    for word in statement.args:
        if _MAC.fullmatch(word):
            octets = [octet.zfill(2) for octet in word.lower().split(":")]
            scope.put("vmac.mac", ":".join(octets), statement.origin)
        else:
            _vmac_name(scope, statement, word)


def _vmac_name(scope: Scope, statement: Statement, word: str) -> None:
    if len(word.encode()) > _LONGEST_NAME:
        scope.ignore(statement, f"'{word}' is too long for an interface: at most {_LONGEST_NAME} characters",
                     "keepalived makes up a name, and so does pyha")
    else:
        scope.put("vmac.name", word, statement.origin)


def _use_ipvlan(scope: Scope, statement: Statement) -> None:
    """`use_ipvlan [NAME] [ADDRESS] [bridge|private|vepa]`."""
    scope.put("vmac.kind", "ipvlan", statement.origin)
    for word in statement.args:
        if word in ("bridge", "private", "vepa"):
            scope.put("vmac.mode", word, statement.origin)
        elif (interface := prefixed(word)) is not None:
            scope.put("vmac.address", str(interface), statement.origin)
        else:
            _vmac_name(scope, statement, word)


INSTANCE = Vocabulary("vrrp_instance", {
    "state": Keyword(_state, needs=1),
    "interface": Keyword(_interface, needs=1),
    "virtual_router_id": Keyword(_vrid, needs=1),
    "priority": sets_number("priority", 1, 255),
    "advert_int": Keyword(_advert_int, needs=1),
    "version": sets_number("version", 2, 3),
    "preempt": sets_flag("preempt"),
    "nopreempt": sets_flag("preempt", value=False),
    "preempt_delay": sets_duration("preempt_delay", 0, 1000),
    "down_timer_adverts": sets_number("down_timer_adverts", 1, 100),
    "strict_mode": sets_boolean("strict"),
    "virtual_ipaddress": entries("addresses", virtual_address),
    "virtual_ipaddress_excluded": entries("excluded_addresses", virtual_address),
    "no_virtual_ipaddress": sets_flag("without_addresses"),
    "virtual_routes": entries("routes", route),
    "virtual_rules": entries("rules", rule),
    "promote_secondaries": sets_flag("promote_secondaries"),
    "accept": sets_flag("accept"),
    "no_accept": sets_flag("accept", value=False),
    "authentication": Keyword(_authentication, block=AUTHENTICATION),
    "track_interface": tracks("track_interfaces"),
    "track_script": tracks("track_scripts"),
    "track_process": tracks("track_processes", 254),
    "track_file": tracks("track_files", 254),
    "dont_track_primary": sets_flag("track_primary", value=False),
    "track_src_ip": sets_flag("track_source"),
    "use_vmac": Keyword(_use_vmac),
    "use_ipvlan": Keyword(_use_ipvlan),
    "vmac_xmit_base": sets_flag("vmac.transmit_base"),
    "use_vmac_addr": sets_flag("vmac.other_interfaces"),
    **WIRE, **GARP, **NOTIFY,
}, fulfilled={
    "native_ipv6": "the family is that of the first virtual address",
    "thread_timer_expired": "pyha measures how late it is by itself",
    "timer_expired_backup": "pyha steps down by itself when it was away for too long",
}, ignored={
    "debug": "keepalived never did anything with it either",
    "vrf": "it is for a vrrp_instance without 'interface', and pyha needs one",
    "linkbeat_use_polling": "the kernel tells pyha when an interface goes down",
}, refused={
    "auth_hmac": (_HMAC, _HMAC_ADVICE),
    "track_bfd": ("pyha does not speak BFD", "use VRRP version 3 with a short 'advert_int' such as 0.1 instead"),
    "lvs_sync_daemon_interface": ("pyha does not balance with IPVS, so there is nothing to synchronize",
                                  "remove it; long-lived connections have to be opened again after a failover"),
})


def instance(scope: Scope, statement: Statement) -> None:
    """`vrrp_instance NAME { ... }`."""
    if not statement.args:
        scope.error(statement, "'vrrp_instance' expects a name", "for example: vrrp_instance VI_1 {")
        return
    name = statement.args[0]
    first = next((other for other in scope.children.get("routers", ()) if other.name == name), None)
    if first is not None:
        scope.ignore(statement, f"vrrp_instance '{name}' is there already, at line {first.origin.line}; this one is "
                     "left out as keepalived does it", "give it another name")
        return
    block = scope.child("vrrp_instance", name, statement.origin)
    block.put("name", name, statement.origin)
    apply(INSTANCE, block, statement.body or ())
    scope.children.setdefault("routers", []).append(block)
