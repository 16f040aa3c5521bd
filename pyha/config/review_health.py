"""Servers that take their state from others (`track`): these must exist, and one must be asked in the end."""

from collections.abc import Iterator

from .model import Config, Server
from .origin import Loc, did_you_mean

Key = tuple[str, str]


def tracking(config: Config) -> Iterator[tuple[Loc, str, str]]:
    """(place, message, hint) for every server that tracks what it cannot."""
    servers: dict[Key, Server] = {(backend.name, server.name): server
                                  for backend in config.backends for server in backend.servers}
    for at, backend in enumerate(config.backends):
        for number, server in enumerate(backend.servers):
            if server.track is not None:
                loc: Loc = ("backends", at, "servers", number, "track")
                for message, hint in _problems(servers, (backend.name, server.name)):
                    yield loc, f"server '{backend.name}/{server.name}' cannot track '{server.track}': {message}", hint


def tracked(backend: str, server: Server) -> Key:
    """(backend, server) of the one that it names."""
    other, _, name = (server.track or "").rpartition("/")
    return other or backend, name


def _problems(servers: dict[Key, Server], key: Key) -> Iterator[tuple[str, str]]:
    first = servers[key]
    if first.check is not None or first.agent is not None:
        yield "it is checked itself", "remove 'check' and 'agent-check', or 'track'"
        return
    seen = {key}
    while servers[key].track is not None:
        key = tracked(key[0], servers[key])
        name = "/".join(key)
        if key not in servers:
            yield f"there is no server '{name}'", did_you_mean(name, ["/".join(known) for known in servers])
            return
        if key in seen:
            yield "that leads in a circle", "let one of them be checked"
            return
        seen.add(key)
    if servers[key].check is None and servers[key].agent is None:
        yield f"'{'/'.join(key)}' is not checked", "add 'check' to it"
