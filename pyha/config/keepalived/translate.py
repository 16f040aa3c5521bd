"""keepalived.conf to the VRRP half of the model: the whole way (docs/internals, "trip three")."""

from collections.abc import Collection, Mapping
from typing import Any

from pyha.config.draft import Draft
from pyha.config.origin import Loc, Origin, Problem
from pyha.config.source import Reader, Source

from . import notify, references
from .complete import complete
from .reading import read
from .statement import Part, Scope
from .top import TOP
from .tree import statements
from .vocabulary import apply

_DEFAULT_INTERFACE = "eth0"  # keepalived.conf(5), default_interface


def translate(source: Source, reader: Reader, environment: Mapping[str, str], config_id: str) -> Draft:
    """One keepalived.conf with everything that it includes. Every problem is in the draft; nothing is raised.

    `config_id` is what lines that begin with `@` compare with.
    """
    draft = Draft()
    lines, unreadable = read(source, reader, environment, config_id, draft)
    whole = Scope("", "", Origin(source.path), draft)
    apply(TOP, whole, statements(lines, TOP, draft))
    notify.incomplete(whole)
    _static_addresses(whole)
    for router in whole.children.get("routers", ()):
        complete(router, whole)
    references.check(whole)
    data = _placed(whole, ("vrrp",), draft)
    if data:
        draft.data = {"vrrp": data}
        draft.origins[("vrrp",)] = whole.origin
    draft.problems = _once(draft.problems, unreadable)
    return draft


def _static_addresses(whole: Scope) -> None:
    """They belong to an interface, always."""
    default = whole.get("_default_interface", _DEFAULT_INTERFACE)
    for part in whole.parts("static_addresses"):
        part.data.setdefault("dev", default)


def _placed(scope: Scope, loc: Loc, draft: Draft) -> dict[str, Any]:
    """The data of a scope as the model wants it. Lines become origins; keys with `_` are for the translator only."""
    data: dict[str, Any] = {}
    for key, value in scope.values.items():
        if key.startswith("_"):
            continue
        *path, name = key.split(".")
        inner = data
        for step in path:
            inner = inner.setdefault(step, {})
        here = (*loc, *path, name)
        draft.origins[here] = scope.where[key]
        if isinstance(value, list):
            inner[name] = [part.data if isinstance(part, Part) else part for part in value]
            draft.origins |= {(*here, index): part.origin for index, part in enumerate(value) if isinstance(part, Part)}
        else:
            inner[name] = value
    for kind, children in scope.children.items():
        if kind == "track_groups" or not children:
            continue
        data[kind] = []
        for index, child in enumerate(children):
            here = (*loc, kind, index)
            draft.origins[here] = child.origin
            data[kind].append(_placed(child, here, draft))
    return data


def _once(problems: list[Problem], unreadable: Collection[Origin]) -> list[Problem]:
    """A definition that is used twice has its mistakes once, and an unreadable line has one."""
    said: set[Origin] = set()
    kept: list[Problem] = []
    for problem in dict.fromkeys(problems):
        if problem.origin not in unreadable or problem.origin not in said:
            kept.append(problem)
        said.add(problem.origin)
    return kept
