"""A real worker process for tests: started as the supervisor does it, driven over its channel."""

import contextlib
import os
import select
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

from pyha.config.model import Bind, Config, Frontend
from pyha.control.messages import MESSAGE, Configure, Listener, Stop
from pyha.runtime.kernelgate import open_maps

ROOT = Path(__file__).resolve().parents[2]
_HEADER = struct.Struct("!II")


def wait_for(condition, what="the condition", timeout=20.0):
    """Poll until `condition()` is true, and return its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"waited {timeout} s for {what}"
        time.sleep(0.01)


class WorkerProcess:
    """One worker with a blocking end of its channel."""

    def __init__(self, *, stderr=None, prefix=()):
        ours, theirs = socket.socketpair()
        self.sock = ours
        self.messages = []
        self._received = b""
        self.process = subprocess.Popen(
            [*prefix, sys.executable, "-P", "-m", "pyha", "_child", "worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()], stderr=stderr, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        theirs.close()
        self.generation = 0
        self.maps = ()
        self.sockets = {}

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def close(self):
        for sock in self.sockets.values():
            sock.close()
        for maps in self.maps:
            maps.close()
        self.sock.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(3)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def send(self, message, fds=()):
        body = message.model_dump_json().encode()
        frame = _HEADER.pack(len(body), len(fds)) + body
        if fds:
            socket.send_fds(self.sock, [frame[:1]], list(fds))
            frame = frame[1:]
        self.sock.sendall(frame)

    def receive(self, timeout=0.0):
        """Read what has come; every message is kept in `messages`."""
        while select.select([self.sock], [], [], timeout)[0]:
            data = self.sock.recv(65536)
            if not data:
                return
            self._received += data
            timeout = 0.0
            while len(self._received) >= _HEADER.size:
                length, _ = _HEADER.unpack_from(self._received)
                if len(self._received) < _HEADER.size + length:
                    break
                self.messages.append(MESSAGE.validate_json(self._received[_HEADER.size : _HEADER.size + length]))
                self._received = self._received[_HEADER.size + length :]

    def last(self, kind):
        """The last message of that type, or None."""
        self.receive()
        return next((message for message in reversed(self.messages) if message.type == kind), None)

    def configure(self, config: Config, **kwargs):
        """Bind what is new, send a Configure and wait for the answer."""
        listeners, fds = [], []
        wanted = set()
        for frontend in config.frontends:
            for index, bind in enumerate(frontend.binds):
                key = (frontend.name, bind.host, bind.port)
                wanted.add(key)
                if key not in self.sockets:
                    self.sockets[key] = listening(bind)
                listeners.append(Listener(frontend=frontend.name, bind=index, host=bind.host, port=bind.port))
                fds.append(self.sockets[key].fileno())
        self.generation += 1
        self.maps = self.maps or open_maps(kwargs.get("kernel_path", "off"), 1)
        for maps in self.maps:
            fds.extend(maps.fds)
        kwargs["maps"] = bool(self.maps)
        self.send(Configure(generation=self.generation, config=config, listeners=tuple(listeners), **kwargs), fds)
        for key in self.sockets.keys() - wanted:
            self.sockets.pop(key).close()

        def answered():
            assert self.process.poll() is None, "the worker died"
            self.receive(0.05)
            answers = [m for m in self.messages if m.type in {"configured", "rejected"}]
            return [m for m in answers if m.generation == self.generation]

        answer = wait_for(answered, "the worker's answer")[0]
        assert answer.type == "configured", answer
        return answer

    def stop(self, grace=0.0):
        self.send(Stop(grace=grace))


def listening(bind: Bind):
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setblocking(False)
    sock.bind((bind.host, bind.port))
    sock.listen(4096)
    return sock


def free_port(host="127.0.0.1"):
    """A port that nobody listens on now."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


def frontend(port, backend="api", **options):
    return Frontend(name=options.pop("name", "front"), binds=(Bind(host=options.pop("host", "127.0.0.1"), port=port),),
                    default_backend=backend, **options)
