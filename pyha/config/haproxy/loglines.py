"""`log` lines, in `global` and in proxies (HAProxy's manual, sections 3.1 and 4.2)."""

from typing import Any

from .address import AddressError, parse
from .statement import Section, Statement, choice, number

FACILITIES = ("kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp",
              "audit", "alert", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7")
LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
FORMATS = ("local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw")
_LONGEST = 65535


def log(section: Section, statement: Statement) -> None:
    """`log global`, `log ADDRESS [len N] [format F] [sample R:N] FACILITY [LEVEL [MINLEVEL]]`, `no log`."""
    if statement.prefix:
        section.drop("log_targets")
        return
    if section.kind != "global" and statement.args == ("global",):
        section.extend("log_targets", "global", statement.origin)
        return
    target = _target(section, statement)
    if target is not None:
        section.extend("log_targets", target, statement.origin)


def _target(section: Section, statement: Statement) -> dict[str, Any] | None:
    args = list(statement.args)
    if len(args) < 2:
        section.error(statement, "'log' expects an address and a facility as arguments",
                      "for example: log /dev/log local0")
        return None
    target = _destination(section, statement, args.pop(0))
    if target is None:
        return None
    while len(args) > 1 and args[0] in ("len", "format", "sample"):
        if not _modifier(section, statement, target, args[0], args[1]):
            return None
        del args[:2]
    facility = choice(section, statement, args[0] if args else "", FACILITIES, what="log facility")
    if facility is None:
        return None
    target["facility"] = facility
    for key, level in zip(("level", "minlevel"), args[1:3], strict=False):
        if choice(section, statement, level, LEVELS, what="log level") is None:
            return None
        target[key] = level
    if len(args) > 3:
        section.error(statement, f"'log' cannot handle unexpected argument '{args[3]}'")
        return None
    return target


def _modifier(section: Section, statement: Statement, target: dict[str, Any], word: str, text: str) -> bool:
    if word == "len":
        length = number(section, statement, text, 80, _LONGEST, what="log ... len")
        target["length"] = length
        return length is not None
    if word == "format":
        target["format"] = text
        return choice(section, statement, text, FORMATS, what="log ... format") is not None
    section.ignore("log ... sample", statement.origin, "every message is sent to every log target")
    return True


def _destination(section: Section, statement: Statement, text: str) -> dict[str, Any] | None:
    if text in ("stdout", "stderr"):
        return {"kind": text}
    if text.startswith("/"):
        return {"kind": "unix", "path": text}
    if text.startswith("unix@/"):
        return {"kind": "unix", "path": text.removeprefix("unix@")}
    if text.startswith("fd@"):
        descriptor = number(section, statement, text.removeprefix("fd@"), 0, 2**16, what="log fd@")
        return None if descriptor is None else {"kind": "fd", "fd": descriptor}
    if text.startswith(("ring@", "tcp@", "tcp4@", "tcp6@")):
        section.error(statement, f"'log {text}': logging to rings and over TCP is not supported",
                      "log to a UNIX socket, to a UDP address, to stdout or to stderr")
        return None
    try:
        bare = text.removeprefix("udp@").replace("udp4@", "ipv4@").replace("udp6@", "ipv6@")
        address = parse(bare)
    except AddressError as error:
        section.error(statement, f"'log': {error}", error.hint)
        return None
    port = {"port": address.first} if address.first and not address.offset else {}
    return {"kind": "udp", "host": address.host} | port
