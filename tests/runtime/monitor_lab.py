"""A real monitor process for tests: started as the supervisor does it, driven over its channel."""

import os
import re
import socket
import subprocess
import sys

from pyha.config.model import Backend, Check, Config, HealthDialogue, Server
from tests.runtime.worker_lab import ROOT, WorkerProcess, wait_for


class MonitorProcess(WorkerProcess):
    """One monitor with a blocking end of its channel; what it logs goes to a file in `directory`."""

    def __init__(self, directory):
        ours, theirs = socket.socketpair()
        self.sock, self.messages, self._received = ours, [], b""
        self.log_path = directory / "monitor.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pyha", "_child", "monitor", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], stderr=log, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        theirs.close()
        self.generation = 0
        self.sockets = {}

    @property
    def log(self):
        """What was logged, without time and process."""
        return [re.sub(r"^.*?monitor: ", "", line) for line in self.log_path.read_text().splitlines()]

    def states(self):
        """The last state of every server by (backend, server)."""
        self.receive()
        return {(state.backend, state.server): state
                for message in self.messages if message.type == "server-states" for state in message.states}

    def state(self, server="s", backend="be"):
        return self.states().get((backend, server))

    def wait_for(self, status, server="s", backend="be", timeout=20.0):
        """The state of that server once it has that status (and a check behind it, or none at all)."""
        def reached():
            state = self.state(server, backend)
            return state if state and state.status == status else None
        return wait_for(reached, lambda: f"{status}: {self.state(server, backend)} {self.log}", timeout)

    def checked(self, server="s", backend="be", timeout=20.0):
        """The state of that server once it has been checked."""
        def reached():
            state = self.state(server, backend)
            return state if state and state.check else None
        return wait_for(reached, lambda: f"a check: {self.state(server, backend)} {self.log}", timeout)


def backend(port, *, health=None, server=None, name="be", **check):
    """A backend with one server on loopback, checked often."""
    check = {"inter": 100, "rise": 1, "fall": 1, **check}
    return Backend(name=name, health=health or HealthDialogue(), timeout_connect=5000,
                   timeout_check=check.pop("timeout", None),
                   servers=(Server(name="s", host="127.0.0.1", port=port, check=Check(**check), **(server or {})),))


def config(*backends, **options):
    return Config(backends=backends, **options)
