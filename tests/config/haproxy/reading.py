"""Translate a few lines and look at one thing of the result."""

from pyha.config.haproxy.translate import translate
from pyha.config.source import Source

CLIENT_TIMEOUT = "    timeout client 1s\n"
SERVER_TIMEOUTS = "    timeout connect 1s\n    timeout server 1s\n"
TIMEOUTS = CLIENT_TIMEOUT + SERVER_TIMEOUTS


def draft_of(text, environment=None, path="h.cfg"):
    return translate([Source(path, text, "haproxy")], environment or {})


def frontend(lines, **more):
    """The first frontend of a draft whose `listen` section holds these lines."""
    return _listen(lines, **more).data["frontends"][0]


def backend(lines, **more):
    """The first backend of a draft whose `listen` section holds these lines."""
    return _listen(lines, **more).data["backends"][0]


def _listen(lines, before="", **more):
    server = "" if "server " in lines else "    server a 10.0.0.1:1 check\n"
    bind = "" if "bind " in lines else "    bind 127.0.0.1:1\n"
    draft = draft_of(f"{before}listen api\n{TIMEOUTS}{bind}{_indented(lines)}{server}", **more)
    assert not errors(draft), errors(draft)
    return draft


def _indented(lines):
    return "".join(f"    {line.strip()}\n" for line in lines.splitlines())


def said(lines, kind="listen", name="api", before=""):
    """What is said about lines in an otherwise faultless section, as `error: ...`, `warning: ...` or `ignored: ...`."""
    more = {"frontend": CLIENT_TIMEOUT, "backend": SERVER_TIMEOUTS, "listen": TIMEOUTS}.get(kind, "")
    if kind in ("listen", "backend"):
        more += "    server faultless 10.0.0.1:1 check\n"
    if kind in ("listen", "frontend"):
        more += "    bind 127.0.0.1:1\n"
    if kind == "frontend":
        more += "    default_backend spare\n"
        before += f"backend spare\n{SERVER_TIMEOUTS}    server a 10.0.0.1:1 check\n"
    head = kind if kind in ("global", "defaults") else f"{kind} {name}"
    return sentences(draft_of(f"{before}{head}\n{more}{_indented(lines)}"))


def sentences(draft):
    return [f"{'error' if problem.fatal else 'ignored' if problem.ignored else 'warning'}: {problem.message}"
            + (f"; {problem.hint}" if problem.hint else "") for problem in draft.problems]


def errors(draft):
    return [str(problem) for problem in draft.problems if problem.fatal]
