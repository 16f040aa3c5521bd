"""One line of `virtual_ipaddress`, `virtual_ipaddress_excluded` or `static_ipaddress` (keepalived.conf(5))."""

from collections.abc import Callable, Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from typing import Any

from pyha.config.origin import did_you_mean

from .statement import Part, Scope, Statement, address, prefixed

Interface = IPv4Interface | IPv6Interface
_SCOPES = {"global": "global", "site": "site", "link": "link", "host": "host", "nowhere": "nowhere",
           "universe": "global", "0": "global", "200": "site", "253": "link", "254": "host", "255": "nowhere"}
_FLAGS = {"home": "home", "-nodad": "dad", "mngtmpaddr": "mngtmpaddr", "noprefixroute": "noprefixroute",
          "autojoin": "autojoin", "no_track": "no_track", "use_vmac": "use_vmac"}
_MOST = 15  # bytes of a label: IFNAMSIZ without its end

_Reader = Callable[[Scope, Statement, Interface, dict[str, Any], str], None]


def virtual_address(scope: Scope, statement: Statement) -> Part | None:
    """`ADDR[/LEN] [dev IF] [scope S] [label L] [brd B] ...`; None when it was refused."""
    text = statement.keyword
    interface = prefixed(text)
    if interface is None and (ip := address(text.partition("/")[0])) is not None:
        longest = ip.max_prefixlen
        scope.ignore(statement, f"'{text}': expected a prefix length between 0 and {longest}",
                     f"keepalived takes /{longest}, and so does pyha")
        interface = prefixed(str(ip))
    if interface is None:
        scope.error(statement, f"'{text}' is not an IP address", "expected ADDRESS[/LENGTH], such as 10.0.0.100/24; "
                    "keepalived would leave it out, and routers with different addresses do not hear each other")
        return None
    data: dict[str, Any] = {"interface": str(interface)}
    words = iter(statement.args)
    for word in words:
        if word in _FLAGS:
            data[_FLAGS[word]] = True
        elif word in _OPTIONS:
            if not (value := next(words, "")):
                scope.error(statement, f"'{word}' of {text} has no value", "keepalived would leave the address out")
                return None
            _OPTIONS[word](scope, statement, interface, data, value)
        else:
            _unknown(scope, statement, word, words)
    return Part(data, statement.origin)


def _unknown(scope: Scope, statement: Statement, word: str, words: Iterator[str]) -> None:
    hint = did_you_mean(word, OPTIONS)
    if prefixed(word) is not None:
        hint = "each address needs a line of its own"
    elif word.startswith("//"):
        hint = "comments start with '#' or '!'"
        for _rest in words:
            pass
    scope.ignore(statement, f"unknown word '{word}' after the address {statement.keyword}, without effect as in "
                 "keepalived", hint)


def _dev(scope: Scope, statement: Statement, interface: Interface, data: dict[str, Any], text: str) -> None:
    if "dev" in data:
        scope.error(statement, f"{interface} has two interfaces: '{data['dev']}' and '{text}'",
                    "keepalived would leave the address out")
    data["dev"] = text


def _scope(scope: Scope, statement: Statement, interface: Interface, data: dict[str, Any], text: str) -> None:
    if interface.version == 6:
        scope.ignore(statement, f"IPv6 addresses have no 'scope' that could be chosen: not used for {interface}")
    elif text in _SCOPES:
        data["scope"] = _SCOPES[text]
    else:
        scope.ignore(statement, f"'scope' of {interface} expects global, site, link, host or nowhere, got '{text}'",
                     did_you_mean(text, _SCOPES) or "keepalived takes global, and so does pyha")


def _label(scope: Scope, statement: Statement, interface: Interface, data: dict[str, Any], text: str) -> None:
    if interface.version == 6:
        scope.ignore(statement, f"IPv6 addresses have no 'label': not used for {interface}")
    elif len(text.encode()) > _MOST:
        scope.error(statement, f"the label '{text}' of {interface} has more than {_MOST} characters",
                    "keepalived would leave the address out")
    else:
        data["label"] = text


def _broadcast(scope: Scope, statement: Statement, interface: Interface, data: dict[str, Any], text: str) -> None:
    if interface.version == 6:
        scope.ignore(statement, f"IPv6 has no broadcast: 'brd {text}' is not used for {interface}")
    elif text in ("+", "-") or isinstance(address(text), IPv4Address):
        data["broadcast"] = text
    else:
        scope.ignore(statement, f"'brd' of {interface} expects an IPv4 address, + or -, got '{text}'")


def _peer(scope: Scope, statement: Statement, interface: Interface, data: dict[str, Any], text: str) -> None:
    peer = prefixed(text)
    if peer is None or peer.version != interface.version:
        scope.error(statement, f"'peer' of {interface} expects an IPv{interface.version} address, got '{text}'")
    else:
        data["peer"] = str(peer)


def _preferred(scope: Scope, statement: Statement, interface: Interface, data: dict[str, Any], text: str) -> None:
    if text == "forever":
        data["preferred_lft"] = text
    elif text.isascii() and text.isdigit() and len(text) < 10:
        data["preferred_lft"] = int(text)
    else:
        scope.ignore(statement, f"'preferred_lft' of {interface} expects seconds or forever, got '{text}'")


def _track_group(scope: Scope, statement: Statement, interface: Interface, data: dict[str, Any], text: str) -> None:
    if scope.kind == "vrrp_instance":
        scope.ignore(statement, f"'track_group' is for static addresses only: not used for {interface}")
    else:
        data.setdefault("track_groups", []).append(text)


_OPTIONS: dict[str, _Reader] = {
    "dev": _dev, "scope": _scope, "label": _label, "brd": _broadcast, "broadcast": _broadcast, "peer": _peer,
    "preferred_lft": _preferred, "track_group": _track_group,
}
OPTIONS = (*_OPTIONS, *_FLAGS)
