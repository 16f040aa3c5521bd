"""Servers that behave well or badly, for health checks to find out; each remembers what was said to it."""

import contextlib
import socket
import ssl
import struct
import subprocess
import threading
import time

HEAD_END = b"\r\n\r\n"


class Standin:
    """Accepts on a port of its own and gives every connection to `behaviour(sock)` in a thread.

    `heard` has the bytes of every connection that said something, in the order in which they ended.
    """

    def __init__(self, behaviour, port=0, host="127.0.0.1"):
        self.behaviour = behaviour
        self.heard = []
        self.accepted = 0
        self._open = set()
        self._sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind((host, port))
        self._sock.listen(256)
        self.port = self._sock.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            self.accepted += 1
            self._open.add(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        talk = Talk(sock)
        try:
            with contextlib.suppress(OSError):
                self.behaviour(talk)
        finally:
            self._open.discard(sock)
            with contextlib.suppress(OSError):
                talk.sock.close()
            if talk.heard:
                self.heard.append(talk.heard)

    def close(self):
        # shutdown wakes the thread in accept; close alone would leave it, and the port, until the next client.
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()
        for sock in list(self._open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_exc):
        self.close()


class Talk:
    """One connection, as a behaviour sees it."""

    def __init__(self, sock):
        self.sock = sock
        self.heard = b""

    def read_until(self, end):
        while end not in self.heard:
            data = self.sock.recv(4096)
            if not data:
                return False
            self.heard += data
        return True

    def read_all(self):
        while data := self.sock.recv(4096):
            self.heard += data

    def say(self, data):
        self.sock.sendall(data)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


# -- behaviours --------------------------------------------------------------------------------------------------------


def http(answer):
    """Reads a request and gives this answer."""
    def behaviour(talk):
        if talk.read_until(HEAD_END):
            talk.say(answer)
    return behaviour


def status(code, reason="Whatever", body=b"", headers=""):
    """An HTTP/1.1 answer."""
    head = f"HTTP/1.1 {code} {reason}\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n"
    return head.encode() + body


def silent(talk):
    """Takes everything and says nothing."""
    talk.read_all()


def closing(talk):
    """Hangs up at once."""


def resetting(talk):
    """Resets as soon as it hears something."""
    talk.heard += talk.sock.recv(4096)
    talk.reset()


def greeting(data):
    """Speaks first, then listens."""
    def behaviour(talk):
        talk.say(data)
        talk.read_all()
    return behaviour


def hears(end, answer):
    """Waits for some bytes, then answers."""
    def behaviour(talk):
        if talk.read_until(end):
            talk.say(answer)
            talk.read_all()
    return behaviour


def dripping(answer, pause):
    """Reads a request, then answers one byte at a time."""
    def behaviour(talk):
        talk.read_until(HEAD_END)
        for at in range(len(answer)):
            talk.say(answer[at:at + 1])
            time.sleep(pause)
    return behaviour


def tls(context, behaviour, names=None):
    """The same over TLS. `names` collects the SNI of every client."""
    if names is not None:
        context.sni_callback = lambda _ssl, name, _context: names.append(name)

    def wrapped(talk):
        talk.sock = context.wrap_socket(talk.sock, server_side=True)
        behaviour(talk)
    return wrapped


class Refusing:
    """A port on which nobody listens, kept so that nobody else does."""

    def __init__(self):
        self._sock = socket.socket()
        self._sock.bind(("127.0.0.1", 0))
        self.port = self._sock.getsockname()[1]
        self.heard = []

    def close(self):
        self._sock.close()


# -- certificates ------------------------------------------------------------------------------------------------------


class Certificates:
    """An authority and what it signed, made by openssl in a directory: files `ca.pem`, `NAME.pem` (chain and key)."""

    def __init__(self, directory):
        self.directory = directory
        self.ca = self._authority("ca")
        self.other_ca = self._authority("other-ca")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.directory)

    def _authority(self, name):
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                      "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
        return self.directory / f"{name}.pem"

    def make(self, name, *, names="DNS:api.example.com,IP:127.0.0.1", ca="ca", expired=False):
        """A certificate with its key in one file."""
        config = self.directory / f"{name}.cnf"
        (self.directory / f"{name}.index").write_text("")
        config.write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={name}.index\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\n"
            f"policy=p\nemail_in_dn=no\nunique_subject=no\n[p]\ncommonName=supplied\n[x]\nsubjectAltName={names}\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        end = "20200201000000Z" if expired else "20440101000000Z"
        self._openssl("ca", "-batch", "-notext", "-config", config, "-extensions", "x", "-cert", f"{ca}.pem",
                      "-keyfile", f"{ca}.key", "-startdate", "20200101000000Z", "-enddate", end,
                      "-in", f"{name}.csr", "-out", f"{name}.crt")
        path = self.directory / f"{name}.pem"
        path.write_text((self.directory / f"{name}.crt").read_text() + (self.directory / f"{name}.key").read_text())
        return path

    def server(self, name, *, client_ca=None, **options):
        """A server's context with such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.make(name, **options))
        if client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(client_ca)
        return context
