"""Sections that pyha does not act on, and the words in them (HAProxy's manual, sections 3, 5.3 and 6)."""

from dataclasses import dataclass
from typing import Final

_COMMON_SERVER = ("bind", "default-bind", "default-server", "server", "table", "log", "enabled", "disabled", "shards")


@dataclass(frozen=True, slots=True)
class Other:
    """A section that is read over. With `advice` it is refused, else accepted with a warning for `reason`."""

    reason: str
    words: tuple[str, ...]
    advice: str = ""


OTHER_SECTIONS: Final[dict[str, Other]] = {
    "acme": Other("TLS passes through untouched", (
        "account-key", "acme-vars", "bits", "challenge", "contact", "curves", "directory", "keytype", "map")),
    "cache": Other("HTTP is not cached", (
        "max-age", "max-object-size", "max-secondary-entries", "process-vary", "total-max-size")),
    "crt-store": Other("TLS passes through untouched", ("crt-base", "key-base", "load")),
    "fcgi-app": Other("'use-fcgi-app' is refused where it stands", (
        "acl", "docroot", "index", "log-stderr", "no", "option get-values", "option keep-conn", "option max-reqs",
        "option mpxs-conns", "pass-header", "path-info", "set-param")),
    "http-errors": Other("a connection that cannot be served is closed, without an error page", ("errorfile",)),
    "log-forward": Other(
        "clients send their log lines here, and pyha does not forward log lines",
        ("backlog", "bind", "dgram-bind", "log", "maxconn", "option dont-parse-log", "option assume-rfc6587-ntf",
         "timeout client"),
        "let a syslog daemon do it"),
    "mailers": Other("", ("mailer", "timeout mail")),  # read by alerts.py
    "peers": Other("there are no stick-tables to share with other nodes", ("peer", *_COMMON_SERVER)),
    "program": Other("pyha starts no other programs; give it a service of its own", (
        "command", "group", "option start-on-reload", "no", "user")),
    "resolvers": Other("names are looked up at start and every 30 s, with the resolver of the system", (
        "accepted_payload_size", "hold", "nameserver", "parse-resolv-conf", "resolve_retries", "timeout resolve",
        "timeout retry")),
    "ring": Other("'log ring@...' is refused where it stands", (
        "backing-file", "description", "format", "maxlen", "server", "size", "timeout connect", "timeout server")),
    "traces": Other("it is for debugging haproxy", ("default-source", "trace")),
    "userlist": Other("users are asked for by rules only, and those are refused where they stand", ("group", "user")),
}
