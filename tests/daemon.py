"""A whole pyha under test, started as operators start it, and servers for it to balance to."""

import contextlib
import json
import os
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path

PROGRAM = [sys.executable, "-P", "-m", "pyha"]


def pyha(*arguments, env=None, cwd=None):
    """Run one command to its end."""
    return subprocess.run([*PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60, cwd=cwd,
                          env={**os.environ, **(env or {})}, check=False)


def wait_until(condition, what, within=30.0):
    """The result of `condition` as soon as it is true."""
    end = time.monotonic() + within
    while not (result := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:g} s: {what() if callable(what) else what}")
        time.sleep(0.02)
    return result


def free_port(host="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


def alive(pid):
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def refused(port, host="127.0.0.1"):
    """Whether nobody listens there."""
    try:
        socket.create_connection((host, port), timeout=5).close()
    except ConnectionRefusedError:
        return True
    return False


class Daemon:
    """`pyha run` with files in a directory of its own; `with` ends it, whatever happened."""

    @staticmethod
    def command(name):
        """The words that run one of pyha's commands."""
        return [*PROGRAM, name]

    def __init__(self, directory, haproxy=None, keepalived=None, prefix=(), options=(), log=None):
        self.directory = Path(directory)
        self.runtime = self.directory / "run"
        self.env = {"PYHA_RUNTIME_DIR": str(self.runtime)}
        self.log_path = Path(log or self.directory / "pyha.log")
        self.files = []
        for option, name, text in (("-f", "haproxy.cfg", haproxy), ("-k", "keepalived.conf", keepalived)):
            if text is not None:
                (self.directory / name).write_text(text)
                self.files += [option, str(self.directory / name)]
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen([*prefix, *PROGRAM, "run", *self.files, *options], stdout=log,
                                            stderr=subprocess.STDOUT, env={**os.environ, **self.env})
        self.pids = set()
        try:
            self.wait_running()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()

    def wait_running(self):
        wait_until(self._is_up, lambda: f"running: {self.log}")
        assert self.process.poll() is None, self.log
        self.children()

    def _is_up(self):
        if self.process.poll() is not None:
            return True
        # Where the log is not kept, the control socket is the first sign of life; listeners are bound before it.
        return "running: " in self.log if self.log_path.is_file() else self.ask("status").returncode == 0

    @property
    def log(self):
        return self.log_path.read_text() if self.log_path.is_file() else "(not kept)"

    def ask(self, *arguments):
        return pyha(*arguments, env=self.env)

    def status(self):
        done = self.ask("status", "--json")
        assert done.returncode == 0, done.stderr + self.log
        return json.loads(done.stdout)

    def children(self, role=None):
        """The pids of the children, of one role if named."""
        found = [process["pid"] for process in self.status()["processes"]
                 if process["role"] == role or (role is None and process["role"] != "supervisor")]
        self.pids.update(found)
        return found

    def server(self, name, backend=0):
        return next(s for s in self.status()["backends"][backend]["servers"] if s["name"] == name)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, within=30.0):
        """TERM, and the exit code."""
        self.signal(signal.SIGTERM)
        return self.process.wait(within)

    def close(self):
        if self.process.poll() is None:
            with contextlib.suppress(Exception):
                self.children()
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in self.pids:  # only ours, and only when the supervisor failed to end them
            if alive(pid) and b"_child" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)


class Origin:
    """A server that answers every line with its name, and HTTP requests with 200 and its name."""

    def __init__(self, name, port=0):
        self.name, self.ready = name, True
        origin = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                with contextlib.suppress(OSError):
                    for line in self.rfile:
                        if line.startswith((b"GET ", b"OPTIONS ", b"HEAD ")):
                            code = "200 OK" if origin.ready else "503 Service Unavailable"
                            body = f"{origin.name}\n".encode()
                            self.wfile.write(f"HTTP/1.0 {code}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                            return
                        self.wfile.write(f"{origin.name}: ".encode() + line)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            request_queue_size = 512

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


class Client:
    """One connection that speaks lines."""

    def __init__(self, port, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), timeout=20)
        self.file = self.sock.makefile("rb")

    def ask(self, text="hello"):
        self.sock.sendall(text.encode() + b"\n")
        return self.file.readline().decode().strip()

    def close(self):
        self.file.close()
        self.sock.close()
