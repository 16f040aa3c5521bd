"""The kinds of health check, one file each: what to say to a server and what to expect from it."""

from collections.abc import Callable

from pyha.config.model import Check, HealthDialogue
from pyha.health.dialogue import Script

from . import apiserver, external, http, ldap, mysql, pgsql, redis, smtp, tcp, tls

PROBES: dict[str, Callable[[HealthDialogue, Check], Script]] = {
    "tcp": tcp.script,
    "http": http.script,
    "ssl-hello": tls.script,
    "mysql": mysql.script,
    "redis": redis.script,
    "smtp": smtp.script,
    "ldap": ldap.script,
    "pgsql": pgsql.script,
    "external": external.script,
    "apiserver": apiserver.script,
}
"""By `HealthDialogue.kind`. Each raises ValueError when a pattern of its steps cannot be read."""
