"""Translate a few lines, or a golden case, and look at one thing of the result."""

import json
import os
from pathlib import Path

from pyha.config.keepalived.translate import translate
from pyha.config.source import Source

DIRECTORY = Path(__file__).parents[2] / "cases" / "keepalived"
CASES = sorted(path.stem for path in DIRECTORY.glob("*.conf"))
ENVIRONMENT = {"VIP": "10.0.0.100"}
FAULTLESS = ("    interface eth0\n    virtual_router_id 51\n    virtual_ipaddress {\n        10.0.0.100/24\n    }\n")


class Files:
    """Files that exist in a test only; the pattern `*` stands for any name within a directory."""

    def __init__(self, **files):
        self.files = {name.replace("__", "."): text for name, text in files.items()}

    def read(self, path):
        if path not in self.files:
            raise PermissionError(13, "Permission denied")
        return self.files[path]

    def glob(self, pattern):
        from fnmatch import fnmatchcase
        return sorted(name for name in self.files if fnmatchcase(name, pattern))


def draft_of(text, path="k.conf", config_id="node1", files=None):
    return translate(Source(path, text, "keepalived"), files or Files(), ENVIRONMENT, config_id)


def vrrp_of(text, **more):
    """The data of a text that has no errors."""
    draft = draft_of(text, **more)
    assert not errors(draft), errors(draft)
    return draft.data["vrrp"]


def router(lines, before="", **more):
    """The first router of a draft; what a router must have is added when the lines do not have it."""
    return vrrp_of(with_router(lines, before), **more)["routers"][0]


def with_router(lines, before=""):
    needed = "".join(text for word, text in (
        ("interface ", "    interface eth0\n"), ("virtual_router_id", "    virtual_router_id 51\n"),
        ("virtual_ipaddress {", "    virtual_ipaddress {\n        10.0.0.100/24\n    }\n")) if word not in lines)
    return f"{before}vrrp_instance VI_1 {{\n{lines}\n{needed}}}\n"


def said(lines, before=""):
    """What is said about lines in an otherwise faultless instance."""
    return sentences(draft_of(with_router(lines, before)))


def sentences(draft):
    return [f"{kind(problem)}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")
            for problem in draft.problems]


def kind(problem):
    return "error" if problem.fatal else "ignored" if problem.ignored else "warning"


def errors(draft):
    return [str(problem) for problem in draft.problems if problem.fatal]


# -- golden cases ------------------------------------------------------------------------------------------------------


def case(name):
    return draft_of((DIRECTORY / f"{name}.conf").read_text(), f"{name}.conf")


def shown(draft):
    """The data, one value a line, and the problems as people read them."""
    lines = [json.dumps(draft.data, indent=1, ensure_ascii=False, default=list), ""]
    for problem in sorted(draft.problems, key=lambda problem: problem.origin.line):
        hint = f"; {problem.hint}" if problem.hint else ""
        lines.append(f"{problem.origin.line}: {kind(problem)}: {problem.message}{hint}")
    return "\n".join(lines) + "\n"


def expected(name, actual):
    """What the case expects. With PYHA_REWRITE=1 it is written anew; the difference is for review."""
    path = DIRECTORY / f"{name}.expected"
    if os.environ.get("PYHA_REWRITE"):
        path.write_text(actual)
    return path.read_text()
