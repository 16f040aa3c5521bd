"""The command line: which commands there are, and how each one ends.

Exit codes: 0 fine, 1 failed while running, 2 wrong command line, 3 configuration invalid, 4 with --strict: valid, but
words were ignored, 5 the machine is not fit, 6 no daemon answers.
"""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

import pyha
from pyha.errors import ControlError, FitnessError, PyhaError

FINE, FAILED, USAGE, INVALID, IGNORED, UNFIT, NO_DAEMON = range(7)

# Name -> one line for the help. Each is a module of pyha.cli with `arguments(parser)` and `run(arguments) -> exit
# code`, imported only when it is the one that was asked for.
COMMANDS = {
    "run": "balance and hold the virtual addresses, in the foreground",
    "check": "read the configuration and report every problem",
    "translate": "print the configuration in pyha's own language",
    "reload": "make the running pyha read its configuration again",
    "status": "show what the running pyha does",
    "version": "print the version",
}


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code; never raises for anything an operator can cause."""
    if argv[:1] == ["_child"]:
        from pyha.runtime.child import main as child

        return child(argv[1], int(argv[2]))
    name, rest = _split(argv)
    parser = argparse.ArgumentParser(prog=f"pyha {name}", description=COMMANDS[name].capitalize() + ".")
    command = importlib.import_module(f"pyha.cli.{name}")
    command.arguments(parser)
    arguments = parser.parse_args(rest)
    try:
        return int(command.run(arguments))
    except FitnessError as error:
        return _fail(error, UNFIT)
    except ControlError as error:
        return _fail(error, NO_DAEMON)
    except PyhaError as error:
        return _fail(error, FAILED)
    except BrokenPipeError:  # `pyha status | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FINE


def _split(argv: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The command's name and what follows; prints help and exits when there is none."""
    parser = argparse.ArgumentParser(
        prog="pyha",
        description="One program in place of haproxy + keepalived: a virtual address on exactly one node, "
        "and TCP balancing to every healthy server.",
        epilog="commands:\n" + "\n".join(f"  {name:<10} {text}" for name, text in COMMANDS.items())
        + "\n\n'pyha COMMAND --help' explains each. Exit codes: 0 fine, 1 failed while running, 2 wrong command line,\n"
        "3 configuration invalid, 4 words were ignored (--strict), 5 the machine is not fit, 6 no daemon answers.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-v", "--version", action="version", version=f"pyha {pyha.__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="what to do")
    if not argv:
        parser.print_help()
        sys.exit(USAGE)
    return parser.parse_args(argv[:1]).command, argv[1:]


def _fail(error: Exception, code: int) -> int:
    print(f"pyha: {error}", file=sys.stderr)
    return code
