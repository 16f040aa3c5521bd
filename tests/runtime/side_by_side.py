"""haproxy and a worker of ours with the same configuration: what the client sees and what is logged."""

import contextlib
import random
import re
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass

from pyha.config.model import Backend, Bind, Config, Frontend, Global, LogPolicy, LogTarget, Server
from tests.runtime.worker_lab import WorkerProcess, wait_for

_RESET = struct.pack("ii", 1, 0)


def reset(sock):
    """Close with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    sock.close()


# -- servers of every character --------------------------------------------------------------------------------------


def echo(conn):
    while data := conn.recv(65536):
        conn.sendall(data)


def answer_at_the_end(conn):
    received = b""
    while data := conn.recv(65536):
        received += data
    conn.sendall(b"got %d" % len(received))


def reset_at_once(conn):
    conn.recv(1)
    reset(conn)


def reset_in_the_middle(conn):
    conn.recv(65536)
    conn.sendall(b"half an ans")
    time.sleep(0.1)
    reset(conn)


def close_first(conn):
    conn.recv(65536)
    conn.sendall(b"bye")
    conn.shutdown(socket.SHUT_WR)
    conn.recv(65536)


def silent(conn):
    while conn.recv(65536):
        pass


def ignores_the_end(conn):
    while conn.recv(65536):
        pass
    time.sleep(6)


def flood(conn):
    conn.recv(1)
    with contextlib.suppress(OSError):
        while True:
            conn.sendall(b"x" * 65536)


class StandIn:
    """A server on loopback; one thread a connection."""

    def __init__(self, behave):
        self.behave = behave
        self.sock = socket.create_server(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.connections = 0
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = self.sock.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(conn,), daemon=True).start()

    def _serve(self, conn):
        with contextlib.suppress(OSError), conn:
            self.behave(conn)

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class Deaf:
    """A server whose queue is full: connections to it are never answered."""

    def __init__(self):
        self.sock = socket.socket()
        self.sock.bind(("127.0.0.1", 0))
        self.sock.listen(0)
        self.port = self.sock.getsockname()[1]
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", self.port))
            self.fillers.append(filler)
        time.sleep(0.05)

    def close(self):
        for sock in (*self.fillers, self.sock):
            sock.close()


# -- the two balancers -----------------------------------------------------------------------------------------------


class Log:
    """A syslog server on UDP."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.sock.settimeout(0.05)
        self.lines = []

    def read(self):
        with contextlib.suppress(TimeoutError):
            while True:
                self.lines.append(self.sock.recv(65536).decode().rstrip("\n"))
        return self.lines

    def of(self, name):
        """The lines about that frontend."""
        return [line for line in self.read() if re.search(rf"\] {name} |\({name}/", line)]


@dataclass
class Balancer:
    """One of the two, with a port for every frontend."""

    kind: str
    ports: dict
    log: Log
    process: object
    pid: int

    def connect(self, name, **options):
        sock = socket.create_connection(("127.0.0.1", self.ports[name]), 10, **options)
        sock.settimeout(10)
        return sock


def free_ports(count):
    """Below those that the kernel gives to whoever connects, so that they are still free when they are needed."""
    held = []
    with contextlib.ExitStack() as stack:
        while len(held) < count:
            sock = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                sock.bind(("127.0.0.1", random.randrange(12000, 32000)))
                held.append(sock)
        return [sock.getsockname()[1] for sock in held]


@contextlib.contextmanager
def balancer(kind, frontends, backends, directory):
    """Start it. The log of every frontend goes to `Balancer.log`, at tcplog unless its policy says something else."""
    log = Log()
    target = LogTarget(kind="udp", host="127.0.0.1", port=log.port)
    ports = dict(zip((frontend.name for frontend in frontends), free_ports(len(frontends)), strict=True))
    ready = tuple(
        frontend.model_copy(update={
            "binds": (Bind(host="127.0.0.1", port=ports[frontend.name]),),
            "log": frontend.log.model_copy(update={"targets": (target,)}),
        })
        for frontend in frontends
    )
    config = Config(settings=Global(maxconn=500), frontends=ready, backends=tuple(backends))
    if kind == "haproxy":
        file = directory / "haproxy.cfg"
        file.write_text(haproxy_cfg(config, log.port))
        output = (directory / "haproxy.out").open("w+")
        with subprocess.Popen(["haproxy", "-db", "-f", str(file)], stdout=output, stderr=output) as process:
            try:
                def listening():
                    assert process.poll() is None, (directory / "haproxy.out").read_text()
                    return not socket.socket().connect_ex(("127.0.0.1", next(reversed(ports.values()))))

                wait_for(listening, "haproxy")
                time.sleep(0.05)
                log.read()
                log.lines.clear()
                yield Balancer(kind, ports, log, process, process.pid)
            finally:
                process.kill()
    else:
        with WorkerProcess() as worker:
            worker.configure(config)
            yield Balancer(kind, ports, log, worker, worker.process.pid)
    log.sock.close()


def haproxy_cfg(config, log_port):
    """The same configuration in haproxy's language, as far as these tests use it."""
    lines = ["global", f" log 127.0.0.1:{log_port} local0", f" maxconn {config.settings.maxconn}",
             " nbthread 1"]  # several accept in any order
    for frontend in config.frontends:
        lines += [f"frontend {frontend.name}", " mode tcp", " log global"]
        lines += [f" bind {bind.host}:{bind.port}" for bind in frontend.binds]
        if frontend.default_backend:
            lines.append(f" default_backend {frontend.default_backend}")
        lines += _timeouts(frontend, "client", "client_fin")
        if frontend.maxconn:
            lines.append(f" maxconn {frontend.maxconn}")
        lines += _log(frontend.log)
    for backend in config.backends:
        lines += [f"backend {backend.name}", " mode tcp", f" retries {backend.retries}",
                  f" balance {backend.balance.algorithm}", f" hash-type {backend.balance.hash_type}"]
        lines += [" option redispatch"] * backend.redispatch + [" option allbackups"] * backend.allbackups
        lines += _timeouts(backend, "connect", "server", "server_fin", "tunnel", "queue")
        lines += [_server(server) for server in backend.servers]
    return "\n".join(lines) + "\n"


def _timeouts(section, *names):
    return [f" timeout {name.replace('_', '-')} {value}ms" for name in names
            if (value := getattr(section, f"timeout_{name}")) is not None]


def _log(policy: LogPolicy):
    words = {"tcplog": [" option tcplog"], "connect": [], "custom": [f' log-format "{policy.custom}"']}[policy.format]
    words += [" option dontlognull"] * policy.dontlognull + [" option dontlog-normal"] * policy.dontlog_normal
    return words + [" option logasap"] * policy.asap + [" option log-separate-errors"] * policy.separate_errors


def _server(server: Server):
    words = f" server {server.name} {server.host}:{server.port} weight {server.weight}"
    words += f" maxconn {server.maxconn}" if server.maxconn else ""
    words += f" maxqueue {server.maxqueue}" if server.maxqueue else ""
    return words + " backup" * server.backup + " disabled" * server.disabled


# -- what comes out --------------------------------------------------------------------------------------------------

_TCPLOG = re.compile(
    r"<(?P<priority>\d+)>.{15} haproxy\[\d+\]: 127\.0\.0\.1:\d+ \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d\.\d{3}\] "
    r"(?P<frontend>\S+) (?P<backend>[^/]+)/(?P<server>\S+) (?P<Tw>-?\d+)/(?P<Tc>-?\d+)/(?P<Tt>\+?\d+) "
    r"(?P<bytes>\+?\d+) (?P<code>\S\S) (?P<counts>\d+/\d+/\d+/\d+)/(?P<retries>\+?\d+) (?P<queues>\d+/\d+)"
)


def parsed(line):
    """The fields of a tcplog line; the whole of it must be one."""
    match = _TCPLOG.fullmatch(line)
    assert match, line
    return match.groupdict()


def ending(sock):
    """What is left to read, and how it ends."""
    received = b""
    try:
        while data := sock.recv(65536):
            received += data
    except ConnectionResetError:
        return received, "reset"
    except TimeoutError:
        return received, "open"
    return received, "end"


def backend(name, *servers, **options):
    options.setdefault("timeout_connect", 400)
    options.setdefault("timeout_server", 3000)
    options.setdefault("retries", 1)
    return Backend(name=name, servers=servers, **options)


def server(port, name="s1", **options):
    return Server(name=name, host="127.0.0.1", port=port, **options)


def front(name, to=None, *, log=None, **options):
    options.setdefault("timeout_client", 3000)
    policy = LogPolicy(**({"format": "tcplog"} | (log or {})))
    return Frontend(name=name, default_backend=to or name, log=policy, **options)
