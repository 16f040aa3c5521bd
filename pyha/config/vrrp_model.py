"""The VRRP half of the configuration model. Names are RFC 9568's; keepalived's words stand where it adds to the RFC."""

from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from typing import Annotated, Literal

from pydantic import Field

from pyha.units import Centiseconds, Milliseconds

from .base import AdvertInterval, Duration, Frozen, Interval, IPAddress

Weight = Annotated[int, Field(ge=-254, le=254)]


class VirtualAddress(Frozen):
    """One address of `virtual_ipaddress`: `ADDR[/LEN] [dev IF] [scope S] [label L] [brd B]` (keepalived.conf(5))."""

    interface: IPv4Interface | IPv6Interface  # address and prefix length; a bare address is /32 or /128
    dev: str | None = None  # None: the interface of the virtual router
    label: str | None = Field(default=None, max_length=15)
    scope: Literal["global", "site", "link", "host", "nowhere"] = "global"
    broadcast: IPv4Address | Literal["+", "-"] | None = None
    peer: IPv4Interface | IPv6Interface | None = None
    no_track: bool = False


class TrackedInterface(Frozen):
    """An interface whose failure matters. Weight 0: FAULT when it is down; else added or subtracted."""

    name: str
    weight: Weight = 0


class TrackedScript(Frozen):
    """A `vrrp_script` used by a virtual router; weight None: the script's own."""

    name: str
    weight: Weight | None = None


class Script(Frozen):
    """`vrrp_script`: a command that is run periodically; exit code 0 is a success. Never through a shell.

    `balancer`: the command asks whether haproxy is alive (`killall -0 haproxy`, `pidof haproxy` ...), which for pyha
    means "our own balancer works"; it is then answered without running anything, if this pyha has frontends.
    """

    name: str
    argv: tuple[str, ...]
    interval: Interval = Milliseconds(1000)
    timeout: Interval | None = None  # None: the interval
    rise: Annotated[int, Field(ge=1)] = 1
    fall: Annotated[int, Field(ge=1)] = 1
    weight: Weight = 0
    user: str | None = None
    group: str | None = None
    init_fail: bool = False
    balancer: bool = False


class Authentication(Frozen):
    """VRRPv2 authentication (RFC 2338; RFC 3768 dropped it, the field did not). At most 8 bytes of password count."""

    kind: Literal["none", "PASS"] = "none"
    password: str = Field(default="", repr=False)


class Garp(Frozen):
    """When the virtual addresses are announced by gratuitous ARP or unsolicited NA (keepalived.conf(5), garp_*)."""

    repeat: Annotated[int, Field(ge=0)] = 5
    delay: Duration = Milliseconds(5000)  # before the second burst; 0: no second burst
    refresh: Duration = Milliseconds(0)  # 0: never again
    refresh_repeat: Annotated[int, Field(ge=1)] = 1
    lower_prio_repeat: Annotated[int, Field(ge=0)] = 5
    lower_prio_delay: Duration = Milliseconds(5000)
    interval: float = 0.0  # seconds between two gratuitous ARPs on an interface
    gna_interval: float = 0.0


class Notify(Frozen):
    """Scripts run on a change of state, as argument lists. `any` gets TYPE NAME STATE PRIORITY appended."""

    master: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()
    fault: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    any: tuple[str, ...] = ()


class VirtualRouter(Frozen):
    """One `vrrp_instance`."""

    name: str
    interface: str
    vrid: Annotated[int, Field(ge=1, le=255)]
    version: Literal[2, 3] = 2
    initial_state: Literal["MASTER", "BACKUP"] = "BACKUP"
    priority: Annotated[int, Field(ge=1, le=255)] = 100
    advert_int: AdvertInterval = Centiseconds(100)
    preempt: bool = True
    preempt_delay: Duration = Milliseconds(0)
    addresses: tuple[VirtualAddress, ...] = ()
    excluded_addresses: tuple[VirtualAddress, ...] = ()  # held, but not named in advertisements
    authentication: Authentication = Authentication()
    source: IPAddress | None = None  # mcast_src_ip or unicast_src_ip; None: the interface's own
    unicast_peers: tuple[IPAddress, ...] = ()  # empty: multicast
    multicast_group: IPAddress | None = None  # None: 224.0.0.18
    track_interfaces: tuple[TrackedInterface, ...] = ()
    track_scripts: tuple[TrackedScript, ...] = ()
    track_primary: bool = True  # False: `dont_track_primary`
    garp: Garp = Garp()
    notify: Notify = Notify()
    skip_check_adv_addr: bool = False
    down_timer_adverts: Annotated[int, Field(ge=1, le=100)] = 3


class SyncGroup(Frozen):
    """`vrrp_sync_group`: virtual routers that change state together."""

    name: str
    members: tuple[str, ...]
    track_scripts: tuple[TrackedScript, ...] = ()
    track_interfaces: tuple[TrackedInterface, ...] = ()
    notify: Notify = Notify()


class Vrrp(Frozen):
    """Everything of keepalived.conf that is VRRP."""

    router_id: str | None = None
    routers: tuple[VirtualRouter, ...] = ()
    scripts: tuple[Script, ...] = ()
    groups: tuple[SyncGroup, ...] = ()
    script_user: str | None = None
    script_group: str | None = None
    script_security: bool = False
    startup_delay: Duration = Milliseconds(0)
