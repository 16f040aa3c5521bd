"""`stats socket` and `unix-bind` of the global section (HAProxy's manual, section 3.1)."""

from typing import Any

from pyha.config.origin import did_you_mean, nearest

from .bind import IGNORED as BIND_IGNORED
from .bind import REFUSED as BIND_REFUSED
from .bind import WITH_VALUE as BIND_VALUES
from .bind import arity
from .statement import Section, Statement, choice

LEVELS = ("user", "operator", "admin")
_OCTAL = "01234567"
_NOT_UNIX = ("ipv4@", "ipv6@", "tcp@", "fd@", "abns@", "sockpair@")

OPTIONS = ("level", "mode", "user", "group", "uid", "gid", "expose-fd")
_TUNING = "the runtime API needs no tuning"


def stats_socket(section: Section, statement: Statement) -> None:
    """`stats socket PATH [mode M] [level L] [user U] [group G] [expose-fd listeners] ...`."""
    path = statement.arg(0).removeprefix("unix@")
    if not path:
        section.error(statement, "'stats socket' expects a path as argument",
                      "for example: stats socket /run/haproxy/admin.sock level admin")
        return
    data: dict[str, Any] = {"path": path}
    _options(section, statement, list(statement.args[1:]), data)
    if path.startswith(_NOT_UNIX) or not path.startswith("/"):
        section.ignore("stats socket", statement.origin, "the runtime API is served on UNIX sockets with an absolute "
                       "path only")
        return
    section.extend("stats_sockets", data, statement.origin)


def unix_bind(section: Section, statement: Statement) -> None:
    """`unix-bind [prefix P] [mode M] [user U] [group G]`: what the sockets have unless they say otherwise."""
    data: dict[str, Any] = {}
    args = list(statement.args)
    if args[:1] == ["prefix"] and len(args) > 1:
        data["prefix"] = args[1]
        del args[:2]
    _options(section, statement, args, data)
    section.put("unix_bind", data, statement.origin)


def sockets(section: Section) -> list[dict[str, Any]]:
    """Every stats socket as the model has it."""
    common = dict(section.get("unix_bind", {}))
    prefix = common.pop("prefix", "")
    return [common | data | {"path": prefix + data["path"]} for data, _ in section.get("stats_sockets", ())]


def _options(section: Section, statement: Statement, args: list[str], data: dict[str, Any]) -> None:
    what = statement.keyword
    while args:
        word = args.pop(0)
        if word in OPTIONS:
            _option(section, statement, word, args.pop(0) if args else "", data)
        elif word in BIND_VALUES:
            del args[:1]
            section.ignore(f"{what} ... {word}", statement.origin, _TUNING)
        elif word in BIND_IGNORED or word in BIND_REFUSED:
            del args[:(BIND_IGNORED.get(word) or BIND_REFUSED[word])[0]]
            section.ignore(f"{what} ... {word}", statement.origin, _TUNING)
        else:
            known = (*OPTIONS, *BIND_VALUES, *BIND_IGNORED)
            section.error(statement, f"'{what}': unknown keyword '{word}'", did_you_mean(word, known))
            meant = nearest(word, known)
            del args[:1 if meant in OPTIONS else arity(meant)]


def _option(section: Section, statement: Statement, word: str, text: str, data: dict[str, Any]) -> None:
    what = f"{statement.keyword} ... {word}"
    if not text:
        section.error(statement, f"'{what}' expects a value")
    elif word == "level":
        if choice(section, statement, text, LEVELS, what=what):
            data["level"] = text
    elif word == "mode":
        if len(text) > 4 or any(char not in _OCTAL for char in text):
            section.error(statement, f"'{what}' expects an octal mode such as 660, got '{text}'")
        else:
            data["mode"] = int(text, 8)
    elif word == "expose-fd":
        if choice(section, statement, text, ("listeners",), what=what):
            data["expose_fd"] = True
    else:
        data["user" if word in ("user", "uid") else "group"] = text
