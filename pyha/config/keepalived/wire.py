"""The words of `vrrp_instance` about what goes over the wire: source, peers, groups, checksums, odd manners."""

from typing import Any

from .statement import Part, Scope, Statement, address, no_more, number
from .vocabulary import Keyword, sets_boolean, sets_flag, sets_number


def _source(scope: Scope, statement: Statement) -> None:
    """`mcast_src_ip` and `unicast_src_ip` are the same thing."""
    ip = address(statement.args[0])
    if ip is None:
        scope.error(statement, f"'{statement.keyword}' expects an IP address, got '{statement.args[0]}'",
                    "other routers may know this one by that address")
        return
    scope.put("source", str(ip), statement.origin)
    no_more(scope, statement, 1)


def _destination(scope: Scope, statement: Statement) -> None:
    ip = address(statement.args[0])
    if ip is None or not ip.is_multicast:
        scope.error(statement, f"'{statement.keyword}' expects a multicast address, got '{statement.args[0]}'",
                    "such as 224.0.0.18 or ff02::12, and the same on all routers")
        return
    scope.put("multicast_group", str(ip), statement.origin)
    no_more(scope, statement, 1)


def _peers(scope: Scope, statement: Statement) -> None:
    """`unicast_peer { ADDRESS [min_ttl N] [max_ttl N] ... }`."""
    peers: list[Part] = []
    limits: list[Part] = []
    for entry in statement.body or ():
        ip = address(entry.keyword)
        if ip is None:
            scope.error(entry, f"the peer '{entry.keyword}' is not an IP address",
                        "keepalived would leave it out, and then there may be two masters")
            continue
        if str(ip) in {part.data for part in [*scope.parts("unicast_peers"), *peers]}:
            scope.ignore(entry, f"the peer {ip} is there already", "remove one of them")
            continue
        peers.append(Part(str(ip), entry.origin))
        if limit := _limits(scope, entry):
            limits.append(Part({"address": str(ip)} | limit, entry.origin))
    scope.extend("unicast_peers", peers, statement.origin)
    if limits:
        scope.extend("unicast_limits", limits, statement.origin)
        scope.put("check_unicast_source", True, statement.origin)


def _limits(scope: Scope, entry: Statement) -> dict[str, Any]:
    data: dict[str, Any] = {}
    words = iter(entry.args)
    for word in words:
        if word in ("min_ttl", "max_ttl"):
            value = number(scope, entry, next(words, ""), 0, 255, what=word)
            if value is not None:
                data[word] = value
        else:
            scope.ignore(entry, f"unknown word '{word}' after the peer {entry.keyword}",
                         "each peer needs a line of its own" if address(word) else "expected min_ttl or max_ttl")
    return data


def _old_checksum(scope: Scope, statement: Statement) -> None:
    scope.put("old_unicast_checksum", statement.arg(0) != "never", statement.origin)
    if statement.arg(0) not in ("", "never"):
        scope.ignore(statement, f"'old_unicast_checksum' expects nothing or 'never', got '{statement.args[0]}'")


KEYWORDS: dict[str, Keyword] = {
    "mcast_src_ip": Keyword(_source, needs=1),
    "unicast_src_ip": Keyword(_source, needs=1),
    "mcast_dst_ip": Keyword(_destination, needs=1),
    "unicast_peer": Keyword(_peers, block="entries"),
    "unicast_ttl": sets_number("unicast_ttl", 0, 255),
    "unicast_fault_no_peer": sets_flag("fault_without_peers"),
    "check_unicast_src": sets_boolean("check_unicast_source"),
    "skip_check_adv_addr": sets_boolean("skip_check_adv_addr"),
    "lower_prio_no_advert": sets_boolean("lower_prio_advert", inverted=True),
    "higher_prio_send_advert": sets_boolean("higher_prio_advert"),
    "owner_ignore_adverts": sets_boolean("owner_ignores_adverts"),
    "v3_checksum_as_v2": sets_boolean("pseudo_header", inverted=True),
    "old_unicast_checksum": Keyword(_old_checksum),
    "kernel_rx_buf_size": sets_number("receive_buffer", 0),
}
