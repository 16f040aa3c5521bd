"""A real monitor process for tests: started as the supervisor does it, driven over its channel."""

import os
import re
import socket
import subprocess
import sys

from pyha.config.model import Backend, Check, Config, HealthDialogue, Server
from pyha.control.messages import Configure, Listener
from tests.runtime.worker_lab import ROOT, WorkerProcess, listening, wait_for


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

    def close(self):
        for sock in (*self.sockets.values(), self.sock):
            sock.close()
        try:
            self.process.wait(3)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def configure(self, config, **options):
        """Send a Configure with the listening sockets that belong to the monitor; the answer."""
        wanted = {(frontend.name, bind.host, bind.port): (index, bind) for frontend in config.frontends if frontend.http
                  for index, bind in enumerate(frontend.binds)}
        for key, (_, bind) in wanted.items():
            if key not in self.sockets:
                self.sockets[key] = listening(bind)
        listeners = tuple(Listener(frontend=name, bind=index, host=host, port=port)
                          for (name, host, port), (index, _) in wanted.items())
        self.generation += 1
        self.send(Configure(generation=self.generation, config=config, listeners=listeners, **options),
                  [self.sockets[key].fileno() for key in wanted])
        for key in self.sockets.keys() - wanted.keys():
            self.sockets.pop(key).close()

        def answered():
            assert self.process.poll() is None, f"the monitor died: {self.log_path.read_text()}"
            self.receive(0.05)
            return next((message for message in self.messages if message.type in ("configured", "rejected")
                         and message.generation == self.generation), None)

        return wait_for(answered, "the monitor's answer")

    @property
    def log(self):
        """What was logged, without time and process."""
        return [re.sub(r"^.*?monitor: ", "", line) for line in self.log_path.read_text().splitlines()]

    def states(self):
        """The last state of every server by (backend, server)."""
        self.receive()
        return {(state.backend, state.server): state
                for message in self.messages if message.type == "server-states" for state in message.states}

    def all_checked(self):
        """All states once every server has been checked, else None."""
        states = self.states()
        return states if states and all(state.check for state in states.values()) else None

    def state(self, server="s", backend="be"):
        return self.states().get((backend, server))

    def wait_for(self, status, server="s", backend="be", timeout=20.0):
        """The state of that server once it has that status (and a check behind it, or none at all)."""
        def reached():
            state = self.state(server, backend)
            return state if state and state.status == status else None
        return self._wait(reached, status, server, backend, timeout)

    def checked(self, server="s", backend="be", timeout=20.0):
        """The state of that server once it has been checked."""
        def reached():
            state = self.state(server, backend)
            return state if state and state.check else None
        return self._wait(reached, "a check", server, backend, timeout)

    def _wait(self, condition, what, server, backend, timeout):
        try:
            return wait_for(condition, what, timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.state(server, backend)} {self.log}") from None


def backend(port, *, health=None, server=None, name="be", **check):
    """A backend with one server on loopback, checked often."""
    check = {"inter": 100, "rise": 1, "fall": 1, **check}
    return Backend(name=name, health=health or HealthDialogue(), timeout_connect=5000,
                   timeout_check=check.pop("timeout", None),
                   servers=(Server(**{"name": "s", "host": "127.0.0.1", "port": port, "check": Check(**check),
                                      **(server or {})}),))


def config(*backends, **options):
    return Config(backends=backends, **options)
