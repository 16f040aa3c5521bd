"""Is this machine fit for that configuration? What can be told without binding or changing anything.

`pyha check` shows these beside the problems of the files, `pyha run` and a reload refuse the fatal ones.
"""

import fcntl
import os
import socket
import struct
from collections.abc import Iterator, Mapping

from pyha.config.model import Config
from pyha.config.origin import Loc, Origin, Problem, locate
from pyha.runtime import limits
from pyha.runtime.tls_problems import tls_problems

_OWNER = 255
_SIOCGIFADDR = 0x8915
_CAP_NET_ADMIN, _CAP_NET_RAW = 12, 13  # linux/capability.h


def problems(config: Config, origins: Mapping[Loc, Origin]) -> list[Problem]:
    """Everything about files and interfaces that would stand in the way, at the lines that ask for it."""
    found = [Problem(locate(origins, loc), message) for loc, message in tls_problems(config)]
    found += [
        Problem(locate(origins, loc), message, "its virtual router waits in FAULT until it appears", fatal=False)
        for loc, message in _missing_interfaces(config)
    ]
    found += [
        Problem(locate(origins, loc), message, "a virtual address moves between the routers; give the interface one of "
                "its own, or let this router be the owner (priority 255)", fatal=False)
        for loc, message in _own_addresses(config)
    ]
    needed, possible = limits.files_needed(config), limits.files_possible()
    if needed > possible and not _capable(24):  # CAP_SYS_RESOURCE
        found.append(Problem(
            locate(origins, ("settings", "maxconn")),
            f"maxconn {config.settings.maxconn} needs {needed} open files, but {possible} are permitted",
            "raise the limit (ulimit -n, LimitNOFILE=) or lower maxconn", fatal=False,
        ))
    return found


def missing_privileges(config: Config) -> str | None:
    """What this user may not do although the configuration asks for it, in one sentence."""
    if config.vrrp.routers and not (_capable(_CAP_NET_ADMIN) and _capable(_CAP_NET_RAW)):
        return ("VRRP needs the privileges to send raw packets and to change addresses; "
                "run as root, or with the capabilities CAP_NET_ADMIN and CAP_NET_RAW")
    return None


def _missing_interfaces(config: Config) -> Iterator[tuple[Loc, str]]:
    present = {name for _, name in socket.if_nameindex()}
    for index, router in enumerate(config.vrrp.routers):
        if router.interface not in present:
            yield ("vrrp", "routers", index, "interface"), \
                f"virtual router '{router.name}': there is no interface '{router.interface}' on this machine"


def _own_addresses(config: Config) -> Iterator[tuple[Loc, str]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for index, router in enumerate(config.vrrp.routers):
            own = _first_address(sock, router.interface)
            for number, address in enumerate(router.addresses):
                if str(address.interface.ip) == own and router.priority != _OWNER:
                    yield ("vrrp", "routers", index, "addresses", number), \
                        f"virtual router '{router.name}': {own} is the own address of {router.interface}"


def _first_address(sock: socket.socket, interface: str) -> str:
    """The primary IPv4 address of an interface; empty when there is none (netdevice(7))."""
    try:
        answer = fcntl.ioctl(sock, _SIOCGIFADDR, struct.pack("256s", interface.encode()[:15]))
    except OSError:
        return ""
    return socket.inet_ntoa(answer[20:24])


def _capable(capability: int) -> bool:
    """Whether this process has the capability in effect (capabilities(7))."""
    try:
        with open("/proc/self/status", encoding="ascii") as file:  # noqa: PTH123 - read line by line
            for line in file:
                if line.startswith("CapEff:"):
                    return bool(int(line.split()[1], 16) >> capability & 1)
    except OSError:
        pass
    return os.geteuid() == 0
