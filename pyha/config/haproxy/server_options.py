"""The options of `server` and `default-server` (HAProxy's manual, section 5.2), one registry for each treatment."""

from collections.abc import Callable
from typing import Any

from .address import AddressError, parse
from .statement import Section, Statement, choice, duration, number

Reader = Callable[[Section, Statement, dict[str, Any], str], None]

_PORT = 65535
_WEIGHT = 256

SERVER_FIELDS = frozenset({"weight", "backup", "disabled", "maxconn", "minconn", "maxqueue", "slowstart",
                           "on_marked_down", "on_marked_up", "init_addr", "track", "tcp_ut"})
CHECK_FIELDS = frozenset({"check_inter", "check_fastinter", "check_downinter", "check_rise", "check_fall", "check_host",
                          "check_port", "check_send_proxy"})


def _count(word: str, key: str, low: int, high: int = 2**31 - 1) -> Reader:
    def reader(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
        value = number(section, statement, text, low, high, what=f"server ... {word}")
        if value is not None:
            collected[key] = value
    return reader


def _time(word: str, key: str, *, low: int) -> Reader:
    def reader(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
        value = duration(section, statement, text, low=low, what=f"server ... {word}")
        if value is not None:
            collected[key] = value
    return reader


def _one_of(word: str, key: str, choices: tuple[str, ...]) -> Reader:
    def reader(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
        value = choice(section, statement, text, choices, what=f"server ... {word}")
        if value is not None:
            collected[key] = value
    return reader


def _word(word: str, key: str, expected: str) -> Reader:
    def reader(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
        if text:
            collected[key] = text
        else:
            section.error(statement, f"'server ... {word}' expects {expected}")
    return reader


def _path(word: str, key: str, base: str) -> Reader:
    """A file name; the global `ca-base` or `crt-base` goes before a relative one, as it stands at that moment."""
    def reader(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
        directory = section.settings.get(base, "") if section.settings else ""
        if not text:
            section.error(statement, f"'server ... {word}' expects a file name")
        else:
            collected[key] = f"{directory.rstrip('/')}/{text}" if directory and not text.startswith("/") else text
    return reader


def _alpn(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
    names = tuple(name for name in text.split(",") if name)
    if names:
        collected["tls_alpn"] = names
    else:
        section.error(statement, "'server ... check-alpn' expects protocol names separated by commas")


def _addr(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
    try:
        address = parse(text) if text else None
    except AddressError as error:
        section.error(statement, f"'server ... addr': {error}", error.hint)
        return
    if address is None:
        section.error(statement, "'server ... addr' expects an IP address")
        return
    collected["check_host"] = address.host
    if address.first is not None and not address.offset:
        collected["check_port"] = address.first


def _init_addr(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
    methods = tuple(text.split(",")) if text else ()
    for method in methods or ("",):
        try:
            good = method in ("last", "libc", "none") or parse(method).family != 0
        except AddressError:
            good = False
        if not good:
            section.error(statement, f"'server ... init-addr': unknown method '{method}', expected 'last', 'libc', "
                          "'none' or an IP address, separated by commas")
            return
    collected["init_addr"] = methods


def _agent_addr(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
    try:
        address = parse(text) if text else None
    except AddressError as error:
        section.error(statement, f"'server ... agent-addr': {error}", error.hint)
        return
    if address is None:
        section.error(statement, "'server ... agent-addr' expects an address")
    else:
        collected["agent_host"] = address.host


def _observe(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
    layer = choice(section, statement, text, ("layer4", "layer7"), what="server ... observe")
    if layer is not None:
        collected["observe"] = True
    if layer == "layer7":
        section.ignore("server ... observe layer7", statement.origin,
                       "nothing looks into HTTP; what connections tell is observed, as by 'observe layer4'")


_ABOUT_TLS = ("ssl", "cert-cn", "ssl-cipher", "cert-sig", "cert-key")
_PROXY_V2_OPTIONS = (*_ABOUT_TLS, "authority", "crc32c", "unique-id")


def _proxy_v2_options(section: Section, statement: Statement, collected: dict[str, Any], text: str) -> None:
    for word in text.split(","):
        option = choice(section, statement, word, _PROXY_V2_OPTIONS, what="server ... proxy-v2-options")
        if option == "crc32c":
            collected["proxy_v2_crc32c"] = True
        elif option in _ABOUT_TLS:
            collected["proxy_v2_ssl"] = True
        elif option == "unique-id":
            section.error(statement, "'server ... proxy-v2-options unique-id' is not supported: connections are given "
                          "no unique ID", "remove it from the list")
        elif option == "authority":
            section.ignore("server ... proxy-v2-options authority", statement.origin,
                           "the name is that of a TLS connection that ends here, and none does")


VALUES: dict[str, Reader] = {
    "addr": _addr,
    "agent-addr": _agent_addr,
    "agent-inter": _time("agent-inter", "agent_inter", low=1),
    "agent-port": _count("agent-port", "agent_port", 1, _PORT),
    "agent-send": _word("agent-send", "agent_send", "what to say to the agent"),
    "ca-file": _path("ca-file", "tls_ca_file", "ca_base"),
    "check-alpn": _alpn,
    "check-sni": _word("check-sni", "tls_sni", "a host name"),
    "crt": _path("crt", "tls_crt", "crt_base"),
    "downinter": _time("downinter", "check_downinter", low=1),
    "error-limit": _count("error-limit", "observe_error_limit", 1),
    "fall": _count("fall", "check_fall", 1),
    "fastinter": _time("fastinter", "check_fastinter", low=1),
    "init-addr": _init_addr,
    "inter": _time("inter", "check_inter", low=1),
    "maxconn": _count("maxconn", "maxconn", 0),
    "maxqueue": _count("maxqueue", "maxqueue", 0),
    "minconn": _count("minconn", "minconn", 0),
    "observe": _observe,
    "on-error": _one_of("on-error", "observe_on_error", ("fastinter", "fail-check", "sudden-death", "mark-down")),
    "on-marked-down": _one_of("on-marked-down", "on_marked_down", ("shutdown-sessions",)),
    "on-marked-up": _one_of("on-marked-up", "on_marked_up", ("shutdown-backup-sessions",)),
    "port": _count("port", "check_port", 1, _PORT),
    "proxy-v2-options": _proxy_v2_options,
    "rise": _count("rise", "check_rise", 1),
    "slowstart": _time("slowstart", "slowstart", low=0),
    "tcp-ut": _time("tcp-ut", "tcp_ut", low=0),
    "track": _word("track", "track", "NAME or BACKEND/NAME of another server"),
    "verify": _one_of("verify", "tls_verify", ("none", "required")),
    "verifyhost": _word("verifyhost", "tls_verifyhost", "a host name"),
    "weight": _count("weight", "weight", 0, _WEIGHT),
}

_V2_TLS: dict[str, Any] = {"proxy_v2": True, "proxy_v2_ssl": True}
_NO_V2_TLS: dict[str, Any] = {"proxy_v2": False, "proxy_v2_ssl": False}
PROXY: dict[str, dict[str, Any]] = {
    "send-proxy": {"proxy_v1": True}, "no-send-proxy": {"proxy_v1": False},
    "send-proxy-v2": {"proxy_v2": True}, "no-send-proxy-v2": {"proxy_v2": False},
    "send-proxy-v2-ssl": _V2_TLS, "no-send-proxy-v2-ssl": _NO_V2_TLS,
    "send-proxy-v2-ssl-cn": _V2_TLS, "no-send-proxy-v2-ssl-cn": _NO_V2_TLS,
}

FLAGS: dict[str, dict[str, Any]] = {
    "agent-check": {"agent": True}, "no-agent-check": {"agent": False},
    "check-send-proxy": {"check_send_proxy": "v1"}, "no-check-send-proxy": {"check_send_proxy": "no"},
    "backup": {"backup": True}, "no-backup": {"backup": False},
    "check": {"check": True}, "no-check": {"check": False},
    "check-ssl": {"check_ssl": True}, "no-check-ssl": {"check_ssl": False},
    "disabled": {"disabled": True}, "enabled": {"disabled": False},
    # These switch off what is not switched on here anyway.
    "no-ssl": {}, "no-tfo": {},
    **PROXY,
}

_TLS_TUNING = "checks negotiate TLS with the defaults of the system's OpenSSL"
_NO_TLS = "traffic passes through untouched; for the check use 'check-sni' and 'check-alpn'"
_DNS = "names are looked up at start and every 30 s, with the resolver of the system"
_HTTP = "traffic is relayed as TCP, and nothing looks into HTTP"
_TUNING = "pyha has no use for this tuning"

IGNORED: dict[str, tuple[int, str]] = {
    "resolvers": (1, _DNS), "resolve-prefer": (1, _DNS), "resolve-net": (1, _DNS), "resolve-opts": (1, _DNS),
    "sni": (1, _NO_TLS), "alpn": (1, _NO_TLS), "npn": (1, _NO_TLS),
    "cookie": (1, _HTTP), "redir": (1, _HTTP), "max-reuse": (1, _HTTP), "pool-low-conn": (1, _HTTP),
    "pool-max-conn": (1, _HTTP), "pool-purge-delay": (1, _HTTP), "proto": (1, _HTTP), "check-proto": (1, _HTTP),
    "ws": (1, _HTTP),
    "id": (1, "servers are told apart by name"),
    "tfo": (0, "a server that does not answer would be taken for one that does"),
    "stick": (0, _TUNING), "non-stick": (0, _TUNING),
    "log-proto": (1, "it concerns log servers only"),
} | dict.fromkeys(("ciphers", "ciphersuites", "crl-file", "ssl-max-ver", "ssl-min-ver"), (1, _TLS_TUNING)) \
  | dict.fromkeys((
      "allow-0rtt", "force-sslv3", "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13", "no-ssl-reuse",
      "no-sslv3", "no-tls-tickets", "no-tlsv10", "no-tlsv11", "no-tlsv12", "no-tlsv13", "ssl-reuse", "tls-tickets"),
      (0, _TLS_TUNING))

_DIRECT = "servers are reached directly only"
_DIRECT_ADVICE = "give the server an address that this machine can reach"

REFUSED: dict[str, tuple[int, str, str]] = {
    "ssl": (0, "it would encrypt the traffic to the server, but pyha passes bytes through untouched",
            "use 'check-ssl' when only the check needs TLS"),
    "source": (1, "connections leave with the address that the kernel chooses", "use a route with 'src' instead"),
    "usesrc": (1, "connections leave with the address that the kernel chooses", "use a route with 'src' instead"),
    "socks4": (1, _DIRECT, _DIRECT_ADVICE), "check-via-socks4": (0, _DIRECT, _DIRECT_ADVICE),
    "namespace": (1, "pyha connects from its own network namespace only", "run one pyha in each namespace"),
}

KNOWN = (*VALUES, *FLAGS, *IGNORED, *REFUSED)


def arity(word: str | None) -> int:
    """How many values follow an option."""
    if word in VALUES:
        return 1
    return IGNORED[word][0] if word in IGNORED else REFUSED[word][0] if word in REFUSED else 0
