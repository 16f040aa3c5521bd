"""`pyha reload`: the running pyha reads its files again; the answer is that of this very reload."""

import argparse
import sys

from pyha.runtime.control_socket import ask


def arguments(_parser: argparse.ArgumentParser) -> None:
    """No options."""


def run(_options: argparse.Namespace) -> int:
    """Return 0 when the new configuration is in effect, 3 when it was refused and nothing has changed."""
    answer = ask("reload")
    *messages, verdict = answer["messages"]
    for message in messages:
        print(message, file=sys.stderr)
    print(verdict, file=sys.stdout if answer["done"] else sys.stderr)
    return 0 if answer["done"] else 3
