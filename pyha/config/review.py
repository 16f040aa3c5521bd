"""What only shows when the model is looked at as a whole, whatever language its parts were written in."""

from collections.abc import Iterable, Iterator, Mapping

from .model import Config
from .origin import Loc, Origin, Problem, did_you_mean, locate
from .review_health import tracking
from .review_rules import references
from .review_vrrp import advice, names


def review(config: Config, origins: Mapping[Loc, Origin]) -> list[Problem]:
    """Every reference that leads nowhere and everything that is there twice."""
    found = [*_duplicates(config), *_references(config), *_shared_addresses(config), *_shared_vrids(config)]
    mistakes = [Problem(locate(origins, loc), message, hint) for loc, message, hint in found]
    return mistakes + [Problem(locate(origins, loc), message, hint, fatal=False)
                       for loc, message, hint in advice(config)]


_Finding = tuple[Loc, str, str]


def _duplicates(config: Config) -> Iterator[_Finding]:
    yield from _twice("frontend", ("frontends",), (frontend.name for frontend in config.frontends))
    yield from _twice("backend", ("backends",), (backend.name for backend in config.backends))
    yield from _twice("table", ("tables",), (table.name for table in config.tables))
    for index, backend in enumerate(config.backends):
        yield from _twice(f"server of backend '{backend.name}'", ("backends", index, "servers"),
                          (server.name for server in backend.servers))
    vrrp = config.vrrp
    yield from _twice("virtual router", ("vrrp", "routers"), (router.name for router in vrrp.routers))
    yield from _twice("script", ("vrrp", "scripts"), (script.name for script in vrrp.scripts))


def _twice(what: str, loc: Loc, names: Iterable[str]) -> Iterator[_Finding]:
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield (*loc, index, "name"), f"there are two of the {what} '{name}'", "give one of them another name"
        seen.add(name)


def _references(config: Config) -> Iterator[_Finding]:
    backends = [backend.name for backend in config.backends]
    for index, frontend in enumerate(config.frontends):
        name = frontend.default_backend
        if name is not None and name not in backends:
            yield ("frontends", index, "default_backend"), f"there is no backend '{name}'", did_you_mean(name, backends)
    yield from references(config)
    yield from tracking(config)
    yield from names(config.vrrp)
    scripts = [script.name for script in config.vrrp.scripts]
    for index, router in enumerate(config.vrrp.routers):
        for number, tracked in enumerate(router.track_scripts):
            if tracked.name not in scripts:
                yield (("vrrp", "routers", index, "track_scripts", number, "name"),
                       f"there is no script '{tracked.name}'", did_you_mean(tracked.name, scripts))


def _shared_addresses(config: Config) -> Iterator[_Finding]:
    owners: dict[tuple[str, int, str | None], str] = {}
    for index, frontend in enumerate(config.frontends):
        for number, bind in enumerate(frontend.binds):
            if bind.accept_proxy and frontend.http is not None:
                yield (("frontends", index, "binds", number),
                       f"frontend '{frontend.name}' answers itself, and cannot read PROXY protocol headers",
                       "remove 'accept-proxy' here, and let its clients come directly")
            owner = owners.setdefault((bind.host, bind.port, bind.interface), frontend.name)
            if owner != frontend.name:
                yield (("frontends", index, "binds", number),
                       f"frontend '{frontend.name}' listens on {bind.host}:{bind.port}, and so does '{owner}'",
                       "each address can have one frontend")


def _shared_vrids(config: Config) -> Iterator[_Finding]:
    owners: dict[tuple[str, int, int, tuple[object, ...]], str] = {}
    for index, router in enumerate(config.vrrp.routers):
        family = router.addresses[0].interface.version if router.addresses else 4
        packets = (*router.unicast_peers, router.multicast_group)
        owner = owners.setdefault((router.interface, router.vrid, family, packets), router.name)
        if owner != router.name:
            yield (("vrrp", "routers", index, "vrid"),
                   f"virtual router '{router.name}' uses VRID {router.vrid} on {router.interface}, as does '{owner}'",
                   "give one of them another virtual_router_id")
