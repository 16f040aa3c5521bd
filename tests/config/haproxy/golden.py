"""Golden cases: tests/cases/haproxy/NAME.cfg, and in NAME.expected what it means and what is said about it."""

import json
import os
from pathlib import Path

from pyha.config.haproxy.translate import translate
from pyha.config.source import Source

DIRECTORY = Path(__file__).parents[2] / "cases" / "haproxy"
CASES = sorted(path.stem for path in DIRECTORY.glob("*.cfg"))
ENVIRONMENT = {"HOME": "/root", "MASTERS": "10.0.0.1:6443 check", "HOSTNAME": "node1"}


class Files:
    """What `acl ... -f` finds."""

    def read(self, path):
        if path != "allowed.lst":
            raise FileNotFoundError(2, "No such file or directory")
        return "# ours\n192.0.2.0/24\n\n  198.51.100.7  \n"


def draft_of(name):
    text = (DIRECTORY / f"{name}.cfg").read_text()
    return translate([Source(f"{name}.cfg", text, "haproxy")], ENVIRONMENT, Files())


def shown(draft):
    """The data, one value a line, and the problems as people read them."""
    lines = [json.dumps(draft.data, indent=1, ensure_ascii=False), ""]
    for problem in draft.problems:
        kind = "error" if problem.fatal else "ignored" if problem.ignored else "warning"
        hint = f"; {problem.hint}" if problem.hint else ""
        lines.append(f"{problem.origin.line}: {kind}: {problem.message}{hint}")
    return "\n".join(lines) + "\n"


def expected(name, actual):
    """What the case expects. With PYHA_REWRITE=1 it is written anew; the difference is for review."""
    path = DIRECTORY / f"{name}.expected"
    if os.environ.get("PYHA_REWRITE"):
        path.write_text(actual)
    return path.read_text()
