"""`no_accept` (RFC 9568 section 6.1, Accept_Mode False): who is not the owner forwards for the addresses, and no more.

Packets to them are dropped by a small nftables table of each virtual router, made by nft(8) when it starts and gone
when it stops: it never gets in the way of a takeover. Neighbour discovery passes, or nobody would find the addresses.
"""

import logging
import shutil
import subprocess
from collections.abc import Iterable

from pyha.config.vrrp_model import VirtualRouter
from pyha.runtime import vips

_log = logging.getLogger("pyha.vrrp")
_PATIENCE = 5.0  # seconds


def _table(config: VirtualRouter) -> str:
    safe = "".join(character if character.isalnum() else "_" for character in config.interface)
    return f"pyha_{safe}_{config.vrid}_{vips.family(config)}"


def apply(config: VirtualRouter) -> None:
    """Drop what goes to the addresses, if it is to be so. What does not work is told."""
    addresses = [address.interface.ip for address in vips.all_addresses(config)]
    if not _wanted(config) or not addresses:
        return
    table, sets, rules = _table(config), [], []
    for version, kind, word in ((4, "ipv4_addr", "ip"), (6, "ipv6_addr", "ip6")):
        elements = ", ".join(str(ip) for ip in addresses if ip.version == version)
        if elements:
            sets.append(f"set v{version} {{ type {kind}; elements = {{ {elements} }}; }}")
            rules.append(f"{word} daddr @v{version} counter drop")
    rules.insert(0, "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept")
    chain = "chain input { type filter hook input priority -10; policy accept; " + "; ".join(rules) + "; }"
    problem = _nft([f"table inet {table}", f"delete table inet {table}", f"table inet {table} {{", *sets, chain, "}"])
    if problem:
        _log.error("(%s) no_accept has no effect, packets to the addresses are accepted: %s", config.name, problem)
    else:
        _log.info("(%s) packets to the addresses are dropped (no_accept, or strict mode)", config.name)


def remove(config: VirtualRouter) -> None:
    """Let packets to the addresses through again."""
    if _wanted(config):
        _nft([f"table inet {_table(config)}", f"delete table inet {_table(config)}"])


def clean(configs: Iterable[VirtualRouter]) -> None:
    """Remove what a predecessor that was killed left behind."""
    listed = _run(["list", "tables", "inet"]) if shutil.which("nft") else None
    if listed is not None and not listed.returncode:
        there = {line.split()[-1] for line in listed.stdout.splitlines() if line.strip()}
        leftover = [_table(config) for config in configs if not _wanted(config) and _table(config) in there]
        if leftover:
            _nft([f"delete table inet {table}" for table in leftover])


def _wanted(config: VirtualRouter) -> bool:
    return not config.accept and config.priority != vips.OWNER


def _nft(lines: Iterable[str]) -> str:
    """Run one transaction. Returns what is wrong, or nothing."""
    try:
        done = _run(["-f", "-"], "\n".join(lines) + "\n")
    except FileNotFoundError:
        return "there is no program 'nft' on this machine; install nftables"
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
    return done.stderr.strip().split("\n")[0] if done.returncode else ""


def _run(arguments: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(["nft", *arguments], input=text, text=True, capture_output=True, timeout=_PATIENCE,
                          check=False)
