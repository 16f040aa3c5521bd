"""The VRRP half of the configuration model. Names are RFC 9568's; keepalived's words stand where it adds to the RFC."""

from ipaddress import IPv4Address, IPv4Interface, IPv6Interface
from typing import Annotated, Literal

from pydantic import Field

from pyha.units import Centiseconds, Milliseconds

from .base import AdvertInterval, Duration, Frozen, Interval, IPAddress
from .vrrp_routes import Route, Rule

Weight = Annotated[int, Field(ge=-254, le=254)]
Hops = Annotated[int, Field(ge=0, le=255)]


class VirtualAddress(Frozen):
    """One address of `virtual_ipaddress`: `ADDR[/LEN] [dev IF] [scope S] [label L] [brd B]` (keepalived.conf(5))."""

    interface: IPv4Interface | IPv6Interface  # address and prefix length; a bare address is /32 or /128
    dev: str | None = None  # None: the interface of the virtual router
    label: str | None = Field(default=None, max_length=15)
    scope: Literal["global", "site", "link", "host", "nowhere"] = "global"
    broadcast: IPv4Address | Literal["+", "-"] | None = None
    peer: IPv4Interface | IPv6Interface | None = None
    no_track: bool = False  # when somebody removes it, it stays removed
    dad: bool = False  # IPv6: `-nodad`, which switches duplicate address detection on
    home: bool = False
    mngtmpaddr: bool = False
    noprefixroute: bool = False
    autojoin: bool = False
    preferred_lft: Annotated[int, Field(ge=0)] | Literal["forever"] | None = None  # seconds; None: the family's default
    use_vmac: bool = False
    track_groups: tuple[str, ...] = ()  # static addresses: `track_group`


class TrackedInterface(Frozen):
    """An interface whose failure matters. Weight 0: FAULT when it is down; else added or subtracted.

    `reverse` (here and below) turns the meaning round: the weight counts when the thing is down.
    """

    name: str
    weight: Weight = 0
    reverse: bool = False


class TrackedScript(Frozen):
    """A `vrrp_script` used by a virtual router; None: the script's own."""

    name: str
    weight: Weight | None = None
    reverse: bool | None = None


class TrackedProcess(Frozen):
    """A `vrrp_track_process` used by a virtual router; None: its own."""

    name: str
    weight: Weight | None = None
    reverse: bool | None = None


class TrackedFile(Frozen):
    """A `track_file` used by a virtual router; None: its own."""

    name: str
    weight: Weight | None = None
    reverse: bool | None = None


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
    reverse: bool = False


class ProcessCheck(Frozen):
    """`vrrp_track_process`: succeeds while at least `quorum` and at most `quorum_max` such processes run.

    `argv` is the name of the process, and its arguments when they matter. `match`: how arguments compare; None: they
    do not matter. `full_command`: compare with the command line instead of the process's name (/proc/PID/comm).
    `balancer`: the process is haproxy, so that this asks for our own balancer, as in `Script`.
    """

    name: str
    argv: tuple[str, ...]
    match: Literal["exact", "initial", "partial"] | None = None
    full_command: bool = False
    weight: Weight = 1
    reverse: bool = False
    quorum: Annotated[int, Field(ge=0)] = 1
    quorum_max: Annotated[int, Field(ge=0)] | None = None
    fork_delay: Duration = Milliseconds(0)  # before a new process counts
    terminate_delay: Duration = Milliseconds(0)  # before one that ended counts
    balancer: bool = False


class FileCheck(Frozen):
    """`track_file`: the number in a file, times the weight, is added to the priority. Weight 0: not 0 means FAULT."""

    name: str
    path: str
    weight: int = 1
    reverse: bool = False
    initial: int | None = None  # written at start when there is no such file; None: nothing is written
    overwrite: bool = False  # written at start in any case


class Authentication(Frozen):
    """VRRPv2 authentication (RFC 2338; RFC 3768 dropped it, the field did not). At most 8 bytes of password count."""

    kind: Literal["none", "PASS", "AH"] = "none"
    password: str = Field(default="", repr=False)


class Garp(Frozen):
    """When the virtual addresses are announced by gratuitous ARP or unsolicited NA (keepalived.conf(5), garp_*)."""

    repeat: Annotated[int, Field(ge=0)] = 5
    delay: Duration = Milliseconds(5000)  # before the second burst; 0: no second burst
    refresh: Duration = Milliseconds(60_000)  # 0: never again, as keepalived.conf has it unless told otherwise
    refresh_repeat: Annotated[int, Field(ge=1)] = 1
    lower_prio_repeat: Annotated[int, Field(ge=0)] = 5
    lower_prio_delay: Duration = Milliseconds(5000)
    interval: float = 0.0  # seconds between two gratuitous ARPs on an interface
    gna_interval: float = 0.0
    extra_interfaces: Duration = Milliseconds(0)  # `garp_extra_if`: announced again on other interfaces; 0: never
    extra_all: bool = False  # on all of them, not only on those with a virtual MAC


class GarpGroup(Frozen):
    """`garp_group`: interfaces whose announcements share one pace. None: the pace of `Garp`. Seconds."""

    interfaces: tuple[str, ...]
    interval: float | None = None
    gna_interval: float | None = None
    aggregate: bool = False  # the pace is that of all of them together


class Identity(Frozen):
    """Whom a script runs as, or who owns a FIFO."""

    user: str
    group: str | None = None  # None: the group of the user


class NotifyUser(Frozen):
    """Whom one of the scripts of `Notify` runs as; `script` is the name of its field there."""

    script: Literal["master", "backup", "fault", "stop", "any", "deleted", "rx_lower_pri"]
    user: str
    group: str | None = None


class Notify(Frozen):
    """Scripts run on a change of state, as argument lists. `any` gets TYPE NAME STATE PRIORITY appended."""

    master: tuple[str, ...] = ()
    backup: tuple[str, ...] = ()
    fault: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()
    any: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()
    rx_lower_pri: tuple[str, ...] = ()  # Active, and another router with a lower priority advertised
    users: tuple[NotifyUser, ...] = ()  # where it is not `Vrrp.script_user`
    says_deleted: bool = False  # `notify_deleted`: a removed virtual router is DELETED for `any`, not FAULT
    priority_changes: bool = False  # FIFOs are told about changes of the effective priority
    smtp: bool = False


class VirtualMac(Frozen):
    """`use_vmac` and `use_ipvlan`: the virtual addresses live on an interface of their own.

    RFC 9568 section 7.3: 00:00:5e:00:01:VRID for IPv4, 00:00:5e:00:02:VRID for IPv6; that is what `mac` None means.
    """

    kind: Literal["macvlan", "ipvlan"] = "macvlan"
    name: str | None = Field(default=None, max_length=15)  # None: vrrp.VRID or vrrp6.VRID
    mac: Annotated[str, Field(pattern=r"^([0-9a-f]{2}:){4,5}[0-9a-f]{2}$")] | None = None
    transmit_base: bool = False  # `vmac_xmit_base`: advertisements leave with the MAC of the interface below
    other_interfaces: bool = False  # `use_vmac_addr`: also for addresses on other interfaces
    address: IPv4Interface | IPv6Interface | None = None  # ipvlan
    mode: Literal["bridge", "private", "vepa"] | None = None  # ipvlan


class UnicastPeer(Frozen):
    """The limits of one of `unicast_peers`: its advertisements arrive with that many hops left."""

    address: IPAddress
    min_ttl: Hops = 0
    max_ttl: Hops = 255


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
    track_processes: tuple[TrackedProcess, ...] = ()
    track_files: tuple[TrackedFile, ...] = ()
    track_source: bool = False  # `track_src_ip`: FAULT while the source address is missing
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    vmac: VirtualMac | None = None
    accept: bool = True  # packets to the addresses are accepted although this is not the address owner
    unicast_ttl: Hops | None = None  # None: 255 for IPv4, 64 for IPv6, as keepalived
    unicast_limits: tuple[UnicastPeer, ...] = ()
    check_unicast_source: bool = False  # a source that is no peer is not heard
    fault_without_peers: bool = False  # `unicast_fault_no_peer`
    strict: bool = False
    lower_prio_advert: bool = True  # Active answers a lower priority with an advertisement; `lower_prio_no_advert`
    higher_prio_advert: bool = False  # `higher_prio_send_advert`: a last one before it yields
    owner_ignores_adverts: bool = False  # RFC 9568 section 7.1
    pseudo_header: bool = True  # the checksum of VRRPv3 over IPv4 covers it; `v3_checksum_as_v2` says no
    old_unicast_checksum: bool | None = None  # None: found out by listening; False: never
    promote_secondaries: bool = False
    without_addresses: bool = False  # `no_virtual_ipaddress`: notifications are all it is for
    receive_buffer: Annotated[int, Field(ge=0)] | None = None  # bytes


class SyncGroup(Frozen):
    """`vrrp_sync_group`: virtual routers that change state together."""

    name: str
    members: tuple[str, ...]
    track_scripts: tuple[TrackedScript, ...] = ()
    track_interfaces: tuple[TrackedInterface, ...] = ()
    track_processes: tuple[TrackedProcess, ...] = ()
    track_files: tuple[TrackedFile, ...] = ()
    notify: Notify = Notify()
    tracking_weight: bool = False  # `sync_group_tracking_weight`: the members' own weights count


class Fifo(Frozen):
    """`notify_fifo`, `vrrp_notify_fifo`: a named pipe that gets a line for every change of state."""

    path: str
    owner: Identity | None = None
    script: tuple[str, ...] = ()  # started with the path as its last argument, to read it
    script_user: Identity | None = None


class Smtp(Frozen):
    """Where alerts by mail go, and who sends them."""

    to: tuple[str, ...] = ()
    sender: str | None = None  # None: keepalived@HOSTNAME
    server: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    helo: str | None = None
    timeout: Duration = Milliseconds(30_000)
    faults: bool = True  # False: `no_email_faults`


class Hook(Frozen):
    """`startup_script`, `shutdown_script`: run once, before everything and after everything."""

    argv: tuple[str, ...]
    user: Identity | None = None
    timeout: Duration = Milliseconds(10_000)


class LinkDelay(Frozen):
    """`interface_up_down_delays`: how long an interface has to stay down (up) before it counts as down (up)."""

    name: str
    down: Duration
    up: Duration


class TrackGroup(Frozen):
    """`track_group`: virtual routers that go to FAULT when a static address, route or rule is lost."""

    name: str
    members: tuple[str, ...]


class Scheduling(Frozen):
    """How the vrrp process is scheduled; None: pyha chooses."""

    nice: Annotated[int, Field(ge=-20, le=19)] | None = None
    realtime: Annotated[int, Field(ge=1, le=99)] | None = None
    cpus: tuple[Annotated[int, Field(ge=0)], ...] = ()
    locked: bool | None = None  # memory: `vrrp_no_swap`


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
    delay_after_boot: Duration = Milliseconds(0)  # not before this long after the machine started
    process_checks: tuple[ProcessCheck, ...] = ()
    file_checks: tuple[FileCheck, ...] = ()
    static_addresses: tuple[VirtualAddress, ...] = ()
    static_routes: tuple[Route, ...] = ()
    static_rules: tuple[Rule, ...] = ()
    track_groups: tuple[TrackGroup, ...] = ()
    garp_groups: tuple[GarpGroup, ...] = ()
    link_delays: tuple[LinkDelay, ...] = ()
    fifo: Fifo | None = None  # for everything
    vrrp_fifo: Fifo | None = None
    fifo_on_reload: bool = False  # a reload writes all states again
    smtp: Smtp = Smtp()
    startup: Hook | None = None
    shutdown: Hook | None = None
    scheduling: Scheduling = Scheduling()
    log_unknown_vrids: bool = False
    # So long after a frozen or killed pyha last renewed them, the kernel takes virtual addresses off; 0: never.
    address_lease: Duration = Milliseconds(0)
    vmac_prefix: str = "vrrp"
    vmac_address_prefix: str | None = None  # None: vmac_prefix
