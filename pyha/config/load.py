"""Text in, one model out, with every problem of every file at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from . import native
from .draft import Draft
from .haproxy.translate import translate as haproxy
from .keepalived.translate import translate as keepalived
from .model import Config
from .origin import Loc, Origin, Problem
from .review import review
from .source import Reader, Source
from .validate import validate


@dataclass(frozen=True)
class Loaded:
    """The outcome: `config` is None when a problem is fatal. `origins` tells where a part of the model came from."""

    config: Config | None
    problems: tuple[Problem, ...]
    origins: Mapping[Loc, Origin]


def load(sources: Sequence[Source], environment: Mapping[str, str], reader: Reader, config_id: str = "") -> Loaded:
    """Translate and validate everything together. `config_id`: what `@id` lines of keepalived.conf compare with."""
    drafts = [native.translate(source) for source in sources if source.language == "native"]
    if balancing := [source for source in sources if source.language == "haproxy"]:
        drafts.append(haproxy(balancing, environment, reader))
    drafts += [keepalived(source, reader, environment, config_id) for source in sources
               if source.language == "keepalived"]
    whole = Draft()
    for draft in drafts:
        _join(whole, draft)
    config, objections = validate(whole.data, whole.origins)
    problems = [*whole.problems, *_new(objections, whole.problems)]
    if config is not None:
        problems += _new(review(config, whole.origins), problems)
    refused = any(problem.fatal for problem in problems)
    return Loaded(None if refused else config, tuple(_in_order(problems, sources)), whole.origins)


def _join(whole: Draft, draft: Draft) -> None:
    """Add one language's share. Lists grow, and what belongs to their items moves with them; the last scalar wins."""
    shifts: dict[Loc, int] = {}
    whole.data = cast("dict[str, Any]", _joined(whole.data, draft.data, (), shifts))
    for loc, origin in draft.origins.items():
        whole.origins.setdefault(_shifted(loc, shifts), origin)
    whole.problems += draft.problems


def _joined(old: object, new: object, loc: Loc, shifts: dict[Loc, int]) -> object:
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _joined(old.get(key), value, (*loc, key), shifts) for key, value in new.items()}
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        shifts[loc] = len(old)
        return [*old, *new]
    return new


def _shifted(loc: Loc, shifts: Mapping[Loc, int]) -> Loc:
    for length in range(len(loc)):
        index = loc[length]
        if isinstance(index, int) and loc[:length] in shifts:
            return (*loc[:length], index + shifts[loc[:length]], *loc[length + 1:])
    return loc


def _new(objections: Sequence[Problem], known: Sequence[Problem]) -> list[Problem]:
    """Only what is not said already: a line with an error gets no second one for what follows from the first."""
    if not any(problem.fatal for problem in known):
        return list(objections)
    lines = {problem.origin for problem in known if problem.fatal}
    return [problem for problem in objections
            if problem.origin not in lines and not problem.message.endswith("is missing")]


def _in_order(problems: Sequence[Problem], sources: Sequence[Source]) -> list[Problem]:
    """By file as given (included ones last), then by line."""
    place = {source.path: number for number, source in enumerate(sources)}
    return sorted(problems, key=lambda problem: (place.get(problem.origin.file, len(place)), problem.origin.file,
                                                 problem.origin.line))
