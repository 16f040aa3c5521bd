"""The configuration: one frozen model, whatever language it was written in.

Nothing after the translators knows that haproxy.cfg or keepalived.conf exist. Names are those of HAProxy's manual and
of RFC 9568. `None` for a timeout means none. Where a value came from is kept beside the model (`Loaded.origins`), not
in it, so that two models are equal when they mean the same.
"""

from typing import Annotated, Literal

from pydantic import Field

from pyha.units import Milliseconds

from .base import Duration, Frozen, Interval, Port, Positive
from .health_model import (
    Agent,
    Check,
    CheckConnect,
    CheckExpect,
    CheckRemark,
    CheckSend,
    CheckSendRaw,
    CheckStep,
    EmailAlert,
    HealthDialogue,
    Level,
    Mailer,
    Observe,
    Tls,
)
from .rules_model import BackendRules, Condition, FrontendRules, Table
from .vrrp_model import Vrrp

Weight = Annotated[int, Field(ge=0, le=256)]
Probes = Annotated[int, Field(ge=1, le=127)]


# -- logging -----------------------------------------------------------------------------------------------------------

class LogTarget(Frozen):
    """One `log` line (HAProxy's manual, section 3.1): where log messages go and in which shape."""

    kind: Literal["udp", "unix", "stdout", "stderr", "fd"]
    host: str = ""  # udp: the address
    port: Port = 514
    path: str = ""  # unix: the socket
    fd: int = 0
    format: Literal["local", "rfc3164", "rfc5424", "priority", "short", "timed", "iso", "raw"] = "local"
    facility: str = "local0"
    level: Level = "debug"  # messages less severe than this are dropped
    minlevel: Level = "emerg"  # messages more severe than this are sent as this
    length: Positive = 1024


class LogPolicy(Frozen):
    """What a proxy logs about its sessions (HAProxy's manual, section 8)."""

    targets: tuple[LogTarget, ...] = ()
    format: Literal["connect", "tcplog", "custom"] = "connect"
    custom: str = ""  # the `log-format` string when format is "custom"
    dontlognull: bool = False
    dontlog_normal: bool = False
    separate_errors: bool = False
    asap: bool = False


# -- balancing ---------------------------------------------------------------------------------------------------------


class Bind(Frozen):
    """One listening address (HAProxy's manual, section 5.1). `host` is an IP address; 0.0.0.0 and :: mean all."""

    host: str
    port: Port
    name: str = ""
    interface: str | None = None
    v6only: bool = True
    v4v6: bool = False
    transparent: bool = False
    accept_proxy: bool = False  # clients begin with a PROXY protocol header
    backlog: Positive | None = None
    mss: Annotated[int, Field(ge=88, le=32767)] | None = None  # what is announced to clients at most; Linux's limits
    tcp_ut: Duration | None = None  # how long sent bytes may stay without acknowledgement
    tfo: bool = False
    defer_accept: bool = False  # clients that say nothing are not there yet
    maxconn: Positive | None = None


class HttpService(Frozen):
    """What a listener in HTTP mode answers itself: the statistics page and the monitor URI."""

    monitor_uri: str = ""
    monitor_fail: tuple[tuple[str, int], ...] = ()  # 503 when a backend has fewer usable servers than the number
    monitor_when: tuple[Condition, ...] = ()  # and when one of these holds: they compare numbers of usable servers
    stats_uri: str = ""
    stats_realm: str = "HAProxy Statistics"
    stats_auth: tuple[str, ...] = ()  # "user:password"
    stats_refresh: Duration | None = None
    stats_hide_version: bool = False
    stats_admin: Literal["never", "always", "localhost"] = "never"
    stats_show_node: str = ""
    stats_show_desc: str = ""
    stats_show_legends: bool = False


class Frontend(Frozen):
    """Where clients connect. A `listen` section becomes a Frontend and a Backend of the same name."""

    name: str
    binds: tuple[Bind, ...] = ()
    default_backend: str | None = None
    maxconn: Positive | None = None
    timeout_client: Duration | None = None
    timeout_client_fin: Duration | None = None
    log: LogPolicy = LogPolicy()
    clitcpka: bool = False
    clitcpka_idle: Interval | None = None  # None for these three: as the system has it
    clitcpka_intvl: Interval | None = None
    clitcpka_cnt: Probes | None = None
    disabled: bool = False
    http: HttpService | None = None  # set: this listener answers itself and relays nothing
    rate_limit_sessions: Positive | None = None  # new sessions a second; more wait in the kernel's queue
    rules: FrontendRules = FrontendRules()

    def backends(self) -> tuple[str, ...]:
        """The names of all backends that it may lead to."""
        names = [rule.backend for rule in self.rules.backends]
        return tuple(dict.fromkeys(names if self.default_backend is None else [*names, self.default_backend]))


class Server(Frozen):
    """One server of a backend (HAProxy's manual, section 5.2). `host`: an IP address, or a name to resolve at start."""

    name: str
    host: str
    port: Port | None = None  # None: the port the client connected to
    port_offset: int = 0
    weight: Weight = 1
    backup: bool = False
    disabled: bool = False
    maxconn: Annotated[int, Field(ge=0)] = 0  # 0: unlimited
    minconn: Annotated[int, Field(ge=0)] = 0
    maxqueue: Annotated[int, Field(ge=0)] = 0
    slowstart: Duration | None = None
    check: Check | None = None
    on_marked_down: Literal["none", "shutdown-sessions"] = "none"
    on_marked_up: Literal["none", "shutdown-backup-sessions"] = "none"
    init_addr: tuple[str, ...] = ()
    agent: Agent | None = None
    track: str | None = None  # take the state from this server: NAME of the same backend, or BACKEND/NAME
    observe: Observe | None = None
    send_proxy: Literal["no", "v1", "v2"] = "no"  # what it is sent first: a PROXY protocol header
    tcp_ut: Duration | None = None
    proxy_v2_options: tuple[Literal["crc32c", "ssl"], ...] = ()


class Balance(Frozen):
    """`balance` and `hash-type`."""

    algorithm: Literal["roundrobin", "static-rr", "leastconn", "first", "source", "random"] = "roundrobin"
    hash_type: Literal["map-based", "consistent"] = "map-based"
    draws: Positive = 2  # random(n)


class Backend(Frozen):
    """A group of servers and how connections are spread over them."""

    name: str
    servers: tuple[Server, ...] = ()
    balance: Balance = Balance()
    health: HealthDialogue = HealthDialogue()
    retries: Annotated[int, Field(ge=0)] = 3
    redispatch: bool = False
    allbackups: bool = False
    fullconn: Positive | None = None
    timeout_connect: Duration | None = None
    timeout_server: Duration | None = None
    timeout_server_fin: Duration | None = None
    timeout_tunnel: Duration | None = None
    timeout_queue: Duration | None = None  # None: timeout_connect
    timeout_check: Duration | None = None
    srvtcpka: bool = False
    srvtcpka_idle: Interval | None = None
    srvtcpka_intvl: Interval | None = None
    srvtcpka_cnt: Probes | None = None
    log: LogPolicy = LogPolicy()  # a `listen` logs by its frontend; this one logs state changes of servers
    email_alert: EmailAlert | None = None
    disabled: bool = False
    rules: BackendRules = BackendRules()


class StatsSocket(Frozen):
    """`stats socket`: a runtime API socket."""

    path: str
    level: Literal["user", "operator", "admin"] = "operator"
    mode: int | None = None
    user: str | None = None
    group: str | None = None
    expose_fd: bool = False


class Global(Frozen):
    """Settings of the process as a whole (HAProxy's manual, section 3)."""

    maxconn: Positive | None = None
    nbthread: Annotated[int, Field(ge=1, le=64)] | None = None  # None: the number of CPUs, at most 4
    log: tuple[LogTarget, ...] = ()
    log_tag: str = "haproxy"
    log_send_hostname: str | None = None
    stats_sockets: tuple[StatsSocket, ...] = ()
    stats_timeout: Duration = Milliseconds(10_000)
    hard_stop_after: Duration | None = None
    spread_checks: Annotated[int, Field(ge=0, le=50)] = 0
    user: str | None = None
    group: str | None = None
    chroot: str | None = None
    pidfile: str | None = None
    node: str | None = None
    description: str | None = None
    kernel_path: Literal["auto", "on", "off"] = "auto"


class Config(Frozen):
    """Everything one pyha does. Durations are integers in the unit their type names."""

    settings: Global = Global()
    frontends: tuple[Frontend, ...] = ()
    backends: tuple[Backend, ...] = ()
    tables: tuple[Table, ...] = ()
    vrrp: Vrrp = Vrrp()

    def backend(self, name: str) -> Backend | None:
        """The backend of that name."""
        return next((backend for backend in self.backends if backend.name == name), None)


__all__ = [
    "Agent", "Backend", "Balance", "Bind", "Check", "CheckConnect", "CheckExpect", "CheckRemark", "CheckSend",
    "CheckSendRaw", "CheckStep", "Config", "EmailAlert", "Frontend", "Global", "HealthDialogue", "HttpService", "Level",
    "LogPolicy", "LogTarget", "Mailer", "Observe", "Server", "StatsSocket", "Tls", "Vrrp",
]
