"""When checks run, and how long each may take (HAProxy's manual, sections 4.2 `timeout check` and 5.2 `inter`)."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyha.config.model import Backend, Check
from pyha.units import Milliseconds, seconds

_SHORT_INTERVAL = 1000  # milliseconds; servers checked more often do not shorten the first round


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a check may take, in seconds from its start; `answer`, if set, counts from the connection instead."""

    connect: float
    answer: float | None


def timeouts(check: Check, backend: Backend) -> Timeouts:
    """Without `timeout check` the whole check has `inter`; with it, connecting has min(`inter`, `timeout connect`)."""
    connect = check.inter
    if backend.timeout_check is None:
        return Timeouts(connect=seconds(connect), answer=None)
    if backend.timeout_connect is not None:
        connect = min(connect, backend.timeout_connect)
    return Timeouts(connect=seconds(connect), answer=seconds(backend.timeout_check))


def interval(check: Check, health: int) -> Milliseconds:
    """How long to wait after a check: `inter` when fully up, `downinter` when fully down, `fastinter` in between."""
    if health == check.rise + check.fall - 1:
        return check.inter
    if health == 0:
        return check.downinter or check.inter
    return check.fastinter or check.inter


def first_offsets(checks: Sequence[Check]) -> list[float]:
    """When each check runs first, in seconds from the start, so that a start does not fire hundreds at once.

    As HAProxy does it: a server's round is its own interval, but at least the shortest interval of a second or more.
    """
    round_ = min((check.inter for check in checks if check.inter >= _SHORT_INTERVAL), default=0)
    return [max(round_, check.inter) / 1000 * index / len(checks) for index, check in enumerate(checks)]
