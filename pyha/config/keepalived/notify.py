"""Scripts and FIFOs that are told about changes of state (keepalived.conf(5), `notify_*`)."""

from pyha.config.origin import Origin

from .command import argument_list
from .statement import Part, Scope, Statement
from .vocabulary import Keyword, sets_boolean

_FIELDS = {"notify_master": "master", "notify_backup": "backup", "notify_fault": "fault", "notify_stop": "stop",
           "notify": "any", "notify_master_rx_lower_pri": "rx_lower_pri"}


def identity(scope: Scope, statement: Statement, index: int) -> dict[str, str] | None:
    """`USER [GROUP]` from an argument on; None when there is none."""
    if not statement.arg(index):
        return None
    if len(statement.args) > index + 2:
        scope.ignore(statement, f"'{statement.args[index + 2]}' after the user and the group is not looked at",
                     'a command with arguments has to be in "quotes"')
    group = statement.arg(index + 1)
    return {"user": statement.args[index]} | ({"group": group} if group else {})


def _script(field: str) -> Keyword:
    def handler(scope: Scope, statement: Statement) -> None:
        _take(scope, statement, field)
    return Keyword(handler, needs=1, command=True)


def _take(scope: Scope, statement: Statement, field: str) -> None:
    key = f"notify.{field}"
    if key in scope.values:
        scope.ignore(statement, f"'{statement.keyword}' is there already, at line {scope.where[key].line}, and that "
                     "one counts", "remove one of them")
        return
    argv = argument_list(scope, statement, statement.args[0])
    if not argv:
        return
    scope.put(key, argv, statement.origin)
    who = identity(scope, statement, 1)
    if who is not None:
        scope.extend("notify.users", [Part({"script": field} | who, statement.origin)], statement.origin)


def _deleted(scope: Scope, statement: Statement) -> None:
    scope.put("notify.says_deleted", True, statement.origin)
    if statement.args:
        _take(scope, statement, "deleted")


INSTANCE_KEYWORDS: dict[str, Keyword] = {
    **{word: _script(field) for word, field in _FIELDS.items()},
    "notify_deleted": Keyword(_deleted, command=True),
    "notify_priority_changes": sets_boolean("notify.priority_changes"),
    "smtp_alert": sets_boolean("notify.smtp"),
}

GROUP_KEYWORDS = {word: keyword for word, keyword in INSTANCE_KEYWORDS.items()
                  if word not in ("notify_deleted", "notify_master_rx_lower_pri")}


# -- FIFOs and the scripts that run once -------------------------------------------------------------------------------


def fifo(key: str) -> Keyword:
    """`notify_fifo NAME [USER [GROUP]]`."""
    def handler(scope: Scope, statement: Statement) -> None:
        scope.put(f"{key}.path", statement.args[0], statement.origin)
        _owner(scope, statement, f"{key}.owner")
    return Keyword(handler, needs=1)


def fifo_script(key: str) -> Keyword:
    """`notify_fifo_script COMMAND [USER [GROUP]]`."""
    def handler(scope: Scope, statement: Statement) -> None:
        argv = argument_list(scope, statement, statement.args[0])
        if argv:
            scope.put(f"{key}.script", argv, statement.origin)
            _owner(scope, statement, f"{key}.script_user")
    return Keyword(handler, needs=1, command=True)


def hook(key: str) -> Keyword:
    """`startup_script COMMAND [USER [GROUP]]`."""
    def handler(scope: Scope, statement: Statement) -> None:
        argv = argument_list(scope, statement, statement.args[0])
        if argv:
            scope.put(f"{key}.argv", argv, statement.origin)
            _owner(scope, statement, f"{key}.user")
    return Keyword(handler, needs=1, command=True)


def _owner(scope: Scope, statement: Statement, key: str) -> None:
    who = identity(scope, statement, 1)
    if who is not None:
        scope.put(key, who, statement.origin)


def incomplete(scope: Scope) -> None:
    """Drop what has settings but lacks the thing that they are for."""
    for key, needed, what in (("fifo", "path", "notify_fifo"), ("vrrp_fifo", "path", "vrrp_notify_fifo"),
                              ("startup", "argv", "startup_script"), ("shutdown", "argv", "shutdown_script")):
        settings = [name for name in scope.values if name.startswith(f"{key}.")]
        if settings and f"{key}.{needed}" not in scope.values:
            origin: Origin = scope.where[settings[0]]
            scope.draft.warn(origin, f"this has no effect without '{what}'", f"add '{what}'", ignored=True)
            for name in settings:
                del scope.values[name], scope.where[name]
