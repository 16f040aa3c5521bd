"""`option external-check`: a program says by its exit code whether a server is well (manual, section 4.2)."""

from pyha.config.model import Backend, Check, HealthDialogue, Server
from pyha.health.dialogue import RunProgram, Script
from pyha.health.verdict import Verdict

_NONE = "NOT_USED"


def script(health: HealthDialogue, _check: Check) -> Script:
    """Run it; 0 is well."""
    return Script((RunProgram(health.command, health.path),), passed=Verdict("PROCOK", 0), silence="PROCTOUT")


def briefing(backend: Backend, server: Server, host: str, proxy: tuple[str, int] | None,
             sessions: int) -> tuple[tuple[str, ...], dict[str, str]]:
    """The program's arguments and environment, as HAProxy's manual names them (`external-check command`)."""
    proxy_host, proxy_port = (proxy[0], str(proxy[1])) if proxy else ("", "")
    port = str(server.port or 0)
    number = next(number for number, other in enumerate(backend.servers, start=1) if other.name == server.name)
    return (proxy_host or _NONE, proxy_port or _NONE, host, port), {
        "HAPROXY_PROXY_ADDR": proxy_host, "HAPROXY_PROXY_NAME": backend.name,
        "HAPROXY_PROXY_PORT": proxy_port, "HAPROXY_SERVER_ADDR": host, "HAPROXY_SERVER_CURCONN": str(sessions),
        "HAPROXY_SERVER_ID": str(number), "HAPROXY_SERVER_MAXCONN": str(server.maxconn),
        "HAPROXY_SERVER_NAME": server.name, "HAPROXY_SERVER_PORT": port, "HAPROXY_SERVER_PROTO": "tcp",
        "HAPROXY_SERVER_SSL": "0",
    }
