"""`balance` and `hash-type` (HAProxy's manual, section 4.2)."""

import re
from typing import Any, Final

from pyha.config.origin import did_you_mean

from .statement import Handler, Section, Statement, choice, no_more, number

ALGORITHMS: Final = ("roundrobin", "static-rr", "leastconn", "first", "source", "random")

REFUSED_ALGORITHMS: Final = {
    "hash": "an expression over the traffic chooses the server",
    "hdr": "an HTTP header chooses the server",
    "log-hash": "it is for log servers",
    "rdp-cookie": "a cookie in the traffic chooses the server",
    "sticky": "it is for log servers",
    "uri": "the URI of a request chooses the server",
    "url_param": "a parameter of a request chooses the server",
}
_RANDOM = re.compile(r"random\((\d{1,9})\)")
_FUNCTIONS = ("sdbm", "djb2", "wt6", "crc32", "none")


def balance(section: Section, statement: Statement) -> None:
    """`balance ALGORITHM`; without argument it means roundrobin."""
    word = statement.arg(0) or "roundrobin"
    draws = _RANDOM.fullmatch(word)
    name = re.split(r"[( ]", word)[0]
    if draws and int(draws[1]) >= 1:
        section.put("balance", "random", statement.origin)
        section.put("balance_draws", int(draws[1]), statement.origin)
    elif word in ALGORITHMS:
        if no_more(section, statement, 1):
            section.put("balance", word, statement.origin)
            section.drop("balance_draws")
    elif name in REFUSED_ALGORITHMS:
        section.error(statement, f"'balance {word}' is not supported: {REFUSED_ALGORITHMS[name]}, which TCP relaying "
                      "does "
                      "not look into", "use 'balance source' to keep clients with their server, or 'balance leastconn'")
    else:
        expected = ", ".join(ALGORITHMS)
        section.error(statement, f"'balance' expects one of {expected}, got '{word}'", did_you_mean(word, ALGORITHMS))


def hash_type(section: Section, statement: Statement) -> None:
    """`hash-type map-based|consistent [FUNCTION [MODIFIER]]`."""
    method = choice(section, statement, statement.arg(0), ("map-based", "consistent"))
    function, modifier = statement.arg(1), statement.arg(2)
    if method is None or not no_more(section, statement, 3):
        return
    if function and choice(section, statement, function, _FUNCTIONS) is None:
        return
    if modifier and choice(section, statement, modifier, ("avalanche",)) is None:
        return
    if function:
        section.ignore("hash-type ... FUNCTION", statement.origin, "one hash function serves both methods")
    section.put("hash_type", method, statement.origin)


def settled(section: Section) -> dict[str, Any]:
    """The data of a Balance."""
    keys = (("balance", "algorithm"), ("hash_type", "hash_type"), ("balance_draws", "draws"))
    return {name: section.get(key) for key, name in keys if key in section.values}


def full_number(key: str) -> Handler:
    """A limit where 0 means none."""
    def handler(section: Section, statement: Statement) -> None:
        value = number(section, statement, statement.arg(0), 0)
        if value is None or not no_more(section, statement, 1):
            return
        if value:
            section.put(key, value, statement.origin)
        else:
            section.drop(key)
    return handler


KEYWORDS: Final[dict[str, Handler]] = {
    "balance": balance,
    "fullconn": full_number("fullconn"),
    "hash-type": hash_type,
    "rate-limit sessions": full_number("rate_limit_sessions"),
}
