"""One line of `virtual_routes`, `static_routes` (ip-route(8)), `virtual_rules` or `static_rules` (ip-rule(8)).

A line that cannot be read is left out with a warning, as keepalived does: an address is worth more than its route.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from pyha.config.origin import did_you_mean

from .statement import Part, Scope, Statement, address, prefixed

_TYPES = ("unicast", "local", "broadcast", "anycast", "multicast", "throw", "unreachable", "prohibit", "blackhole",
          "nat")
_ROUTE_WORDS = {"dev": "dev", "oif": "dev", "table": "table", "scope": "scope", "protocol": "protocol",
                "proto": "protocol", "tos": "tos", "dsfield": "tos"}
_ROUTE_OPTIONS = frozenset({
    "mtu", "hoplimit", "advmss", "rtt", "rttvar", "reordering", "window", "cwnd", "ssthresh", "realms", "realm",
    "rto_min", "initcwnd", "initrwnd", "features", "quickack", "congctl", "pref", "vrf", "encap", "expires",
    "ttl-propagate", "fastopen_no_cookie", "flow", "as"})
_LOCKABLE = frozenset({"mtu", "hoplimit", "advmss", "rtt", "rttvar", "reordering", "window", "cwnd", "ssthresh",
                       "rto_min", "congctl"})
_RULE_WORDS = {"iif": "iif", "dev": "iif", "oif": "oif", "fwmark": "fwmark", "tos": "tos", "dsfield": "tos"}
_RULE_OPTIONS = frozenset({"realms", "ip_proto", "ipproto", "sport", "dport", "uidrange", "tun_id",
                           "suppress_prefixlength", "suppress_ifgroup", "protocol"})
_ACTIONS = ("blackhole", "unreachable", "prohibit", "throw", "nop")
ROUTE_OPTIONS = (*_TYPES, *_ROUTE_WORDS, *_ROUTE_OPTIONS, "to", "src", "via", "gw", "or", "metric", "priority",
                 "preference", "onlink", "append", "add", "prepend", "no_track", "track_group", "nexthop", "inet",
                 "inet6")
RULE_OPTIONS = (*_RULE_WORDS, *_RULE_OPTIONS, *_ACTIONS, "not", "from", "to", "table", "lookup", "priority",
                "preference", "order", "goto", "l3mdev", "no_track", "track_group", "inet", "inet6", "type")


class _BadLineError(Exception):
    """Why the line is left out."""


def route(scope: Scope, statement: Statement) -> Part | None:
    """One route; None when it was left out."""
    return _read(scope, statement, "route", _route)


def rule(scope: Scope, statement: Statement) -> Part | None:
    """One rule; None when it was left out."""
    return _read(scope, statement, "rule", _rule)


def _read(scope: Scope, statement: Statement, what: str,
          reader: Callable[[tuple[str, ...]], dict[str, Any]]) -> Part | None:
    try:
        return Part(reader(statement.words), statement.origin)
    except _BadLineError as error:
        scope.ignore(statement, f"this {what} is left out, as keepalived does it: {error}")
        return None


# -- routes ------------------------------------------------------------------------------------------------------------


def _route(statement_words: tuple[str, ...]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    gateways: list[str] = []
    words = iter(statement_words)
    for word in words:
        if word in _TYPES and "destination" not in data:
            data["kind"] = word
        elif word in _ROUTE_WORDS:
            data[_ROUTE_WORDS[word]] = _value(word, words)
        elif word in ("via", "gw", "or"):
            gateways.append(_gateway(word, words))
        elif word == "nexthop":
            data["nexthops"] = _nexthops(words)
        elif word in _ROUTE_OPTIONS:
            data.setdefault("options", []).append((word, _option(word, words)))
        elif word == "src":
            data["source"] = _address(word, _value(word, words))
        elif not _common(data, word, words, "metric") and not _flag(data, word):
            data["destination"] = _destination(data, _value(word, words) if word == "to" else word)
    return _completed(data, gateways)


def _flag(data: dict[str, Any], word: str) -> bool:
    if word in ("onlink", "append"):
        data[word] = True
        return True
    return word in ("add", "prepend")  # what happens anyway


def _destination(data: dict[str, Any], text: str) -> str:
    if "destination" in data:
        raise _unknown(text, ROUTE_OPTIONS)
    if text == "default":
        return text
    network = prefixed(text)
    if network is None:
        raise _BadLineError(f"'{text}' is neither a destination nor a known word")
    return str(network)


def _completed(data: dict[str, Any], gateways: list[str]) -> dict[str, Any]:
    """The family from whatever names one, `default` spelled out, and `via A or B` as two ways."""
    if "destination" not in data:
        raise _BadLineError("it has no destination")
    given = data["destination"]
    hops = [hop["via"] for hop in data.get("nexthops", ()) if "via" in hop]
    known = [text for text in (given if given != "default" else "", data.get("source", ""), *gateways, *hops) if text]
    families = {data["family"]} if "family" in data else {6 if ":" in text else 4 for text in known[:1]} or {4}
    data["family"] = families.pop()
    if given == "default":
        data["destination"] = "::/0" if data["family"] == 6 else "0.0.0.0/0"
    elif (":" in given) != (data["family"] == 6):
        raise _BadLineError(f"'{given}' is of the other address family")
    if len(gateways) > 1:
        data["nexthops"] = [{"via": via} | ({"dev": data["dev"]} if "dev" in data else {}) for via in gateways]
    elif gateways:
        data["via"] = gateways[0]
    return data


def _nexthops(words: Iterator[str]) -> list[dict[str, Any]]:
    """`nexthop via A dev B weight N onlink nexthop ...` up to the end of the line."""
    hops: list[dict[str, Any]] = [{}]
    for word in words:
        if word == "nexthop":
            hops.append({})
        elif word in ("via", "gw"):
            hops[-1]["via"] = _gateway(word, words)
        elif word == "dev":
            hops[-1]["dev"] = _value(word, words)
        elif word == "weight":
            hops[-1]["weight"] = _number(word, words, 256) or 1
        elif word == "onlink":
            hops[-1]["onlink"] = True
        else:
            raise _BadLineError(f"unknown word '{word}' after 'nexthop'")
    return hops


def _gateway(word: str, words: Iterator[str]) -> str:
    text = _value(word, words)
    if text in ("inet", "inet6"):
        text = _value(word, words)
    return _address(word, text)


def _option(word: str, words: Iterator[str]) -> str:
    text = _value(word, words)
    return f"lock {_value(word, words)}" if text == "lock" and word in _LOCKABLE else text


# -- rules -------------------------------------------------------------------------------------------------------------


def _rule(statement_words: tuple[str, ...]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    words = iter(statement_words)
    for word in words:
        if word in ("from", "to"):
            _selector(data, word, _value(word, words))
        elif word in ("table", "lookup"):
            data["table"] = _value(word, words)
        elif word == "goto":
            data |= {"action": "goto", "goto": _number(word, words, 2**32 - 1)}
        elif word in _ACTIONS:
            data["action"] = word
        elif word == "not":
            data["inverted"] = True
        elif word in _RULE_WORDS:
            data[_RULE_WORDS[word]] = _value(word, words)
        elif word == "l3mdev":
            data.setdefault("options", []).append((word, ""))
        elif word in _RULE_OPTIONS:
            data.setdefault("options", []).append((word, _value(word, words)))
        elif word != "type" and not _common(data, word, words, "priority"):
            raise _unknown(word, RULE_OPTIONS)
    if "table" not in data and data.get("action", "table") == "table" and "l3mdev" not in dict(data.get("options", ())):
        raise _BadLineError("it says neither a table nor an action")
    return data


def _selector(data: dict[str, Any], word: str, text: str) -> None:
    if text in ("all", "any", "default"):
        return
    network = prefixed(text)
    if network is None:
        raise _BadLineError(f"'{word}' expects an address with a prefix length, got '{text}'")
    if data.setdefault("family", network.version) != network.version:
        raise _BadLineError("'from' and 'to' are of different address families")
    data["source" if word == "from" else "destination"] = str(network)


# -- both --------------------------------------------------------------------------------------------------------------


def _common(data: dict[str, Any], word: str, words: Iterator[str], priority: str) -> bool:
    """Words that routes and rules share; whether it was one."""
    if word in ("priority", "preference", "order", "metric"):
        data[priority] = _number(word, words, 2**32 - 1)
    elif word == "no_track":
        data["no_track"] = True
    elif word == "track_group":
        data.setdefault("track_groups", []).append(_value(word, words))
    elif word in ("inet", "inet6"):
        data["family"] = 6 if word == "inet6" else 4
    else:
        return False
    return True


def _unknown(word: str, known: tuple[str, ...]) -> _BadLineError:
    hint = did_you_mean(word, known)
    return _BadLineError(f"unknown word '{word}'" + (f" ({hint})" if hint else ""))


def _value(word: str, words: Iterator[str]) -> str:
    text = next(words, "")
    if not text:
        raise _BadLineError(f"'{word}' has no value")
    return text


def _address(word: str, text: str) -> str:
    ip = address(text.partition("/")[0])
    if ip is None:
        raise _BadLineError(f"'{word}' expects an IP address, got '{text}'")
    return str(ip)


def _number(word: str, words: Iterator[str], high: int) -> int:
    text = _value(word, words)
    if not (text.isascii() and re.fullmatch(r"\d{1,10}|0x[0-9a-fA-F]{1,8}", text)):
        raise _BadLineError(f"'{word}' expects a number, got '{text}'")
    value = int(text, 0) if text.startswith("0x") else int(text)
    if value > high:
        raise _BadLineError(f"'{word}' expects a number up to {high}, got '{text}'")
    return value
