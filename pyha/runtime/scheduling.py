"""How the vrrp process is scheduled: an advertisement that is late costs an address (keepalived.conf(5), vrrp_*)."""

import ctypes
import logging
import os
import resource
import signal
from collections.abc import Callable
from types import FrameType

from pyha.config.vrrp_model import Scheduling

_log = logging.getLogger("pyha.vrrp")
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_LONGEST = 2_000_000  # microseconds
_REALTIME = 1  # the lowest real-time priority is above everything that is not real-time
_libc = ctypes.CDLL(None, use_errno=True)


def apply(config: Scheduling) -> None:
    """Do what is asked for, and where nothing is: real time, and what is in memory stays there, if we may."""
    if config.nice is not None:
        _try("vrrp_priority", lambda: os.setpriority(os.PRIO_PROCESS, 0, config.nice or 0))
    elif config.realtime is None:
        _try(None, lambda: _realtime(_REALTIME))
    if config.realtime is not None:
        _try("vrrp_rt_priority", lambda: _realtime(config.realtime or _REALTIME))
    if config.cpus:
        _try("vrrp_cpu_affinity", lambda: os.sched_setaffinity(0, config.cpus))
    if config.locked is not False:
        _try("vrrp_no_swap" if config.locked else None, _lock)


def _realtime(priority: int) -> None:
    # Whoever computes for so long without waiting has gone astray, and must not keep the machine from anything else.
    signal.signal(signal.SIGXCPU, _astray)
    _soft, hard = resource.getrlimit(resource.RLIMIT_RTTIME)
    resource.setrlimit(resource.RLIMIT_RTTIME, (_LONGEST if hard == resource.RLIM_INFINITY else hard, hard))
    # Scripts that we start are not to be real-time.
    os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(priority))


def _astray(_number: int, _frame: FrameType | None) -> None:
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    _log.error("the vrrp process computed for %g s without a pause: it is not scheduled in real time any more",
               _LONGEST / 1e6)


def _lock() -> None:
    # On fault: only what is used is locked, not all that the interpreter has reserved.
    if _libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def _try(word: str | None, action: Callable[[], None]) -> None:
    """Without the privilege it goes on without; `word`: the operator asked for it, and is told."""
    try:
        action()
    except OSError as error:
        _log.log(logging.WARNING if word else logging.DEBUG, "%s has no effect: %s", word or "scheduling",
                 error.strerror)
