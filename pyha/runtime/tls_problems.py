"""What the checks of a configuration need from files: unreadable or invalid `ca-file` and `crt`, for `pyha check`."""

from collections.abc import Iterator

from pyha.config.model import Config, Tls
from pyha.config.origin import Loc
from pyha.errors import FitnessError
from pyha.health.probes import PROBES
from pyha.runtime.tlsclient import TlsContexts, tls_of


def tls_problems(config: Config) -> list[tuple[Loc, str]]:
    """Where in the model, and one sentence, for every server whose checks cannot speak TLS or cannot be read."""
    contexts = TlsContexts()
    return [problem for loc, name, tls in _connects(config) if (problem := _try(contexts, loc, name, tls))]


def _try(contexts: TlsContexts, loc: Loc, name: str, tls: Tls | str) -> tuple[Loc, str] | None:
    if isinstance(tls, str):
        return loc, f"{name}: {tls}"
    try:
        contexts.get(tls)
    except FitnessError as error:
        return loc, f"{name}: {error}"
    return None


def _connects(config: Config) -> Iterator[tuple[Loc, str, Tls | str]]:
    for at, backend in enumerate(config.backends):
        for position, server in enumerate(backend.servers):
            if server.check is None:
                continue
            loc: Loc = ("backends", at, "servers", position)
            try:
                script = PROBES[backend.health.kind](backend.health, server.check)
            except ValueError as error:
                yield ("backends", at), f"backend {backend.name}", str(error)
                break
            for tls in tls_of(script):
                yield loc, f"server {backend.name}/{server.name}", tls
