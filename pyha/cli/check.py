"""`pyha check`: every problem of the configuration, at once; it binds nothing and changes nothing."""

import argparse

from pyha.cli import files, problems
from pyha.runtime import preflight


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    files.arguments(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing, the exit code tells")
    parser.add_argument("--strict", action="store_true", help="exit with 4 when words of the files have no effect")


def run(options: argparse.Namespace) -> int:
    """Return 0 when the configuration can run, 3 when not, 4 with --strict when words were ignored."""
    chosen = files.chosen(options)
    loaded = chosen.load()
    found = list(loaded.problems)
    if loaded.config is not None:
        found += preflight.problems(loaded.config, loaded.origins)
    invalid = loaded.config is None or any(problem.fatal for problem in found)
    ignored = any(problem.ignored for problem in found)
    if not options.quiet:
        problems.show(found)
        if not invalid:
            print("Configuration is valid" + (", but words were ignored." if ignored else "."))
    if invalid:
        return 3
    return 4 if options.strict and ignored else 0
