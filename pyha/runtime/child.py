"""The way into a child process: `pyha _child ROLE FD`.

Each role's module is imported only here, in its own process: a worker never loads scapy or pyroute2 (docs/internals).
"""

import socket

from pyha.runtime.channel import Channel
from pyha.runtime.process import set_name


def main(role: str, fd: int) -> int:
    """Run one child until the supervisor says stop or goes away. Returns the exit code."""
    # What `ps -C`, `top` and `killall` show.
    set_name(f"pyha-{role}")
    channel = Channel(socket.socket(fileno=fd))
    if role == "worker":
        from pyha.runtime.worker import main as run
    elif role == "monitor":
        from pyha.runtime.monitor import main as run
    elif role == "vrrp":
        from pyha.runtime.vrrpd import main as run
    else:
        raise ValueError(f"no such role: {role}")
    return run(channel)
