"""What a worker tells about itself once a second."""

from collections.abc import Iterable

from pyha.control.messages import FrontendCounters, ServerCounters, WorkerReport
from pyha.proxy.backend import Backend
from pyha.proxy.frontend import FrontendState
from pyha.proxy.server import Server


def report(index: int, frontends: Iterable[FrontendState], backends: Iterable[Backend], dropped: int) -> WorkerReport:
    """All counters of one worker."""
    rows = []
    for backend in backends:
        rows += [_row(backend.name, server, len(server.queue), server.sessions) for server in backend.servers.values()]
        rows.append(_row(backend.name, backend.nobody, len(backend.queue), len(backend.queue)))
    return WorkerReport(
        worker=index,
        frontends=tuple(
            FrontendCounters(
                name=state.name, sessions=state.sessions, total=state.total, bytes_in=state.bytes_in,
                bytes_out=state.bytes_out, denied=state.denied, failed=state.failed, max_sessions=state.max_sessions,
            )
            for state in frontends
        ),
        servers=tuple(rows),
        log_dropped=dropped,
    )  # fmt: skip


def _row(backend: str, server: Server, queued: int, sessions: int) -> ServerCounters:
    return ServerCounters(
        backend=backend, server=server.name, sessions=sessions, queued=queued, total=server.total,
        bytes_in=server.bytes_in, bytes_out=server.bytes_out, connect_failures=server.connect_failures,
        retries=server.retries, redispatches=server.redispatches, max_sessions=server.max_sessions,
    )  # fmt: skip
