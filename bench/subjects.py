"""What is measured: nothing in between, haproxy, and pyha, all in front of the same nginx.

The balancer has the first CPU and wrk the second, nginx takes what is left of both; with more CPUs it has the others.
So on a machine with two, whoever uses less CPU also leaves more to nginx: the rates are those of the whole machine.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# One configuration for both balancers; only the port that clients connect to differs.
HAPROXY_CFG = """\
global
    maxconn 9000
    nbthread 1

defaults
    mode tcp
    timeout connect 5s
    timeout client 1m
    timeout server 1m

frontend bench
    bind 127.0.0.1:{port}
    default_backend origin

backend origin
    balance roundrobin
    server one 127.0.0.1:{origin}
    server two 127.0.0.1:{origin}
"""

NGINX_CONF = """\
worker_processes 1;
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    sendfile on;
    keepalive_requests 1000000000;
    server {{
        listen 127.0.0.1:{port} backlog=8192;
        location / {{ return 200 "hello, this answer is about as long as that of a health check\\n"; }}
        location /large {{ root {directory}; }}
    }}
}}
"""

LARGE = 16 * 1024 * 1024
"""Bytes of the large answer."""


@dataclass
class Subject:
    """Something that listens on a port; `process` is None for the origin itself."""

    name: str
    port: int
    process: subprocess.Popen | None = None
    output: Path | None = None

    def stop(self) -> None:
        """End it and wait."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def pinned(command: list[str], cpus: set[int]) -> list[str]:
    """The command on these CPUs only."""
    return ["taskset", "-c", ",".join(map(str, sorted(cpus))), *command]


def cpus() -> tuple[set[int], set[int], set[int]]:
    """For balancers, for wrk, for nginx."""
    have = sorted(os.sched_getaffinity(0))
    return set(have[:1]), set(have[1:2] or have), set(have[2:] or have)


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def origin(directory: Path) -> Subject:
    """nginx with one worker, a small and a large answer."""
    port = free_port()
    (directory / "large").write_bytes(os.urandom(LARGE))
    config = directory / "nginx.conf"
    config.write_text(NGINX_CONF.format(port=port, directory=directory))
    directory.chmod(0o755)
    return _run(Subject("direct", port, output=directory / "nginx.out"), ["nginx", "-c", str(config)], cpus()[2])


def haproxy(directory: Path, to: int) -> Subject:
    """The real one, in its default single-process mode."""
    port = free_port()
    config = directory / "haproxy.cfg"
    config.write_text(HAPROXY_CFG.format(port=port, origin=to))
    command = ["haproxy", "-db", "-f", str(config)]
    return _run(Subject("haproxy", port, output=directory / "haproxy.out"), command, cpus()[0])


def pyha(directory: Path, to: int, kernel_path: str = "auto") -> Subject:
    """`pyha run` with the same file, one worker."""
    port = free_port()
    config = directory / f"pyha-{port}.cfg"
    config.write_text(HAPROXY_CFG.format(port=port, origin=to))
    environment = {**os.environ, "PYHA_RUNTIME_DIR": str(directory / f"run-{port}"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "pyha", "run", "-f", str(config), "--kernel-path", kernel_path]
    name = "pyha" if kernel_path == "auto" else f"pyha, kernel path {kernel_path}"
    return _run(Subject(name, port, output=directory / f"pyha-{port}.out"), command, cpus()[0], environment)


def _run(subject: Subject, command: list[str], on: set[int], environment: dict[str, str] | None = None) -> Subject:
    assert subject.output is not None
    with subject.output.open("w") as sink:
        subject.process = subprocess.Popen(pinned(command, on), stdout=sink, stderr=sink, env=environment)
    end = time.monotonic() + 15
    while time.monotonic() < end:
        if subject.process is not None and subject.process.poll() is not None:
            break
        try:
            with socket.create_connection(("127.0.0.1", subject.port), 1) as sock:
                sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                if sock.recv(1):
                    return subject
        except OSError:
            time.sleep(0.05)
    subject.stop()
    last = subject.output.read_text()[-1000:] if subject.output else ""
    raise SystemExit(f"{subject.name} does not answer on port {subject.port}\n{last}")
