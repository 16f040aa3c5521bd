"""The part of the configuration model that is about health: checks, agents, what connections tell, alerts by mail."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pyha.units import Milliseconds

from .base import Duration, Frozen, Interval, Port, Positive

Level = Literal["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"]


class Tls(Frozen):
    """How to speak TLS to a server. Files are paths as configured, ca-base already applied."""

    verify: Literal["none", "required"] = "required"
    ca_file: str | None = None
    crt: str | None = None  # client certificate and key in one PEM file
    sni: str | None = None
    verifyhost: str | None = None
    alpn: tuple[str, ...] = ()


class CheckConnect(Frozen):
    """`tcp-check connect` / `http-check connect`. `tls`: handshake even without check-ssl on the server line."""

    action: Literal["connect"] = "connect"
    default: bool = False  # use what the server line says (ssl, sni, alpn)
    tls: bool = False
    port: Port | None = None
    host: str | None = None
    sni: str | None = None
    alpn: tuple[str, ...] = ()
    send_proxy: bool = False  # begin with a PROXY protocol header
    comment: str = ""


class CheckSend(Frozen):
    """`http-check send`: one HTTP request."""

    action: Literal["send"] = "send"
    method: str = "OPTIONS"
    uri: str = "/"
    version: str = "HTTP/1.0"
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


class CheckSendRaw(Frozen):
    """`tcp-check send` / `send-binary`: bytes, as Latin-1 text."""

    action: Literal["send-raw"] = "send-raw"
    data: str
    comment: str = ""


class CheckRemark(Frozen):
    """`tcp-check comment`: does nothing, but counts as a step where messages number them."""

    action: Literal["comment"] = "comment"
    comment: str = ""


OkStatus = Literal["L7OK", "L7OKC", "L6OK", "L4OK"]
ErrorStatus = Literal["L7OKC", "L7RSP", "L7STS", "L6RSP", "L4CON"]
TimeoutStatus = Literal["L7TOUT", "L6TOUT", "L4TOUT"]
HeaderMatch = Literal["str", "beg", "end", "sub", "reg"]


class CheckExpect(Frozen):
    """`http-check expect` / `tcp-check expect`.

    `match`: status (`200`, `200-399`, several separated by commas), rstatus, string, rstring, binary, rbinary; hdr (one
    of the values of the header `name` matches) and fhdr (its whole line does), with the value in `pattern`, which is
    empty where the header need only be there.
    `on_success`, `on_error` and `status_code` may take parts of the answer: `%[res.payload(4,0),cut_crlf]`.
    """

    action: Literal["expect"] = "expect"
    match: Literal["status", "rstatus", "string", "rstring", "binary", "rbinary", "string-lf", "binary-lf", "hdr",
                   "fhdr"]
    pattern: str
    negate: bool = False
    name: str = ""
    name_match: HeaderMatch = "str"
    value_match: HeaderMatch = "str"
    min_recv: Annotated[int, Field(ge=0)] | None = None  # bytes; from then on a mismatch is final
    comment: str = ""
    ok_status: OkStatus | None = None
    error_status: ErrorStatus | None = None
    tout_status: TimeoutStatus | None = None
    on_success: str = ""
    on_error: str = ""
    status_code: str = ""


CheckStep = Annotated[
    CheckConnect | CheckSend | CheckSendRaw | CheckRemark | CheckExpect, Field(discriminator="action")
]


class HealthDialogue(Frozen):
    """How the servers of a backend are asked whether they are well (HAProxy's `option *chk` and its rules).

    No steps means the check's default: tcp connects; http sends `OPTIONS / HTTP/1.0` and expects 2xx or 3xx;
    ssl-hello sends a TLS ClientHello and expects a TLS record; mysql, redis, smtp, ldap and pgsql say hello in the
    protocol of that name; external runs a program; apiserver asks a Kubernetes API server for `uri`.
    """

    kind: Literal["tcp", "http", "ssl-hello", "mysql", "redis", "smtp", "ldap", "pgsql", "external",
                  "apiserver"] = "tcp"
    steps: tuple[CheckStep, ...] = ()
    log_health_checks: bool = False
    disable_on_404: bool = False
    user: str = ""  # mysql, pgsql: the name to log in with; mysql without one only reads the greeting
    mysql_protocol: Literal["post-41", "pre-41"] = "post-41"
    hello: str = "HELO localhost"  # smtp
    command: str = ""  # external: the program
    path: str = ""  # external: PATH in its environment
    uri: str = "/readyz"  # apiserver
    token_file: str | None = None  # apiserver: a bearer token, read anew for every check
    unauthorized: Literal["up", "down"] = "up"  # apiserver: what 401 and 403 mean
    keep_alive: bool = False  # http, apiserver: the connection of a check serves the next one

    @model_validator(mode="after")
    def _fits(self) -> "HealthDialogue":
        if self.keep_alive and self.kind not in ("http", "apiserver"):
            raise ValueError("keep_alive: only checks of kind http and apiserver can keep a connection")
        if self.kind == "external" and not self.command:
            raise ValueError("a check of kind external needs a command")
        return self


class Agent(Frozen):
    """`agent-check`: a program beside the server that says up, down, maint, drain, ready or a weight in percent."""

    host: str | None = None  # None: the server's
    port: Port
    inter: Interval = Milliseconds(2000)
    send: str = ""  # said to the agent first


class Observe(Frozen):
    """`observe layer4`: connections of clients that fail tell about a server, too."""

    error_limit: Positive = 10  # failures in a row, in one worker
    on_error: Literal["fastinter", "fail-check", "sudden-death", "mark-down"] = "fail-check"


class Check(Frozen):
    """When a server is checked and what its answers mean (HAProxy's manual, section 5.2). Durations in milliseconds."""

    inter: Interval = Milliseconds(2000)
    fastinter: Interval | None = None
    downinter: Interval | None = None
    rise: Positive = 2
    fall: Positive = 3
    host: str | None = None  # `addr`: check there instead
    port: Port | None = None
    tls: Tls | None = None  # `check-ssl` (or `ssl`): the check begins with a handshake
    # What an `http-check connect ssl` uses: `verify`, `ca-file` count even without check-ssl.
    tls_options: Tls = Tls()
    send_proxy: Literal["no", "v1", "v2"] = "no"  # `check-send-proxy`: the check begins with a PROXY protocol header


class Mailer(Frozen):
    """One mail server."""

    name: str
    host: str
    port: Port = 25


class EmailAlert(Frozen):
    """`email-alert`: state changes of servers go out by mail, through every one of the mailers."""

    mailers: tuple[Mailer, ...]
    sender: str
    to: str
    level: Level = "alert"  # changes less severe than this are not mailed
    myhostname: str | None = None
    timeout: Duration = Milliseconds(10_000)
