"""`stick-table` and `stick` (HAProxy's manual, section 4.2): tables that remember clients."""

import re
from typing import Any, Final, get_args

from pyha.config.origin import did_you_mean
from pyha.config.rules_model import Counter

from .acl import condition
from .statement import Handler, Section, Statement, choice, duration, number

COUNTERS: Final = get_args(Counter)
_UNCOUNTED: Final = ("bytes_in_rate", "bytes_out_rate", "gpc", "gpc_rate", "gpt", "gpt0", "http_err_cnt",
                     "http_err_rate", "http_fail_cnt", "http_fail_rate", "http_req_cnt", "http_req_rate", "server_id")
_SIZES: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_KINDS: Final = ("ip", "ipv6", "integer", "string")
_STORED = re.compile(r"(\w+)(?:\(([^()]*)\))?")


def stick_table(section: Section, statement: Statement) -> None:
    """`stick-table type T [len N] size N [expire T] [nopurge] [store LIST] [peers P]`."""
    data: dict[str, Any] = {}
    words = list(statement.args)
    while words:
        word = words.pop(0)
        if word == "nopurge":
            data["nopurge"] = True
        elif word not in _OPTIONS:
            section.error(statement, f"'stick-table': unknown option '{word}'",
                          did_you_mean(word, (*_OPTIONS, "nopurge")))
            return
        elif not words:
            section.error(statement, f"'stick-table': '{word}' expects a value")
            return
        elif not _OPTIONS[word](section, statement, words.pop(0), data):
            return
    if "kind" not in data or "size" not in data:
        section.error(statement, "'stick-table' expects a type and a size",
                      "for example: stick-table type ip size 100k expire 30m store conn_cur")
        return
    section.put("stick_table", data, statement.origin)


def _type(section: Section, statement: Statement, value: str, data: dict[str, Any]) -> bool:
    if value == "binary":
        section.error(statement, "'stick-table': type binary is not supported", "use 'string'")
        return False
    kind = choice(section, statement, value, _KINDS, what="stick-table type")
    data["kind"] = kind
    return kind is not None


def _length(section: Section, statement: Statement, value: str, data: dict[str, Any]) -> bool:
    length = number(section, statement, value, 1, what="stick-table len")
    data["length"] = length
    return length is not None


def _size(section: Section, statement: Statement, value: str, data: dict[str, Any]) -> bool:
    factor = _SIZES.get(value[-1:].lower()) if value[-1:].isalpha() else 1
    digits = value.rstrip("kKmMgG")
    if not factor or not re.fullmatch(r"[1-9]\d{0,9}", digits):
        section.error(statement, f"'stick-table': 'size' expects a number such as 100k, got '{value}'")
        return False
    data["size"] = int(digits) * factor
    return True


def _expire(section: Section, statement: Statement, value: str, data: dict[str, Any]) -> bool:
    time = duration(section, statement, value, what="stick-table expire")
    if time:
        data["expire"] = time
    return time is not None


def _store(section: Section, statement: Statement, value: str, data: dict[str, Any]) -> bool:
    for item in value.split(","):
        found = _STORED.fullmatch(item.strip())
        name = found[1] if found else item
        if found is None or name not in (*COUNTERS, *_UNCOUNTED):
            section.error(statement, f"'stick-table': unknown data type '{item}'", did_you_mean(name, COUNTERS))
            return False
        if name in _UNCOUNTED:
            section.ignore(f"stick-table ... store {name}", statement.origin, "it is not counted for TCP")
            continue
        data.setdefault("store", []).append(name)
        if name.endswith("_rate"):
            period = duration(section, statement, found[2] or "", low=1, what=f"stick-table store {name}")
            if period is None:
                return False
            data.setdefault("rates", []).append([name, period])
    return True


def _peers(section: Section, statement: Statement, _value: str, _data: dict[str, Any]) -> bool:
    section.ignore("stick-table ... peers", statement.origin, "tables are not shared with other nodes")
    return True


_OPTIONS: Final = {"expire": _expire, "len": _length, "peers": _peers, "size": _size, "store": _store, "type": _type}


def stick(section: Section, statement: Statement) -> None:
    """`stick on|match|store-request PATTERN [table T] [if ...]`: kept until all sections are known."""
    at = next((index for index, word in enumerate(statement.args) if word in ("if", "unless")), None)
    subject = None
    if not statement.args or at == 0:
        section.error(statement, f"'{statement.keyword}' expects what to stick on as argument", "for example: stick "
                      "on src")
        return
    if at is not None:
        subject = condition(section, statement, statement.args[at:])
        if subject is None:
            return
    section.extend("stick", (statement, subject), statement.origin)


def use_server(section: Section, statement: Statement) -> None:
    """`use-server NAME if|unless ...`: kept until all servers are known."""
    if len(statement.args) < 2:
        section.error(statement, "'use-server' expects a server and a condition", "for example: use-server a if { src "
                      "10.0.0.0/8 }")
        return
    subject = condition(section, statement, statement.args[1:])
    if subject is not None:
        section.extend("use_server", (statement, subject), statement.origin)


def table(section: Section) -> dict[str, Any] | None:
    """The Table of a section, if it has one."""
    data = section.get("stick_table")
    return None if data is None else {"name": section.name} | data


KEYWORDS: Final[dict[str, Handler]] = {
    "stick match": stick,
    "stick on": stick,
    "stick store-request": stick,
    "stick-table": stick_table,
    "use-server": use_server,
}
