"""The samples of rules, evaluated: one function makes a closure for each name in pyha.config.samples.

A closure takes the visit and returns the value; None where there is none, MORE where there may be one later. Addresses
are 128-bit numbers (see visit.number_of).
"""

from collections.abc import Callable
from typing import Final

from pyha.balance import UNLIMITED
from pyha.config.rules_model import Sample
from pyha.config.samples import COUNTERS

from . import counters
from .backend import Backend
from .converters import converted
from .hello import MORE, Hello
from .server import Server
from .visit import Look, Value, Visit
from .world import World


def look(sample: Sample, world: World) -> Look:
    """The closure for a sample, with its converters. ValueError: it refers to something that does not exist."""
    taken = _fetch(sample, world)
    for name, *args in sample.converters:
        taken = converted(taken, name, args)
    return taken


def _fetch(sample: Sample, world: World) -> Look:
    name, args = sample.fetch, sample.args
    if name in _SIMPLE:
        return _SIMPLE[name]
    if name in _OF_BACKEND:
        return _of_backend(_OF_BACKEND[name], world, args[0])
    if name in _OF_SERVER:
        world.server(args[0])  # it must exist now
        measure, workers = _OF_SERVER[name], world.workers
        backend, _, server = args[0].partition("/")
        servers = world.backend(backend)
        return lambda _visit: measure(servers.servers[server], workers) if server in servers.servers else None
    if name in _MADE:
        return _MADE[name](args, world)
    kind, _, counter = name.partition("_")
    if kind == "src":
        return counters.by_source(counter, world.table(args[0]))
    return counters.by_slot(counter, int(args[0]), world.table(args[1]) if len(args) > 1 else None)


# -- the client --------------------------------------------------------------------------------------------------------


def _length(visit: Visit) -> Value:
    # More may come; and HAProxy, too, says "not yet" only while the comparison fails.
    return len(visit.data)


def _of_hello(part: Callable[[Hello], Value]) -> Look:
    def taken(visit: Visit) -> Value:
        hello = visit.hello()
        return part(hello) if isinstance(hello, Hello) else hello
    return taken


_SIMPLE: Final[dict[str, Look]] = {
    "always_false": lambda _visit: 0,
    "always_true": lambda _visit: 1,
    "dst": lambda visit: visit.target,
    "dst_port": lambda visit: int(visit.bound[1]),
    "req.len": _length,
    "req.ssl_alpn": _of_hello(lambda hello: hello.alpn),
    "req.ssl_hello_type": lambda visit: visit.hello_type(),
    "req.ssl_sni": _of_hello(lambda hello: hello.sni),
    "req.ssl_ver": _of_hello(lambda hello: hello.version),
    "src": lambda visit: visit.source,
    "src_port": lambda visit: int(visit.address[1]),
    "wait_end": lambda visit: 1 if visit.final else MORE,
}


def _payload(args: tuple[str, ...], _world: World) -> Look:
    offset, length = int(args[0]), int(args[1])

    def taken(visit: Visit) -> Value:
        if len(visit.data) < offset + max(1, length):
            return MORE
        return visit.data[offset : offset + length] if length else visit.data[offset:]
    return taken


# -- proxies and servers: what N workers have together is N times what one of them has ---------------------------------


def _of_backend(measure: Callable[[Backend, int], int], world: World, name: str) -> Look:
    backend, workers = world.backend(name), world.workers
    return lambda _visit: measure(backend, workers)


def _queued(backend: Backend) -> int:
    return len(backend.queue) + sum(len(server.queue) for server in backend.servers.values())


def _free(backend: Backend, workers: int, *, slots: bool) -> int:
    total = 0
    for server in backend.chosen:
        if server.limit == UNLIMITED or (slots and server.maxqueue == UNLIMITED):
            return -1
        total += max(0, server.limit - server.sessions)
        if slots:
            total += max(0, server.maxqueue - len(server.queue))
    return total * workers


_OF_BACKEND: Final[dict[str, Callable[[Backend, int], int]]] = {
    "avg_queue": lambda backend, workers: _queued(backend) * workers // max(1, len(backend.chosen)),
    "be_conn": lambda backend, workers: backend.sessions * workers,
    "be_conn_free": lambda backend, workers: _free(backend, workers, slots=False),
    "connslots": lambda backend, workers: _free(backend, workers, slots=True),
    "nbsrv": lambda backend, _workers: len(backend.chosen),
    "queue": lambda backend, workers: _queued(backend) * workers,
}

_OF_SERVER: Final[dict[str, Callable[[Server, int], int]]] = {
    "srv_conn": lambda server, workers: server.sessions * workers,
    "srv_conn_free": lambda server, workers: (
        -1 if server.limit == UNLIMITED else max(0, server.limit - server.sessions) * workers),
    "srv_is_up": lambda server, _workers: int(server.status not in ("DOWN", "MAINT")),
    "srv_queue": lambda server, workers: len(server.queue) * workers,
    "srv_weight": lambda server, _workers: server.weight,
}


def _fe_conn(args: tuple[str, ...], world: World) -> Look:
    state, workers = world.frontend(args[0]), world.workers
    return lambda _visit: state.sessions * workers


_MADE: Final[dict[str, Callable[[tuple[str, ...], World], Look]]] = {
    "bool": lambda args, _world: _constant(int(args[0].lower() in ("1", "true", "yes", "on"))),
    "fe_conn": _fe_conn,
    "int": lambda args, _world: _constant(int(args[0])),
    "rand": lambda args, world: lambda _visit: int(world.draw() * int(args[0])),
    "req.payload": _payload,
    "str": lambda args, _world: _constant(args[0]),
    "table_avl": lambda args, world: counters.available(world.table(args[0])),
    "table_cnt": lambda args, world: counters.used(world.table(args[0])),
}


def _constant(value: Value) -> Look:
    return lambda _visit: value


NAMES: Final = frozenset((*_SIMPLE, *_OF_BACKEND, *_OF_SERVER, *_MADE,
                          *(f"sc_{name}" for name in COUNTERS),
                          *(f"src_{name}" for name in COUNTERS if name != "tracked")))
"""Everything that can be evaluated."""
