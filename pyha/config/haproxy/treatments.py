"""The words of the proxy sections that are not translated: without effect, refused, or long gone from HAProxy.

Each has its reason, which is what the operator reads. A word that changes what clients get is never ignored.
"""

from typing import Final

HTTP: Final = "traffic is relayed as TCP, and nothing looks into HTTP"
_TUNING = "pyha has no use for this tuning"
_ERROR_PAGES = "a connection that cannot be served is closed, without an error page"
_STATE = "pyha keeps the states of servers when it reloads"
_STICKINESS = "it makes exceptions from persistence by cookie, which does not exist in TCP"
_LOGGED = "it adds to the log lines of HTTP"

IGNORED: Final[dict[str, str]] = {
    "bind-process": "all workers serve all proxies",
    "hash-balance-factor": "it belongs to hash algorithms that pyha does not have",
    "http-check send-state": "servers are not told what is known about them",
    "id": "proxies are told apart by name",
    "log-tag": "all lines carry the 'log-tag' of the global section",
    "max-session-srv-conns": HTTP,
    "option socket-stats": "statistics are kept for the whole frontend",
    "unique-id-format": _LOGGED,
} | dict.fromkeys(("errorfile", "errorfiles", "errorloc", "errorloc302", "errorloc303", "http-error"), _ERROR_PAGES) \
  | dict.fromkeys(("load-server-state-from-file", "server-state-file-name"), _STATE) \
  | dict.fromkeys(("force-persist", "ignore-persist", "option persist"), _STICKINESS) \
  | dict.fromkeys((
      "option abortonclose", "option independent-streams", "option nolinger", "option tcp-smart-accept",
      "option tcp-smart-connect"), _TUNING) \
  | dict.fromkeys(("capture cookie", "capture request", "capture response", "declare capture"), _LOGGED) \
  | dict.fromkeys((
      "compression", "http-reuse", "max-keep-alive-queue",
      "option accept-invalid-http-request",
      "option accept-invalid-http-response", "option disable-h2-upgrade", "option h1-case-adjust-bogus-client",
      "option h1-case-adjust-bogus-server", "option http-buffer-request", "option http-ignore-probes",
      "option http-keep-alive", "option http-no-delay", "option http-pretend-keepalive",
      "option http-restrict-req-hdr-names", "option http-server-close", "option http-use-proxy-header",
      "option httpclose", "option idle-close-on-response", "option prefer-last-server", "retry-on",
      "timeout http-keep-alive", "timeout http-request", "timeout tarpit"), HTTP)
"""Accepted without effect."""

_DIALOGUE = "servers would be judged by something else than this check"
_TCP_CHECK = "write the exchange as 'option tcp-check' with 'tcp-check send' and 'tcp-check expect'"
_VARIABLE = "checks have no variables, and what is sent or expected later may depend on this one"
_VARIABLE_ADVICE = "write what it stands for where it is used"
_ELSEWHERE = "it sends clients to addresses that are not in the file"
_ELSEWHERE_ADVICE = "write the servers as 'server' lines"

REFUSED: Final[dict[str, tuple[str, str]]] = {
    "dispatch": (_ELSEWHERE, _ELSEWHERE_ADVICE),
    "filter": ("filters change or inspect the traffic, and pyha relays it untouched", "remove it"),
    "http-check set-var": (_VARIABLE, _VARIABLE_ADVICE), "http-check unset-var": (_VARIABLE, _VARIABLE_ADVICE),
    "tcp-check set-var": (_VARIABLE, _VARIABLE_ADVICE), "tcp-check unset-var": (_VARIABLE, _VARIABLE_ADVICE),
    "http-send-name-header": ("it writes into HTTP requests", "let the servers know their own names"),
    "option spop-check": (_DIALOGUE, _TCP_CHECK),
    "option transparent": (_ELSEWHERE, _ELSEWHERE_ADVICE),
    "persist rdp-cookie": ("clients would lose the server that their cookie names", "use 'balance source'"),
    "server-template": ("it makes servers out of DNS answers as they change",
                        "write one 'server' line for each address"),
    "source": ("connections leave with the address that the kernel chooses", "use a route with 'src' instead"),
    "stick store-response": ("the answers of servers are not looked into", "use 'balance source'"),
    "transparent": (_ELSEWHERE, _ELSEWHERE_ADVICE),
    "use-fcgi-app": ("FastCGI servers cannot be reached by relaying TCP", "keep this backend on a web server"),
}
"""Known, but not what pyha can do, and ignoring it would change what clients get: the reason, and what to do."""

REMOVED: Final[dict[str, str]] = {
    "appsession": "use 'balance source'",
    "block": "it was renamed to 'http-request deny'",
    "clitimeout": "use 'timeout client'",
    "contimeout": "use 'timeout connect'",
    "forceclose": "remove it",
    "grace": "write it in the global section",
    "option forceclose": "remove it",
    "option http-tunnel": "remove it",
    "option http-use-htx": "remove it",
    "option http_proxy": "remove it",
    "option tcpsplice": "remove it; the kernel relays where it can",
    "redisp": "use 'option redispatch'",
    "redispatch": "use 'option redispatch'",
    "reqadd": "use 'http-request add-header'", "reqallow": "use 'http-request allow'",
    "reqdel": "use 'http-request del-header'", "reqdeny": "use 'http-request deny'",
    "reqidel": "use 'http-request del-header'", "reqirep": "use 'http-request replace-header'",
    "reqrep": "use 'http-request replace-header'", "reqset": "use 'http-request set-header'",
    "reqtarpit": "use 'http-request tarpit'", "rspadd": "use 'http-response add-header'",
    "rspdel": "use 'http-response del-header'", "rspdeny": "use 'http-response deny'",
    "rspidel": "use 'http-response del-header'", "rspirep": "use 'http-response replace-header'",
    "rsprep": "use 'http-response replace-header'",
    "srvtimeout": "use 'timeout server'",
    "timeout clitimeout": "use 'timeout client'", "timeout contimeout": "use 'timeout connect'",
    "timeout srvtimeout": "use 'timeout server'",
}
"""Words of old versions, which HAProxy 2.6 refuses as well: what took their place."""
