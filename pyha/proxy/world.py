"""What rules can refer to, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from .backend import Backend
from .frontend import FrontendState
from .server import Server
from .tables import TableState

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    """`workers`: how many share the load, of which each sees its part. ValueError where there is nothing of a name."""

    frontends: Mapping[str, FrontendState] = field(default_factory=dict)
    backends: Mapping[str, Backend] = field(default_factory=dict)
    tables: Mapping[str, TableState] = field(default_factory=dict)
    workers: int = 1
    draw: Callable[[], float] = lambda: 0.0

    def backend(self, name: str) -> Backend:
        """That backend."""
        return _named(self.backends, "backend", name)

    def server(self, name: str) -> Server:
        """BACKEND/NAME."""
        backend, _, server = name.partition("/")
        return _named(self.backend(backend).servers, "server", server)

    def frontend(self, name: str) -> FrontendState:
        """That frontend."""
        return _named(self.frontends, "frontend", name)

    def table(self, name: str) -> TableState:
        """That table."""
        return _named(self.tables, "table", name)


def _named(found: Mapping[str, T], kind: str, name: str) -> T:
    if name not in found:
        raise ValueError(f"there is no {kind} '{name}'")
    return found[name]
