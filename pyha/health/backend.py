"""The servers of one backend together: how many are usable, and what is logged when one of them changes."""

from collections.abc import Callable, Iterable, Mapping

from pyha.config.model import Backend, Server

from .server import CheckLogged, Effect, ServerHealth, Status, StatusChanged
from .wording import Line, Remaining, Subject, agent_line, change_line, check_line, none_left_line

Load = Callable[[str, str], tuple[int, int]]
"""Sessions and queued connections of (backend, server), as far as anybody knows."""


def usable(server: Server, status: str) -> bool:
    """New connections may go there."""
    return status == "UP" and server.weight > 0


def standing(server: Server, machine: ServerHealth) -> Status:
    """The status of a server; without weight, whoever took it, it is one that gets no new connections."""
    return "DRAIN" if machine.status == "UP" and not machine.weight(server.weight) else machine.status


def count(backend: Backend, statuses: Mapping[str, str]) -> tuple[int, int]:
    """How many active and how many backup servers are usable."""
    active = backup = 0
    for server in backend.servers:
        if usable(server, statuses[server.name]):
            active, backup = (active, backup + 1) if server.backup else (active + 1, backup)
    return active, backup


def nbsrv(backend: Backend, statuses: Mapping[str, str]) -> int:
    """How many servers can serve, as HAProxy's `nbsrv` says: backups count when they are in charge."""
    active, backup = count(backend, statuses)
    return active or (backup if backend.allbackups else min(backup, 1))


def lines(backend: Backend, server: Server, effects: Iterable[Effect], machines: Mapping[str, ServerHealth],
          duration_ms: int, load: Load, *, listen: bool) -> list[Line]:
    """What to log about the effects of one server's machine, right after they were returned."""
    subject = Subject(backend.name, server.name, server.backup, machines[server.name].weight(server.weight))
    result: list[Line] = []
    for effect in effects:
        if isinstance(effect, CheckLogged) and backend.health.log_health_checks:
            if effect.by_agent:
                result.append(agent_line(subject, effect.verdict, duration_ms, up=effect.health > 0))
            elif server.check is not None:
                result.append(check_line(subject, effect.verdict, duration_ms, effect.health, server.check))
        elif isinstance(effect, StatusChanged):
            result += _changed(backend, server, subject, effect, machines, duration_ms, load, listen=listen)
    return result


def _changed(backend: Backend, server: Server, subject: Subject, effect: StatusChanged,
             machines: Mapping[str, ServerHealth], duration_ms: int, load: Load, *, listen: bool) -> list[Line]:
    servers = {other.name: other for other in backend.servers}
    active, backup = count(backend, {name: standing(servers[name], machine) for name, machine in machines.items()})
    # With log-health-checks the line before has said why.
    told = effect.verdict is None or backend.health.log_health_checks
    reason = "" if told or effect.verdict is None else effect.verdict.reason(duration_ms)
    remaining = Remaining(active, backup, *load(backend.name, server.name))
    result = [change_line(subject, effect, reason, remaining)]
    if usable(server, effect.old) and not active + backup:
        result.append(none_left_line(backend.name, listen=listen))
    return result
