"""`pyha version`."""

import argparse

import pyha


def arguments(_parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(_arguments: argparse.Namespace) -> int:
    """Print the version and return 0."""
    print(f"pyha {pyha.__version__}")
    return 0
