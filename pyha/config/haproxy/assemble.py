"""Sections to the plain data of the model, with the line that each part came from."""

from collections.abc import Mapping
from typing import Any, Final

from pyha.config.draft import Draft
from pyha.config.origin import Loc, Origin, did_you_mean

from . import advice, alerts, balance, checks, decisions, rules, stats_page, stats_socket, stick
from .server import to_model
from .statement import Section
from .targets import Proxies, Target, target

_SETTINGS: Final = ("maxconn", "nbthread", "log_tag", "log_send_hostname", "stats_timeout", "hard_stop_after",
                    "spread_checks", "user", "group", "chroot", "pidfile", "node", "description")
_FRONTEND: Final = ("maxconn", "timeout_client", "timeout_client_fin", "clitcpka", "clitcpka_idle", "clitcpka_intvl",
                    "clitcpka_cnt", "rate_limit_sessions", "disabled")
_BACKEND: Final = ("retries", "redispatch", "allbackups", "fullconn", "timeout_connect", "timeout_server",
                   "timeout_server_fin", "timeout_tunnel", "timeout_queue", "timeout_check", "srvtcpka",
                   "srvtcpka_idle", "srvtcpka_intvl", "srvtcpka_cnt", "disabled")
_LOG: Final = ("dontlognull", "dontlog_normal", "separate_errors", "asap")


def assemble(draft: Draft, settings: Section, sections: list[Section]) -> None:
    """Fill `draft.data` and `draft.origins`, and report what only shows when everything is known."""
    _settings(draft, settings)
    proxies = Proxies.of(sections)
    frontends = list(proxies.frontends.values())
    targets = {section.name: target(section, proxies) for section in frontends}
    relayed = {name for found in targets.values() for name in (found.backend, *found.others) if name is not None}
    known = {"frontend": proxies.frontends, "backend": proxies.backends}
    for section in frontends:
        found = targets[section.name]
        backend = proxies.backends.get(found.backend or "")
        advice.about_frontend(section, found, backend)
        if section.binds or section.kind == "frontend":
            _frontend(draft, section, found, settings, known)
            _decisions(draft, "frontends", section, decisions.frontend_rules(section, known))
    pages = {found.page.name for found in targets.values() if found.page is not None}
    for section in proxies.backends.values():
        used = section.name in relayed
        if used or section.servers or not (section.is_http() or section.name in pages):
            advice.about_backend(section, used=used)
            _backend(draft, section, settings)
            _decisions(draft, "backends", section, decisions.backend_rules(section, known))
    tables = [data for section in sections if (data := stick.table(section)) is not None]
    if tables:
        draft.data["tables"] = tables
    for section in sections:
        own = targets[section.name] if section.kind != "backend" else Target()
        behind = section.kind != "frontend" and (section.name in relayed or bool(section.servers))
        relays = behind or own.backend is not None or bool(own.others)
        rules.judge_http_rules(section, relays=relays)
        if own.page is None and not (section.kind == "backend" and section.name in pages):
            _unused_page(section, relays=relays)
        _monitored(section, proxies)
        section.say_ignored()


# -- the parts ---------------------------------------------------------------------------------------------------------


def _settings(draft: Draft, settings: Section) -> None:
    data: dict[str, Any] = {key: settings.get(key) for key in _SETTINGS if key in settings.values}
    targets = settings.get("log_targets", ())
    if targets:
        data["log"] = [value for value, _ in targets]
    sockets = stats_socket.sockets(settings)
    if sockets:
        data["stats_sockets"] = sockets
    if not data:
        return
    draft.data["settings"] = data
    place: Loc = ("settings",)
    _mark(draft, place, settings, data, {"log": "log_targets"})
    for key, values in (("log", targets), ("stats_sockets", settings.get("stats_sockets", ()))):
        for index, (_, origin) in enumerate(values):
            draft.origins[*place, key, index] = origin


def _frontend(draft: Draft, section: Section, found: Target, settings: Section, known: decisions.Known) -> None:
    items: list[dict[str, Any]] = draft.data.setdefault("frontends", [])
    place: Loc = ("frontends", len(items))
    data: dict[str, Any] = {"name": section.name}
    data |= {key: section.get(key) for key in _FRONTEND if key in section.values}
    data["binds"] = [_bind(section, bind.data) for bind in section.binds]
    if found.page is not None:
        data["http"] = stats_page.service(section, found.page, settings)
        if when := decisions.monitor_conditions(section, known):
            data["http"]["monitor_when"] = when
    elif found.backend is not None:
        data["default_backend"] = found.backend
    log = _log_policy(section, settings)
    if log:
        data["log"] = log
    items.append(data)
    _mark(draft, place, section, data, {"log": "log_targets"})
    for index, bind in enumerate(section.binds):
        draft.origins[*place, "binds", index] = bind.origin


def _decisions(draft: Draft, kind: str, section: Section, data: dict[str, Any]) -> None:
    """Add its rules to the part that was added last."""
    if data:
        items = draft.data[kind]
        items[-1]["rules"] = data
        draft.origins[kind, len(items) - 1, "rules"] = section.origin


def _bind(section: Section, data: Mapping[str, Any]) -> dict[str, Any]:
    backlog = section.get("backlog")
    return ({"backlog": backlog} if backlog else {}) | dict(data)


def _backend(draft: Draft, section: Section, settings: Section) -> None:
    items: list[dict[str, Any]] = draft.data.setdefault("backends", [])
    place: Loc = ("backends", len(items))
    data: dict[str, Any] = {"name": section.name}
    data |= {key: section.get(key) for key in _BACKEND if key in section.values}
    spread = balance.settled(section)
    if spread:
        data["balance"] = spread
    health = checks.dialogue(section)
    if health != {"kind": "tcp", "steps": []} and health != {"kind": "tcp"}:
        data["health"] = health
    mail = alerts.settled(section, settings)
    if mail:
        data["email_alert"] = mail
    connects = [step for step in health.get("steps", ()) if step["action"] == "connect"]
    data["servers"] = [
        to_model(section, server, verify=settings.get("server_verify", "required"),
                 check_needs_tls=any(step.get("tls") for step in connects),
                 check_port=bool(connects) and all("port" in step for step in connects))
        for server in section.servers]
    log = _log_policy(section, settings)
    if log:
        data["log"] = log
    items.append(data)
    _mark(draft, place, section, data, {"log": "log_targets", "health": "check_option"})
    for index, server in enumerate(section.servers):
        draft.origins[*place, "servers", index] = server.origin


def _mark(draft: Draft, place: Loc, section: Section, data: Mapping[str, Any], names: Mapping[str, str]) -> None:
    """Note the line of the part and of every field in it that has a line of its own."""
    draft.origins[place] = section.origin
    for key in data:
        origin = section.where.get(names.get(key, key))
        if origin is not None:
            draft.origins[*place, key] = origin


def _log_policy(section: Section, settings: Section) -> dict[str, Any]:
    targets: list[dict[str, Any]] = []
    has_global = False
    for value, _ in section.get("log_targets", ()):
        if value == "global":
            if not has_global:
                targets += [item for item, _ in settings.get("log_targets", ())]
            has_global = True
        else:
            targets.append(value)
    if not targets:
        return {}
    data: dict[str, Any] = {"targets": targets} | {key: section.get(key) for key in _LOG if section.get(key)}
    if section.kind != "backend" and "log_format" in section.values:
        data["format"] = section.get("log_format")
        if data["format"] == "custom":
            data["custom"] = section.get("log_custom")
    return data


# -- what only shows at the end ----------------------------------------------------------------------------------------


def _unused_page(section: Section, *, relays: bool) -> None:
    """`stats` and `monitor-uri` where nothing is answered in HTTP: no effect in TCP mode, refused beside servers."""
    for key, word in (("stats_page", "stats"), ("monitor_uri", "monitor-uri")):
        if key not in section.values:
            continue
        origin: Origin = section.where[key]
        if key in section.inherited:
            section.draft.warn(origin, f"'{word}' has no effect for proxies that relay to servers", "give it a "
                               "'listen' section with 'mode http' and a 'bind' of its own", ignored=True)
        elif section.is_http() and relays:
            section.draft.error(origin, f"'{word}' is not supported in {section.describe()}, which relays to servers: "
                                "one listener either relays or answers",
                                "give it a 'listen' section with a 'bind' of its own")
        elif not section.is_http():
            section.draft.warn(origin, f"'{word}' is ignored for {section.describe()}, because it requires HTTP mode",
                               "write 'mode http'", ignored=True)


def _monitored(section: Section, proxies: Proxies) -> None:
    """`monitor fail` counts the servers of backends that must exist."""
    for (name, _), origin in section.get("monitor_fail", ()):
        if name not in proxies.backends:
            section.draft.error(origin, f"'monitor fail': there is no backend '{name}'",
                                did_you_mean(name, proxies.backends))
