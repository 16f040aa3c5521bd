"""haproxy and a worker of ours reading the same haproxy.cfg."""

import contextlib
import os
import socket
import subprocess
import time

from pyha.cli.files import DiskReader
from pyha.config.load import load
from pyha.config.source import Source
from tests.runtime.side_by_side import Balancer, Log, free_ports
from tests.runtime.worker_lab import WorkerProcess, wait_for

HEAD = """
global
    log 127.0.0.1:{log} local0
    maxconn 500
    nbthread 1
defaults
    mode tcp
    log global
    option tcplog
    timeout client 2s
    timeout connect 1s
    timeout server 2s
"""


def loaded(text):
    """The model of a haproxy.cfg that has no problem worth mentioning."""
    result = load([Source("haproxy.cfg", text, "haproxy")], os.environ, DiskReader())
    assert result.config is not None, [str(problem) for problem in result.problems]
    return result.config


@contextlib.contextmanager
def balancer(kind, body, frontends, servers, directory):
    """`body` is formatted with the port of each of `frontends` and `servers` by name.

    The first frontend must log a client that says nothing.
    """
    log = Log()
    ports = dict(zip(frontends, free_ports(len(frontends)), strict=True))
    text = (HEAD + body).format(log=log.port, dir=directory, **ports, **servers)
    try:
        if kind == "haproxy":
            file = directory / "haproxy.cfg"
            file.write_text(text)
            with (directory / "haproxy.out").open("w+") as output, \
                    subprocess.Popen(["haproxy", "-db", "-f", str(file)], stdout=output, stderr=output) as process:
                try:
                    def listening():
                        assert process.poll() is None, (directory / "haproxy.out").read_text()
                        return not socket.socket().connect_ex(("127.0.0.1", next(iter(ports.values()))))

                    wait_for(listening, "haproxy")
                    wait_for(log.read, "the line about that")
                    time.sleep(0.05)
                    log.read()
                    log.lines.clear()
                    yield Balancer(kind, ports, log, process, process.pid)
                finally:
                    process.kill()
        else:
            with WorkerProcess() as worker:
                worker.configure(loaded(text))
                yield Balancer(kind, ports, log, worker, worker.process.pid)
    finally:
        log.sock.close()
