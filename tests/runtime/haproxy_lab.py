"""A real haproxy for tests: what it logs and what its statistics say."""

import csv
import re
import shutil
import socket
import subprocess
import threading

from tests.runtime.worker_lab import wait_for

HAPROXY = shutil.which("haproxy")


class SyslogSink:
    """Takes messages by UDP: (level, text) in `lines`."""

    def __init__(self):
        self.lines = []
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while data := self._sock.recv(65536):
            priority, text = re.fullmatch(rb"<(\d+)>.*? haproxy\[\d+\]: (.*)\n", data).groups()
            assert int(priority) >> 3 == 16  # local0
            self.lines.append((int(priority) & 7, text.decode()))

    def close(self):
        # An empty datagram ends the thread.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", ("127.0.0.1", self.port))
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


class Haproxy:
    """haproxy in the foreground with `body` after a short global section; its log arrives in `lines`."""

    def __init__(self, directory, body):
        self._syslog = SyslogSink()
        self.lines = self._syslog.lines
        self.socket_path = directory / "haproxy.sock"
        config = directory / "haproxy.cfg"
        config.write_text(f"global\n    log 127.0.0.1:{self._syslog.port} local0\n"
                          f"    stats socket {self.socket_path} level admin\n{body}")
        with (directory / "haproxy.err").open("wb") as err:
            self.process = subprocess.Popen([HAPROXY, "-db", "-f", config], stderr=err, cwd=directory)
        wait_for(self.socket_path.exists, "haproxy")

    def command(self, text):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(self.socket_path))
            sock.sendall(text.encode() + b"\n")
            answer = b""
            while data := sock.recv(65536):
                answer += data
        return answer.decode()

    def stat(self):
        """(backend, server) -> row of `show stat`."""
        text = self.command("show stat").removeprefix("# ").strip()
        return {(row["pxname"], row["svname"]): row for row in csv.DictReader(text.splitlines())}

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        self._syslog.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()
