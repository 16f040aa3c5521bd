"""When addresses are announced: `garp_*` of an instance, `vrrp_garp_*` of global_defs, and `garp_group`."""

from typing import Any

from pyha.config.origin import Origin

from .statement import Part, Scope, Statement, duration, no_more, number
from .vocabulary import Keyword, Vocabulary, apply, sets_duration, sets_seconds

_LONGEST = 4294
_DAY = 86_400


def _repeat(key: str) -> Keyword:
    """How many at a time: keepalived makes one of none."""
    def handler(scope: Scope, statement: Statement) -> None:
        value = number(scope, statement, statement.args[0], 0, 2**31 - 1)
        if value == 0:
            scope.ignore(statement, f"'{statement.keyword} 0' means 1, as in keepalived")
        if value is not None:
            scope.put(key, max(value, 1), statement.origin)
        no_more(scope, statement, 1)
    return Keyword(handler, needs=1)


def _count(key: str) -> Keyword:
    """How many at a time; none is possible."""
    def handler(scope: Scope, statement: Statement) -> None:
        value = number(scope, statement, statement.args[0], 0)
        if value is not None:
            scope.put(key, value, statement.origin)
        no_more(scope, statement, 1)
    return Keyword(handler, needs=1)


def _extra(place: str) -> Keyword:
    """`garp_extra_if [all] SECONDS`."""
    def handler(scope: Scope, statement: Statement) -> None:
        everywhere = statement.args[0] == "all"
        value = duration(scope, statement, statement.arg(1) if everywhere else statement.args[0], 0, _DAY)
        if value is not None:
            scope.put(f"{place}.extra_interfaces", value, statement.origin)
            scope.put(f"{place}.extra_all", everywhere, statement.origin)
    return Keyword(handler, needs=1)


def _keywords(place: str) -> dict[str, Keyword]:
    return {
        "garp_master_delay": sets_duration(f"{place}.delay", 0, _LONGEST),
        "garp_master_repeat": _repeat(f"{place}.repeat"),
        "garp_master_refresh": sets_duration(f"{place}.refresh", 0, _LONGEST),
        "garp_master_refresh_repeat": _repeat(f"{place}.refresh_repeat"),
        "garp_lower_prio_delay": sets_duration(f"{place}.lower_prio_delay", 0, _LONGEST),
        "garp_lower_prio_repeat": _count(f"{place}.lower_prio_repeat"),
        "garp_extra_if": _extra(place),
        "vmac_garp_intvl": _extra(place),
    }


INSTANCE_KEYWORDS = _keywords("garp")

GLOBAL_KEYWORDS: dict[str, Keyword] = {
    **{f"vrrp_{word}": keyword for word, keyword in _keywords("_garp").items()},
    "vrrp_garp_interval": sets_seconds("_garp.interval", 0, _LONGEST),
    "vrrp_gna_interval": sets_seconds("_garp.gna_interval", 0, _LONGEST),
}


def defaults(scope: Scope, settings: Scope) -> None:
    """What an instance does not say about announcements: global_defs, and what follows from that.

    After a lower priority the global values count again, not those of the instance (tried with keepalived 2.2.7).
    """
    # keepalived's default, which is not pyha's own.
    known: dict[str, tuple[Any, Origin]] = {"garp.refresh": (0, scope.origin)}
    known |= {key[1:]: (value, settings.where[key]) for key, value in settings.values.items()
              if key.startswith("_garp.")}
    if settings.get("_min_garp"):
        where = settings.where["_min_garp"]
        known = {"garp.repeat": (1, where), "garp.delay": (0, where)} | known
    for key, other in (("garp.lower_prio_delay", "garp.delay"), ("garp.lower_prio_repeat", "garp.repeat")):
        if key not in known and other in known:
            known[key] = known[other]
    for key, (value, where) in known.items():
        if key not in scope.values:
            scope.put(key, value, where)


# -- garp_group --------------------------------------------------------------------------------------------------------


def _interface(scope: Scope, statement: Statement) -> None:
    scope.put("interfaces", (statement.args[0],), statement.origin)
    no_more(scope, statement, 1)


def _interfaces(scope: Scope, statement: Statement) -> None:
    names = tuple(word for entry in statement.body or () for word in entry.words)
    scope.put("interfaces", names, statement.origin)
    scope.put("aggregate", True, statement.origin)


GROUP = Vocabulary("garp_group", {
    "garp_interval": sets_seconds("interval", 0, _LONGEST),
    "gna_interval": sets_seconds("gna_interval", 0, _LONGEST),
    "interface": Keyword(_interface, needs=1),
    "interfaces": Keyword(_interfaces, block="entries"),
})


def group(scope: Scope, statement: Statement) -> None:
    """`garp_group { ... }`."""
    block = scope.child("garp_group", "", statement.origin)
    apply(GROUP, block, statement.body or ())
    if not block.get("interfaces"):
        scope.ignore(statement, "this 'garp_group' names no interface", "add 'interface' or 'interfaces'")
        return
    data: dict[str, Any] = dict(block.values)
    scope.extend("garp_groups", [Part(data, statement.origin)], statement.origin)
