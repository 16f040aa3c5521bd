"""haproxy.cfg to a Draft of the model: several files are one configuration, as for haproxy."""

from collections.abc import Mapping, Sequence

from pyha.config.draft import Draft
from pyha.config.origin import Problem
from pyha.config.source import Reader as Files
from pyha.config.source import Source

from .assemble import assemble
from .lexer import lines
from .reader import Reader


def translate(sources: Sequence[Source], environment: Mapping[str, str], files: Files | None = None) -> Draft:
    """Read the files in order. Never raises because of what is in them: every problem is in the draft, with its line.

    `environment` is what `${NAME}` means; `setenv` and its relatives change it for the lines that follow, not for the
    caller. `files` is how `acl ... -f FILE` is read.
    """
    draft = Draft()
    variables = _variables(sources, environment)
    reader = Reader(draft, variables, None if files is None else files.read)
    for source in sources:
        reader.read(lines(source.path, source.text, variables, draft))
    reader.finish()
    assemble(draft, reader.settings, reader.proxies)
    draft.problems = _in_order(draft, sources)
    return draft


def _variables(sources: Sequence[Source], environment: Mapping[str, str]) -> dict[str, str]:
    """HAProxy's own variables, section 2.3 of its manual; the real environment goes before them."""
    return {"HAPROXY_CFGFILES": ";".join(source.path for source in sources),
            "HAPROXY_LOCALPEER": environment.get("HOSTNAME", "localhost")} | dict(environment)


def _in_order(draft: Draft, sources: Sequence[Source]) -> list[Problem]:
    """By file as given, then by line; each problem once."""
    place = {source.path: number for number, source in enumerate(sources)}
    return sorted(dict.fromkeys(draft.problems),
                  key=lambda problem: (place.get(problem.origin.file, -1), problem.origin.line))
