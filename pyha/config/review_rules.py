"""What rules refer to must exist: backends, servers and tables."""

from collections.abc import Iterable, Iterator

from .model import Config
from .origin import Loc, did_you_mean
from .rules_model import BackendRules, Condition, FrontendRules, Sample, StickRule, TcpRule
from .samples import FETCHES

_Finding = tuple[Loc, str, str]


def references(config: Config) -> Iterator[_Finding]:
    """Every name in a rule that leads nowhere."""
    known = {"backend": [backend.name for backend in config.backends],
             "frontend": [frontend.name for frontend in config.frontends],
             "server": [f"{backend.name}/{server.name}" for backend in config.backends for server in backend.servers],
             "table": [table.name for table in config.tables]}
    for index, frontend in enumerate(config.frontends):
        yield from _missing(("frontends", index, "rules"), _of_frontend(frontend.rules), known)
        for condition in () if frontend.http is None else frontend.http.monitor_when:
            yield from _missing(("frontends", index, "http"), _of_condition(condition), known)
    for index, backend in enumerate(config.backends):
        yield from _missing(("backends", index, "rules"), _of_backend(backend.rules, backend.name), known)


def _missing(loc: Loc, names: Iterable[tuple[str, str]], known: dict[str, list[str]]) -> Iterator[_Finding]:
    for kind, name in dict.fromkeys(names):
        if name not in known[kind]:
            yield loc, f"there is no {kind} '{name}'", did_you_mean(name, known[kind])


def _of_frontend(rules: FrontendRules) -> Iterator[tuple[str, str]]:
    for rule in (*rules.connection, *rules.session, *rules.content):
        yield from _of_rule(rule)
    for choice in rules.backends:
        yield "backend", choice.backend
        yield from _of_condition(choice.when)


def _of_backend(rules: BackendRules, backend: str) -> Iterator[tuple[str, str]]:
    for rule in rules.content:
        yield from _of_rule(rule)
    for choice in rules.servers:
        yield "server", f"{backend}/{choice.server}"
        yield from _of_condition(choice.when)
    for stick in rules.stick:
        yield from _of_rule(stick)


def _of_rule(rule: TcpRule | StickRule) -> Iterator[tuple[str, str]]:
    if rule.sample is not None:
        yield "table", rule.table
        yield from _of_sample(rule.sample)
    yield from _of_condition(rule.when)


def _of_condition(condition: Condition | None) -> Iterator[tuple[str, str]]:
    for terms in () if condition is None else condition.alternatives:
        for term in terms:
            for criterion in term.any_of:
                yield from _of_sample(criterion.sample)


def _of_sample(sample: Sample) -> Iterator[tuple[str, str]]:
    kind = FETCHES[sample.fetch].argument
    if kind in ("backend", "frontend", "server", "table") and sample.args:
        yield kind, sample.args[0]
    elif kind == "slot" and len(sample.args) == 2:
        yield "table", sample.args[1]
