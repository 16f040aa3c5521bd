"""The command `pyha`."""

import sys


def main() -> int:
    """Run the command line and return the exit code (see pyha.cli.main)."""
    from pyha.cli.main import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
