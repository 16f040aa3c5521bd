"""Which notify scripts a change of state runs, and with which arguments (keepalived.conf(5), notify_master)."""

from collections.abc import Sequence

from pyha.config.vrrp_model import Notify
from pyha.vrrp.effects import State

_WORDS = {State.ACTIVE: "MASTER", State.BACKUP: "BACKUP", State.FAULT: "FAULT", State.INITIALIZE: "STOP"}


def commands(notify: Notify, kind: str, name: str, state: State, priority: int) -> list[Sequence[str]]:
    """The argument lists to run: the script for this state as configured, then `notify` with four words appended.

    `kind` is INSTANCE or GROUP; a group has priority 0.
    """
    word = _WORDS[state]
    specific: tuple[str, ...] = getattr(notify, word.lower())
    found: list[Sequence[str]] = [specific] if specific else []
    if notify.any:
        found.append((*notify.any, kind, name, word, str(priority)))
    return found
