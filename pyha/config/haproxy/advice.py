"""What an operator should know about a proxy that is not wrong as such: missing timeouts, no servers, no checks."""

from collections.abc import Mapping
from typing import Any

from .statement import Section
from .targets import MODE_HINT, Target

_LOGGING = ("tcplog", "custom")


def about_frontend(section: Section, target: Target, backend: Section | None) -> None:
    """Warnings about a `frontend`, or the client's side of a `listen`."""
    draft = section.draft
    if not section.binds and not section.get("bind seen"):
        listen = section.kind == "listen"
        hint = "declare it as a 'backend' if this was intended" if listen else "add 'bind ADDRESS:PORT'"
        draft.warn(section.origin, f"{section.describe()} has no 'bind' line, so nobody can connect to it", hint)
    if target.page is not None:
        return
    if target.backend is None:
        if not section.get("use_backend") and not section.get("use_backend_broken"):
            draft.warn(section.origin, f"{section.describe()} has no default_backend, so it closes every connection",
                       "add 'default_backend NAME'")
    elif section.is_http():
        _http_relayed(section)
    elif backend is not None and backend is not section and backend.is_http():
        _http_relayed(backend)
    _timeouts(section, ("client",))
    if section.get("log_format") in _LOGGING and not section.get("log_targets"):
        draft.warn(section.where["log_format"], f"the log format is not used for {section.describe()}, since it has no "
                   "'log' line", "add 'log global' and a 'log' line to the global section")


def _http_relayed(section: Section) -> None:
    where = section.where.get("mode", section.origin)
    section.draft.warn(where, f"'mode http' of {section.describe()}: connections are relayed as TCP; all requests of a "
                       "connection go to one server, and no request is looked into", MODE_HINT, ignored=True)


def about_backend(section: Section, *, used: bool) -> None:
    """Warnings about a `backend`, or the servers' side of a `listen`."""
    if not section.servers:
        if used and not section.get("server seen"):
            section.draft.warn(section.origin, f"{section.describe()} has no server, so every connection to it is "
                               "closed",
                               "add 'server NAME ADDRESS:PORT check' lines")
        return
    _timeouts(section, ("connect", "server"))
    running = [server for server in section.servers if not server.data["options"].get("disabled")]
    if running and not any(_watched(server.data["options"]) for server in running):
        section.draft.warn(section.origin, f"no server of {section.describe()} is checked, so a dead one keeps "
                           "getting its share of the connections", "add 'check' to the 'server' lines")


def _watched(options: Mapping[str, Any]) -> bool:
    return any(options.get(word) for word in ("check", "agent", "track"))


def _timeouts(section: Section, names: tuple[str, ...]) -> None:
    missing = [name for name in names if not {f"timeout_{name}", f"timeout_{name} broken"} & section.values.keys()]
    if missing:
        listed = " and ".join(f"'timeout {name}'" for name in missing)
        section.draft.warn(section.origin, f"missing timeouts for {section.describe()}: {listed}; connections whose "
                           "other side is gone would stay for ever", "add them to the 'defaults' section")
