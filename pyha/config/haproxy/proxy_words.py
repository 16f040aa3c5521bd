"""The words of `defaults`, `frontend`, `listen` and `backend` that are translated (HAProxy's manual, section 4.2)."""

from typing import Final

from pyha.units import Milliseconds

from . import acl, alerts, balance, check_rules, checks, rules, stats_page, stick
from .bind import bind
from .logformat import log_format
from .loglines import log
from .server import default_server, server
from .statement import (
    Handler,
    Section,
    Statement,
    accepted,
    choice,
    duration,
    no_more,
    number,
    sets_flag,
    sets_number,
)


def _mode(section: Section, statement: Statement) -> None:
    if statement.arg(0) == "health":
        section.error(statement, "'mode health' does not exist any more", "use 'mode http' with 'monitor-uri'")
        return
    value = choice(section, statement, statement.arg(0), ("tcp", "http"))
    if value is not None and no_more(section, statement, 1):
        section.put("mode", value, statement.origin)


def _default_backend(section: Section, statement: Statement) -> None:
    if not statement.args:
        section.error(statement, "'default_backend' expects the name of a backend as argument")
    elif no_more(section, statement, 1):
        section.put("default_backend", statement.args[0], statement.origin)


def _redispatch(section: Section, statement: Statement) -> None:
    """`option redispatch [INTERVAL]`: the interval counts retries; another server is tried at the last one."""
    if statement.prefix:
        section.drop("redispatch")
        if statement.prefix == "no":
            section.put("redispatch", False, statement.origin)
        return
    interval = 1
    if statement.arg(0):
        value = number(section, statement, statement.arg(0), -(2**31), what="option redispatch")
        if value is None or not no_more(section, statement, 1):
            return
        interval = value
        if value not in (-1, 1):
            section.ignore("option redispatch INTERVAL", statement.origin, "another server is tried at the last retry")
    section.put("redispatch", interval != 0, statement.origin)


def _tcpka(section: Section, statement: Statement) -> None:
    if no_more(section, statement, 0):
        section.put("clitcpka", True, statement.origin)
        section.put("srvtcpka", True, statement.origin)


def _retries(section: Section, statement: Statement) -> None:
    value = number(section, statement, statement.arg(0), 0)
    if value is not None and no_more(section, statement, 1):
        section.put("retries", value, statement.origin)


def _timeout(key: str) -> Handler:
    """0 means none, as in HAProxy."""
    def handler(section: Section, statement: Statement) -> None:
        value = duration(section, statement, statement.arg(0))
        if value is None or not no_more(section, statement, 1):
            section.put(f"{key} broken", True, statement.origin)  # so that it is not called missing as well
            return
        if value == Milliseconds(0):
            section.drop(key)
        else:
            section.put(key, value, statement.origin)
    return handler


def _tcplog(section: Section, statement: Statement) -> None:
    if statement.args[:1] == ("clf",):
        section.error(statement, "'option tcplog clf' is not supported", "use 'option tcplog'")
        return
    if not no_more(section, statement, 0):
        return
    if section.kind == "backend":
        section.ignore("option tcplog", statement.origin, "backends do not log sessions, their frontends do")
        return
    section.put("log_format", "tcplog", statement.origin)


def _httplog(section: Section, statement: Statement) -> None:
    """HAProxy falls back to `option tcplog` in TCP mode, and so do we; nothing is logged about the statistics page."""
    if not no_more(section, statement, 1):
        return
    section.put("log_format", "tcplog", statement.origin)
    section.draft.warn(statement.origin, f"'{statement.keyword}': sessions are logged as with 'option tcplog', because "
                       "traffic is relayed as TCP", ignored=True)


def _disabled(section: Section, statement: Statement) -> None:
    if no_more(section, statement, 0):
        section.put("disabled", statement.keyword == "disabled", statement.origin)


def _keepalive_time(key: str) -> Handler:
    """A bare number counts seconds here."""
    def handler(section: Section, statement: Statement) -> None:
        text = statement.arg(0)
        value = duration(section, statement, f"{text}s" if text.isdigit() else text, low=1)
        if value is not None and no_more(section, statement, 1):
            section.put(key, value, statement.origin)
    return handler


KEYWORDS: Final[dict[str, Handler]] = {
    "acl": acl.declare,
    "backlog": sets_number("backlog", 1),
    "bind": bind,
    "clitcpka-cnt": sets_number("clitcpka_cnt", 1, 127),
    "clitcpka-idle": _keepalive_time("clitcpka_idle"),
    "clitcpka-intvl": _keepalive_time("clitcpka_intvl"),
    "default-server": default_server,
    "default_backend": _default_backend,
    "description": accepted,
    "disabled": _disabled,
    "enabled": _disabled,
    "error-log-format": log_format,
    "external-check command": checks.external_word("command"),
    "external-check path": checks.external_word("path"),
    "http-check comment": check_rules.comment,
    "http-check connect": checks.connect,
    "http-check disable-on-404": sets_flag("disable_on_404"),
    "http-check expect": check_rules.expect,
    "http-check send": checks.http_send,
    "log": log,
    "log-format": log_format,
    "log-format-sd": log_format,
    "maxconn": balance.full_number("maxconn"),
    "mode": _mode,
    "option allbackups": sets_flag("allbackups"),
    "option clitcpka": sets_flag("clitcpka"),
    "option contstats": accepted,
    "option dontlog-normal": sets_flag("dontlog_normal"),
    "option dontlognull": sets_flag("dontlognull"),
    "option external-check": checks.option_check("external"),
    "option httpchk": checks.option_httpchk,
    "option httplog": _httplog,
    "option httpslog": _httplog,
    "option ldap-check": checks.option_check("ldap"),
    "option log-health-checks": sets_flag("log_health_checks"),
    "option log-separate-errors": sets_flag("separate_errors"),
    "option logasap": sets_flag("asap"),
    "option mysql-check": checks.option_mysql,
    "option pgsql-check": checks.option_pgsql,
    "option redis-check": checks.option_check("redis"),
    "option redispatch": _redispatch,
    "option smtpchk": checks.option_smtp,
    "option splice-auto": accepted,
    "option splice-request": accepted,
    "option splice-response": accepted,
    "option srvtcpka": sets_flag("srvtcpka"),
    "option ssl-hello-chk": checks.option_check("ssl-hello"),
    "option tcp-check": checks.option_check("tcp"),
    "option tcpka": _tcpka,
    "option tcplog": _tcplog,
    "retries": _retries,
    "server": server,
    "srvtcpka-cnt": sets_number("srvtcpka_cnt", 1, 127),
    "srvtcpka-idle": _keepalive_time("srvtcpka_idle"),
    "srvtcpka-intvl": _keepalive_time("srvtcpka_intvl"),
    "tcp-check comment": check_rules.comment,
    "tcp-check connect": checks.connect,
    "tcp-check expect": check_rules.expect,
    "tcp-check send": check_rules.tcp_send,
    "tcp-check send-binary": check_rules.tcp_send,
    "tcp-check send-binary-lf": check_rules.tcp_send,
    "tcp-check send-lf": check_rules.tcp_send,
    "tcp-request connection": rules.tcp_rule,
    "tcp-request content": rules.tcp_rule,
    "tcp-request inspect-delay": rules.inspect_delay,
    "tcp-request session": rules.tcp_rule,
    "tcp-response content": rules.tcp_rule,
    "tcp-response inspect-delay": rules.inspect_delay,
    "use_backend": rules.use_backend,
} | {
    f"timeout {name}": _timeout(f"timeout_{name.replace('-', '_')}")
    for name in ("check", "client", "client-fin", "connect", "queue", "server", "server-fin", "tunnel")
} | alerts.KEYWORDS | balance.KEYWORDS | stats_page.KEYWORDS | stick.KEYWORDS
"""Translated, or fulfilled without being told."""
