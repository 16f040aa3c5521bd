"""The words of the `global` section (HAProxy's manual, section 3), one registry for each treatment."""

from typing import Final

from .loglines import log
from .statement import (
    Handler,
    Section,
    Statement,
    accepted,
    choice,
    duration,
    no_more,
    number,
    sets_duration,
    sets_number,
    sets_word,
)
from .stats_socket import stats_socket, unix_bind

_MOST_THREADS = 64


def _nbthread(section: Section, statement: Statement) -> None:
    value = number(section, statement, statement.arg(0), 1, 4096)
    if value is None or not no_more(section, statement, 1):
        return
    if value > _MOST_THREADS:
        section.warn(statement, f"'nbthread {value}': pyha starts at most {_MOST_THREADS} workers")
    section.put("nbthread", min(value, _MOST_THREADS), statement.origin)


def _external_check(section: Section, statement: Statement) -> None:
    """`external-check [preserve-env]`: whether checks may run programs; our environment stays here in any case."""
    if statement.args == ("preserve-env",) or no_more(section, statement, 0):
        section.put("external_check", True, statement.origin)


def _spread_checks(section: Section, statement: Statement) -> None:
    value = number(section, statement, statement.arg(0), 0, 50)
    if value is not None and no_more(section, statement, 1):
        section.put("spread_checks", value, statement.origin)


def _verify(section: Section, statement: Statement) -> None:
    value = choice(section, statement, statement.arg(0), ("none", "required"))
    if value is not None and no_more(section, statement, 1):
        section.put("server_verify", value, statement.origin)


def _directory(key: str) -> Handler:
    return sets_word(key, "a directory")


def _description(section: Section, statement: Statement) -> None:
    section.put("description", " ".join(statement.args), statement.origin)


def _send_hostname(section: Section, statement: Statement) -> None:
    """Without argument the name of the machine is sent, which is what an empty string stands for here."""
    if no_more(section, statement, 1):
        section.put("log_send_hostname", statement.arg(0), statement.origin)


def _stats_timeout(section: Section, statement: Statement) -> None:
    value = duration(section, statement, statement.arg(0), low=1)
    if value is not None and no_more(section, statement, 1):
        section.put("stats_timeout", value, statement.origin)


def _default_path(section: Section, statement: Statement) -> None:
    path = choice(section, statement, statement.arg(0), ("current", "config", "parent", "origin"))
    if path not in (None, "current"):
        section.error(statement, f"'default-path {path}' is not supported: relative file names start at the directory "
                      "that pyha runs in", "write absolute file names")


def _nbproc(section: Section, statement: Statement) -> None:
    """HAProxy 2.5 and later refuse it; older ones started that many processes, and one was the default."""
    if number(section, statement, statement.arg(0), 1) is not None:
        section.ignore("nbproc", statement.origin, "HAProxy dropped it in 2.5; 'nbthread' says how many workers there "
                       "are")


KEYWORDS: Final[dict[str, Handler]] = {
    "ca-base": _directory("ca_base"),
    "chroot": _directory("chroot"),
    "crt-base": _directory("crt_base"),
    "daemon": accepted,
    "default-path": _default_path,
    "description": _description,
    "gid": sets_word("group", "a number"),
    "group": sets_word("group", "the name of a group"),
    "hard-stop-after": sets_duration("hard_stop_after"),
    "log": log,
    "log-send-hostname": _send_hostname,
    "log-tag": sets_word("log_tag", "a tag"),
    "master-worker": accepted,
    "maxconn": sets_number("maxconn", 1),
    "nbproc": _nbproc,
    "nbthread": _nbthread,
    "node": sets_word("node", "a name"),
    "pidfile": sets_word("pidfile", "a file name"),
    "external-check": _external_check,
    "spread-checks": _spread_checks,
    "ssl-server-verify": _verify,
    "stats socket": stats_socket,
    "stats timeout": _stats_timeout,
    "uid": sets_word("user", "a number"),
    "unix-bind": unix_bind,
    "user": sets_word("user", "the name of a user"),
}
"""Translated, or fulfilled without being told."""

ENVIRONMENT: Final = ("setenv", "presetenv", "unsetenv", "resetenv")
"""They change what `${NAME}` means on the lines after them; the reader obeys them itself."""

_TLS = "TLS passes through untouched, and checks use the defaults of the system's OpenSSL"
_LIMITS = "limits are computed from what the system allows"
_TUNING = "pyha has no use for this tuning"
_WORKERS = "workers are spread over the CPUs by the kernel; 'nbthread' says how many there are"
_RATES = "no rate of connections is limited"
_STATE = "pyha keeps the states of servers when it reloads"
_HTTP = "traffic is relayed as TCP, and nothing looks into HTTP"
_LUA = "Lua is not run; rules that call it are refused where they stand"
_CHECKS = "programs of 'external-check' may start others and change their user as the kernel allows"
_DEVICES = "no device is detected"
_POLLER = "pyha uses epoll"
_RULES = "variables are read by rules only, and those are refused where they stand"

IGNORED: Final[dict[str, str]] = {
    "anonkey": "it concerns the anonymised dump of haproxy", "cluster-secret": _HTTP,
    "close-spread-time": "a soft stop closes no idle connection early",
    "grace": "a soft stop closes the listeners at once",
    "debug": "use the options of the command line", "quiet": "use the options of the command line",
    "expose-experimental-directives": _TUNING, "zero-warning": "use 'pyha check --strict'",
    "localpeer": "there are no peers",
    "max-spread-checks": "checks are spread by 'spread-checks' alone",
    "mworker-max-reloads": "a reload replaces no process", "no-memory-trimming": _TUNING,
    "pp2-never-send-local": "checks with version 2 begin with LOCAL all the same", "set-dumpable": _TUNING,
    "stats bind-process": _WORKERS, "stats maxconn": _TUNING,
} | dict.fromkeys((
      "ulimit-n", "fd-hard-limit", "strict-limits", "maxpipes", "maxcompcpuusage", "maxzlibmem"), _LIMITS) \
  | dict.fromkeys(("maxconnrate", "maxsessrate", "maxsslrate", "maxcomprate", "maxsslconn"), _RATES) \
  | dict.fromkeys(("cpu-map", "numa-cpu-mapping", "thread-group", "thread-groups", "thread-hard-limit"), _WORKERS) \
  | dict.fromkeys(("server-state-base", "server-state-file"), _STATE) \
  | dict.fromkeys(("insecure-fork-wanted", "insecure-setuid-wanted"), _CHECKS) \
  | dict.fromkeys(("lua-load", "lua-load-per-thread", "lua-prepend-path"), _LUA) \
  | dict.fromkeys(("set-var", "set-var-fmt"), _RULES) \
  | dict.fromkeys(("noepoll", "nokqueue", "noevports", "nopoll", "busy-polling"), _POLLER) \
  | dict.fromkeys(("nosplice", "nogetaddrinfo", "noreuseport", "prealloc-fd", "profiling.tasks"), _TUNING) \
  | dict.fromkeys((
      "h1-accept-payload-with-any-method", "h1-case-adjust", "h1-case-adjust-file", "httpclient.resolvers.disabled",
      "httpclient.resolvers.id", "httpclient.resolvers.prefer", "httpclient.ssl.ca-file", "httpclient.ssl.verify",
      "httpclient.retries", "httpclient.timeout.connect", "unsafe-h1"), _HTTP) \
  | dict.fromkeys((
      "issuers-chain-path", "ssl-default-bind-ciphers", "ssl-default-bind-ciphersuites", "ssl-default-bind-curves",
      "ssl-default-bind-options", "ssl-default-server-ciphers", "ssl-default-server-ciphersuites",
      "ssl-default-server-curves", "ssl-default-server-options", "ssl-default-bind-client-sigalgs",
      "ssl-default-bind-sigalgs", "ssl-dh-param-file", "ssl-engine", "ssl-load-extra-del-ext", "ssl-load-extra-files",
      "ssl-mode-async", "ssl-propquery", "ssl-provider", "ssl-provider-path", "ssl-security-level",
      "ssl-skip-self-issued-ca"), _TLS) \
  | dict.fromkeys((
      "51degrees-cache-size", "51degrees-data-file", "51degrees-property-name-list", "51degrees-property-separator",
      "deviceatlas-json-file", "deviceatlas-log-level", "deviceatlas-properties-cookie", "deviceatlas-separator",
      "wurfl-cache-size", "wurfl-data-file", "wurfl-information-list", "wurfl-information-list-separator",
      "wurfl-patch-file"), _DEVICES) \
  | dict.fromkeys((  # words of later versions, which files for 2.8 and 3.x have
      "cpu-policy", "cpu-set", "dns-accept-family", "expose-deprecated-directives", "force-cfg-parser-pause",
      "h2-workaround-bogus-websocket-clients", "harden.reject-privileged-ports.quic",
      "harden.reject-privileged-ports.tcp", "limited-quic", "no-quic", "setcap", "stats-file",
      "warn-blocked-traffic-after"), _TUNING) \
  | dict.fromkeys(("key-base", "ssl-default-server-client-sigalgs", "ssl-default-server-sigalgs"), _TLS)
"""Accepted without effect, with the reason."""

TUNING: Final[frozenset[str]] = frozenset(f"tune.{word}" for word in (
    "buffers.limit", "buffers.reserve", "bufsize", "bufsize.small", "chksize", "comp.maxlevel", "disable-fast-forward",
    "disable-zero-copy-forwarding", "events.max-events-at-once", "fail-alloc", "fd.edge-triggered",
    "glitches.kill.cpu-usage", "h1.zero-copy-fwd-recv", "h1.zero-copy-fwd-send", "h2.be.glitches-threshold",
    "h2.be.initial-window-size", "h2.be.max-concurrent-streams", "h2.fe.glitches-threshold",
    "h2.fe.initial-window-size", "h2.fe.max-concurrent-streams", "h2.fe.max-total-streams", "h2.header-table-size",
    "h2.initial-window-size", "h2.max-concurrent-streams", "h2.max-frame-size", "h2.zero-copy-fwd-send",
    "http.cookielen", "http.logurilen", "http.maxhdr", "idle-pool.shared", "idletimer", "listener.default-shards",
    "listener.multi-queue", "lua.bool-sample-conversion", "lua.burst-timeout", "lua.forced-yield", "lua.log.loggers",
    "lua.log.stderr", "lua.maxmem", "lua.service-timeout", "lua.session-timeout", "lua.task-timeout",
    "max-checks-per-thread", "maxaccept", "maxpollevents", "maxrewrite", "memory.hot-size", "pattern.cache-size",
    "peers.max-updates-at-once", "pipesize", "pool-high-fd-ratio", "pool-low-fd-ratio", "pt.zero-copy-forwarding",
    "quic.conn-buf-limit", "quic.frontend.conn-tx-buffers.limit", "quic.frontend.max-idle-timeout",
    "quic.frontend.max-streams-bidi", "quic.max-frame-loss", "quic.retry-threshold", "quic.socket-owner",
    "quic.zero-copy-fwd-send", "rcvbuf.backend", "rcvbuf.client", "rcvbuf.frontend", "rcvbuf.server",
    "recv_enough", "ring.queues", "runqueue-depth", "sched.low-latency", "sndbuf.backend", "sndbuf.client",
    "sndbuf.frontend", "sndbuf.server", "ssl.cachesize", "ssl.capture-buffer-size", "ssl.capture-cipherlist-size",
    "ssl.default-dh-param", "ssl.force-private-cache", "ssl.hard-maxrecord", "ssl.keylog", "ssl.lifetime",
    "ssl.maxrecord", "ssl.ocsp-update.maxdelay", "ssl.ocsp-update.mindelay", "ssl.ssl-ctx-cache-size",
    "stick-counters", "vars.check-max-size", "vars.global-max-size", "vars.proc-max-size", "vars.reqres-max-size",
    "vars.sess-max-size", "vars.txn-max-size", "zlib.memlevel", "zlib.windowsize"))
"""Sizes of buffers, caches and queues that pyha does not have; accepted without effect."""

TUNING_REASON: Final = "pyha has no buffers, caches and queues of these kinds"

NEGATABLE: Final = frozenset({"log", "busy-polling", "set-dumpable", "strict-limits", "insecure-fork-wanted",
                              "numa-cpu-mapping"})
"""The words that `no` may precede here."""

PREFIXES: Final = frozenset({"stats"})
"""First words that need a second one."""

KNOWN: Final = (*KEYWORDS, *ENVIRONMENT, *IGNORED, *sorted(TUNING))
