"""`vrrp_sync_group` and `track_group` (keepalived.conf(5))."""

from .notify import GROUP_KEYWORDS as NOTIFY
from .statement import Part, Scope, Statement
from .tracking import tracks
from .vocabulary import Keyword, Vocabulary, apply, sets_flag


def _members(scope: Scope, statement: Statement) -> None:
    """`group { NAME ... }`: as many names on a line as one likes."""
    if "_members" in scope.values:
        scope.ignore(statement, f"the group is there already, at line {scope.where['_members'].line}, and that one "
                     "counts", "remove one of them")
        return
    parts = [Part(word, entry.origin) for entry in statement.body or () for word in entry.words]
    scope.put("_members", parts, statement.origin)


SYNC_GROUP = Vocabulary("vrrp_sync_group", {
    "group": Keyword(_members, block="entries"),
    "track_interface": tracks("track_interfaces"),
    "track_script": tracks("track_scripts"),
    "track_process": tracks("track_processes", 254),
    "track_file": tracks("track_files", 254),
    "sync_group_tracking_weight": sets_flag("tracking_weight"),
    "global_tracking": sets_flag("tracking_weight"),
    **NOTIFY,
}, refused={
    "track_bfd": ("pyha does not speak BFD", "use VRRP version 3 with a short 'advert_int' such as 0.1 instead"),
})

TRACK_GROUP = Vocabulary("track_group", {"group": Keyword(_members, block="entries")})


def _block(scope: Scope, statement: Statement, vocabulary: Vocabulary, kind: str) -> None:
    if not statement.args:
        scope.error(statement, f"'{statement.keyword}' expects a name")
        return
    name = statement.args[0]
    first = next((other for other in scope.children.get(kind, ()) if other.name == name), None)
    if first is not None:
        scope.ignore(statement, f"{statement.keyword} '{name}' is there already, at line {first.origin.line}; this one "
                     "is left out as keepalived does it", "give it another name")
        return
    block = scope.child(statement.keyword, name, statement.origin)
    block.put("name", name, statement.origin)
    apply(vocabulary, block, statement.body or ())
    scope.children.setdefault(kind, []).append(block)


def sync_group(scope: Scope, statement: Statement) -> None:
    """`vrrp_sync_group NAME { ... }`."""
    _block(scope, statement, SYNC_GROUP, "groups")


def track_group(scope: Scope, statement: Statement) -> None:
    """`track_group NAME { group { ... } }`."""
    _block(scope, statement, TRACK_GROUP, "track_groups")
