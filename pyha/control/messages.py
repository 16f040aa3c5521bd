"""The messages between the supervisor and its children, all of them.

A child talks to the supervisor only. State is level, not edge: `Configure` carries everything that a child should be,
and is the first message of a new child and the only one of a reload. File descriptors travel beside a message
(SCM_RIGHTS) in the order that the message names them.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from pyha.config.base import Frozen
from pyha.config.model import Config

Role = Literal["vrrp", "monitor", "worker"]
ServerStatus = Literal["UP", "DOWN", "MAINT", "DRAIN", "NOLB"]


class CheckResult(Frozen):
    """The last health check of a server. `status` is HAProxy's word: L4OK, L4CON, L6RSP, L7OK, L7STS ..."""

    status: str
    code: int | None = None
    info: str = ""
    duration_ms: int = 0
    last: float = 0.0  # when, Unix time


class ServerState(Frozen):
    """What is known about one server. `health` counts as HAProxy does: 0 to rise+fall-1, usable from `rise` on."""

    backend: str
    server: str
    address: str  # host:port as resolved
    status: ServerStatus
    weight: int
    since: float  # of this status, Unix time
    check: CheckResult | None = None
    rise: int = 2
    fall: int = 3
    health: int = 0


class Listener(Frozen):
    """One listening socket that comes with a `Configure`: which bind of which frontend it is."""

    frontend: str
    bind: int  # index into Frontend.binds
    host: str
    port: int


class Configure(Frozen):
    """The whole desired state. Answered by Configured or Rejected.

    The socket of `listeners[i]` is the i-th file descriptor. A worker reconciles by (host, port, frontend):
    descriptors of addresses that it has already replace nothing and are closed. With `maps` the last three descriptors
    are those of the kernel path (`Relay.configure` takes them). `servers` are the last known states.
    """

    type: Literal["configure"] = "configure"
    generation: int
    config: Config
    index: int = 0  # which worker
    workers: int = 1  # how many there are
    listeners: tuple[Listener, ...] = ()
    servers: tuple[ServerState, ...] = ()
    kernel_path: Literal["auto", "on", "off"] = "auto"
    maps: bool = False


class Configured(Frozen):
    """The child now is what `Configure(generation)` said."""

    type: Literal["configured"] = "configured"
    generation: int


class Rejected(Frozen):
    """The child could not become that; it stays what it was. `reason` is a sentence for the operator."""

    type: Literal["rejected"] = "rejected"
    generation: int
    reason: str


class Stop(Frozen):
    """Stop in order: vrrp sends priority 0 and releases, workers drain their sessions for at most `grace` seconds."""

    type: Literal["stop"] = "stop"
    grace: float = 0.0


class ServerStates(Frozen):
    """monitor -> supervisor -> workers: the states that changed (or all of them after a Configure)."""

    type: Literal["server-states"] = "server-states"
    states: tuple[ServerState, ...]


class FrontendCounters(Frozen):
    """Cumulative since the worker started, except `sessions`, which is now."""

    name: str
    sessions: int = 0
    total: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    denied: int = 0
    failed: int = 0
    max_sessions: int = 0


class ServerCounters(Frozen):
    """Cumulative since the worker started, except `sessions` and `queued`, which are now."""

    backend: str
    server: str  # "" for connections that found no server
    sessions: int = 0
    queued: int = 0
    total: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    connect_failures: int = 0
    retries: int = 0
    redispatches: int = 0
    max_sessions: int = 0


class WorkerReport(Frozen):
    """worker -> supervisor, once a second when something changed."""

    type: Literal["worker-report"] = "worker-report"
    worker: int = 0  # Configure.index of the sender
    frontends: tuple[FrontendCounters, ...] = ()
    servers: tuple[ServerCounters, ...] = ()
    log_dropped: int = 0


class ServerSuspect(Frozen):
    """worker -> supervisor -> monitor: so many connections to a server failed in a row (`observe layer4`)."""

    type: Literal["server-suspect"] = "server-suspect"
    backend: str
    server: str
    errors: int


class TableChange(Frozen):
    """What one table counted since the last message, by key and counter, and which keys stick to which server."""

    table: str
    counts: tuple[tuple[int | str, str, int], ...] = ()
    stuck: tuple[tuple[int | str, str], ...] = ()


class TableChanges(Frozen):
    """worker -> supervisor -> the other workers, ten times a second when something changed.

    `fresh`: the sender has just begun, so that connections which a worker of that index had are gone.
    """

    type: Literal["table-changes"] = "table-changes"
    worker: int
    fresh: bool = False
    tables: tuple[TableChange, ...] = ()


class BalancerHealth(Frozen):
    """supervisor -> vrrp: workers accept and at least one server is up; or not, and why."""

    type: Literal["balancer-health"] = "balancer-health"
    healthy: bool
    reason: str = ""


class PeerReport(Frozen):
    """The Active router last heard, this node itself included."""

    address: str
    priority: int


class RouterReport(Frozen):
    """One virtual router for `pyha status`."""

    name: str
    interface: str
    vrid: int
    family: Literal["ipv4", "ipv6"]
    state: Literal["MASTER", "BACKUP", "FAULT", "INIT"]
    priority: int
    effective_priority: int
    addresses: tuple[str, ...]
    since: float  # Unix time
    reason: str
    master: PeerReport | None = None
    counters: Mapping[str, int] = Field(default_factory=dict)  # received, sent, one per reason of a rejected advert
    rejected: tuple[str, ...] = ()  # advertisements that were not heard, a sentence for each reason


class VrrpReport(Frozen):
    """vrrp -> supervisor, when something changed and once a second."""

    type: Literal["vrrp-report"] = "vrrp-report"
    routers: tuple[RouterReport, ...] = ()


class WillPacket(Frozen):
    """A ready-made priority-0 advertisement: IP payload, or with protocol 51 (AH) a whole packet."""

    interface: str
    source: str
    destination: str
    payload: str  # hexadecimal
    ttl: int = 255
    protocol: int = 112


class Will(Frozen):
    """vrrp -> supervisor: what to do at once if this vrrp process dies. Replaces the previous will as a whole.

    `packets` are sent first; `requests` are netlink messages (RTM_DELADDR, hexadecimal) to send to the kernel after.
    """

    type: Literal["will"] = "will"
    packets: tuple[WillPacket, ...] = ()
    requests: tuple[str, ...] = ()


Message = Annotated[
    Configure | Configured | Rejected | Stop | ServerStates | ServerSuspect | WorkerReport | BalancerHealth
    | TableChanges | VrrpReport | Will,
    Field(discriminator="type"),
]

MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)
"""Reads any message from its JSON."""
