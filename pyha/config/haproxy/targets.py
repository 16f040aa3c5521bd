"""Which backend each frontend leads to, and which listeners answer by themselves."""

from collections.abc import Mapping
from dataclasses import dataclass

from pyha.config.origin import did_you_mean

from . import rules
from .statement import Section

MODE_HINT = "write 'mode tcp' there if TLS passes through, as to kube-apiservers"


@dataclass(frozen=True, slots=True)
class Target:
    """What is behind a listener."""

    backend: str | None = None  # relays to it; None: answers itself in HTTP mode, else closes every connection
    page: Section | None = None  # answers itself, with the `stats` words of this section
    others: tuple[str, ...] = ()  # backends that it relays to on conditions


@dataclass(frozen=True, slots=True)
class Proxies:
    """The sections by name; a `listen` is in both."""

    frontends: Mapping[str, Section]
    backends: Mapping[str, Section]

    @classmethod
    def of(cls, sections: list[Section]) -> "Proxies":
        """Sort them. Of two with the same name, which is an error already, the first counts."""
        frontends: dict[str, Section] = {}
        backends: dict[str, Section] = {}
        for section in sections:
            if section.kind != "backend":
                frontends.setdefault(section.name, section)
            if section.kind != "frontend":
                backends.setdefault(section.name, section)
        return cls(frontends, backends)


def target(section: Section, proxies: Proxies) -> Target:
    """What is behind a `frontend` or `listen`. Problems with the names are reported here, once."""
    name = _named(section, proxies)
    others = tuple(rules.candidates(section, proxies.backends))
    if name is None and section.kind == "listen" and (section.get("server seen") or not section.is_http()):
        name = section.name
    if not section.is_http():
        return Target(name, others=others)
    backend = proxies.backends.get(name) if name is not None else None
    if name is None and not _undecided(section):
        return Target(page=section)
    if backend is None:
        return Target(name, others=others)
    if not backend.is_http():
        _mismatch(section, backend)
    elif not backend.get("server seen") and not others:
        return Target(page=section if section.get("stats_page") else backend)
    return Target(backend.name, others=others)


def _undecided(section: Section) -> bool:
    """Whether it would lead somewhere, had its rules been understood."""
    return bool(section.get("use_backend") or section.get("use_backend_broken"))


def _named(section: Section, proxies: Proxies) -> str | None:
    """The backend that the section names, even if it does not exist."""
    known = tuple(proxies.backends)
    chosen = rules.chosen_backend(section, known)
    if chosen is not None:
        name, statement = chosen
        if section.get("default_backend"):
            section.draft.warn(section.where["default_backend"], "'default_backend' has no effect: 'use_backend "
                               f"{name}' on line {statement.origin.line} takes every connection", ignored=True)
        section.put("default_backend", name, statement.origin)
        return str(name)
    name = section.get("default_backend")
    if name is not None and name not in known:
        section.draft.error(section.where["default_backend"], f"{section.describe()}: unable to find the "
                            f"default_backend '{name}'", did_you_mean(name, known))
    return None if name is None else str(name)


def _mismatch(section: Section, backend: Section) -> None:
    section.draft.error(
        section.where.get("default_backend", section.origin),
        f"{section.describe()} is in HTTP mode, but its {backend.kind} '{backend.name}' is in TCP mode",
        "write 'mode tcp' in the frontend if TLS passes through, as to kube-apiservers")
