"""The lines that HAProxy writes about a session in TCP mode: `option tcplog`, and without it one at the beginning.

`log-format` is in logformat.py. `option tcplog` is short for

    log-format "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"

and by far the most common, so it is written out here instead of being interpreted.
"""

from collections.abc import Callable

from pyha.config.model import LogPolicy

from . import logformat
from .record import Dates, Record

_DATES = Dates()
INFO, ERR = 6, 3  # syslog's levels


def connect_line(client: tuple[str, int], bound: tuple[str, int], frontend: str) -> str:
    """What a frontend without any log format says when a client comes."""
    return f"Connect from {client[0]}:{client[1]} to {bound[0]}:{bound[1]} ({frontend}/TCP)"


def failed_line(client: tuple[str, int], local: float, listener: str, reason: str) -> str:
    """What is said of a connection that ended before there was a session. `local`: Unix time plus the offset."""
    second = int(local)
    return f"{client[0]}:{client[1]} [{_DATES.at(second)}.{int((local - second) * 1000):03}] {listener}: {reason}"


def tcplog(record: Record) -> str:
    """`option tcplog`."""
    r = record
    local = r.accepted + r.utc_offset
    second = int(local)
    plus = "+" if r.asap else ""
    return (
        f"{r.client[0]}:{r.client[1]} [{_DATES.at(second)}.{int((local - second) * 1000):03}] {r.frontend} "
        f"{r.backend}/{r.server} {r.queued}/{r.connect}/{plus}{r.total} {plus}{r.bytes_out} {r.code} "
        f"{r.process_sessions}/{r.frontend_sessions}/{r.backend_sessions}/{r.server_sessions}/"
        f"{'+' if r.redispatched else ''}{r.retries} {r.server_queue}/{r.backend_queue}"
    )


def formatter(policy: LogPolicy) -> Callable[[Record], str] | None:
    """How to write a session's line, or None when only its beginning is logged. ValueError: a bad `log-format`."""
    if not policy.targets or policy.format == "connect":
        return None
    return logformat.compile_format(policy.custom) if policy.format == "custom" else tcplog


def level(policy: LogPolicy, code: str, retries: int, *, redispatched: bool, silent: bool) -> int | None:
    """The line's syslog level, or None when the policy wants none (manual: dontlognull, dontlog-normal, ...).

    `silent`: the client never sent a byte.
    """
    if silent and policy.dontlognull:
        return None
    bad = redispatched or code[0] != "-" or retries > 0
    if not bad:
        return None if policy.dontlog_normal else INFO
    return ERR if policy.separate_errors else INFO
