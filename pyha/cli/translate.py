"""`pyha translate`: what the files mean, in pyha's own language, so that a migration can be reviewed."""

import argparse

from pyha.cli import files, problems
from pyha.config import native


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    files.arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Print YAML and return 0, or 3 when the configuration is invalid."""
    loaded = files.chosen(options).load()
    problems.show(loaded.problems)
    if loaded.config is None:
        return 3
    print(native.dump(loaded.config), end="")
    return 0
