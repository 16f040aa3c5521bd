"""Which word may stand in which section (HAProxy 2.6's manual, section 4.1), as one table.

D defaults, F frontend, L listen, B backend. A star: `no` and `default` may stand before the word.
"""

_TABLE = {
    "DFLB": (
        "acl, bind-process, compression, disabled, email-alert from, email-alert level, email-alert mailers, "
        "email-alert myhostname, email-alert to, enabled, errorfile, errorfiles, errorloc, errorloc302, errorloc303, "
        "http-after-response, http-error, http-request, http-response, log*, log-tag, mode, option forwardfor, "
        "option http-buffer-request*, option http-keep-alive*, option http-no-delay*, "
        "option http-restrict-req-hdr-names, option http-server-close*, option httpclose*, "
        "option independent-streams*, option nolinger*, option originalto, option splice-auto*, "
        "option splice-request*, option splice-response*, option tcpka, option tcplog, stats auth, stats enable, "
        "stats hide-version, stats realm, stats refresh, stats scope, stats show-desc, stats show-legends, "
        "stats show-node, stats uri, tcp-request content, tcp-request inspect-delay, timeout http-keep-alive, "
        "timeout http-request, timeout tarpit"),
    "DFL": (
        "backlog, clitcpka-cnt, clitcpka-idle, clitcpka-intvl, default_backend, error-log-format, log-format, "
        "log-format-sd, max-session-srv-conns, maxconn, monitor-uri, option accept-invalid-http-request*, "
        "option clitcpka*, option contstats*, option disable-h2-upgrade*, option dontlog-normal*, option dontlognull*, "
        "option h1-case-adjust-bogus-client*, option http-ignore-probes*, option http-use-proxy-header*, "
        "option httplog, option httpslog, option log-separate-errors*, option logasap*, option socket-stats*, "
        "option tcp-smart-accept*, option idle-close-on-response*, rate-limit sessions, tcp-request connection, "
        "tcp-request session, timeout client, timeout client-fin, unique-id-format, unique-id-header"),
    "DLB": (
        "balance, cookie, default-server, external-check command, external-check path, fullconn, hash-balance-factor, "
        "hash-type, http-check comment, http-check connect, http-check disable-on-404, http-check expect, "
        "http-check send, "
        "http-check send-state, http-check set-var, http-check unset-var, http-reuse, load-server-state-from-file, "
        "max-keep-alive-queue, option abortonclose*, option accept-invalid-http-response*, option allbackups*, "
        "option checkcache*, option external-check, option h1-case-adjust-bogus-server*, "
        "option http-pretend-keepalive*, option httpchk, option ldap-check, option log-health-checks*, "
        "option mysql-check, option persist*, option pgsql-check, option prefer-last-server*, option redis-check, "
        "option redispatch*, option smtpchk, option srvtcpka*, option ssl-hello-chk, option tcp-check, "
        "option tcp-smart-connect*, option transparent*, persist rdp-cookie, retries, retry-on, "
        "server-state-file-name, source, srvtcpka-cnt, srvtcpka-idle, srvtcpka-intvl, tcp-check comment, "
        "tcp-check connect, tcp-check expect, tcp-check send, tcp-check send-binary, tcp-check send-binary-lf, "
        "tcp-check send-lf, tcp-check set-var, tcp-check unset-var, tcp-response content, "
        "tcp-response inspect-delay, timeout check, timeout connect, timeout queue, timeout server, "
        "timeout server-fin, timeout tunnel, transparent"),
    "FL": (
        "bind, capture cookie, capture request, capture response, declare capture, monitor fail, use_backend"),
    "FLB": "description, filter, id, redirect, stats admin, stats http-request, stick-table",
    "LB": (
        "dispatch, force-persist, http-send-name-header, ignore-persist, option spop-check, server, server-template, "
        "stick match, stick on, stick store-request, stick store-response, use-fcgi-app, use-server"),
}

SECTIONS = {"D": "defaults", "F": "frontend", "L": "listen", "B": "backend"}

PLACES: dict[str, frozenset[str]] = {
    word.strip().rstrip("*"): frozenset(SECTIONS[letter] for letter in letters)
    for letters, words in _TABLE.items() for word in words.split(",")
}
"""The sections in which each word of the four proxy sections has a meaning."""

NEGATABLE = frozenset(word.strip().rstrip("*") for words in _TABLE.values() for word in words.split(",")
                      if word.strip().endswith("*"))
"""The words that `no` and `default` may precede."""

PREFIXES = frozenset(word.split()[0] for word in PLACES if " " in word)
"""First words that need a second one to say something: option, timeout, stats..."""
