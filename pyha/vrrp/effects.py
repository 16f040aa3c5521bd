"""What a virtual router wants done: frozen, in the order to perform them (docs/internals: the shape of a machine).

The runtime performs them (pyha/runtime/vrrpd.py); a test compares lists of them with `==`.
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """RFC 9568 section 6.4, and keepalived's FAULT: something it needs is missing, so it neither holds nor votes."""

    INITIALIZE = "INIT"
    BACKUP = "BACKUP"
    ACTIVE = "MASTER"  # the word that operators' tools expect
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class SendAdvertisement:
    """Send one advertisement with this priority (0: "I am leaving", RFC 9568 section 5.2.4)."""

    priority: int


@dataclass(frozen=True, slots=True)
class AddAddresses:
    """Put the virtual addresses on their interfaces."""


@dataclass(frozen=True, slots=True)
class RemoveAddresses:
    """Take the virtual addresses off their interfaces; harmless when they are not there."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Send this many gratuitous ARPs (IPv6: unsolicited NAs) for every virtual address, excluded ones too."""

    repeat: int


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The state changed: to be logged, notified and reported. `reason` is a sentence for the operator."""

    old: State
    new: State
    reason: str


@dataclass(frozen=True, slots=True)
class Report:
    """Something an operator should read that is not a change of state. `level` is a syslog level's name."""

    level: str
    message: str


@dataclass(frozen=True, slots=True)
class HeardLower:
    """Active, and another router of lower priority believes to be it, too: to be notified."""


@dataclass(frozen=True, slots=True)
class PriorityChanged:
    """The effective priority is another one: to be notified."""


Effect = (
    SendAdvertisement | AddAddresses | RemoveAddresses | Announce | StateChanged | Report | HeardLower | PriorityChanged
)
