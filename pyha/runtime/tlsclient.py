"""TLS towards servers, as health checks need it: contexts made once, and a handshake over a non-blocking socket."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pyha.config.model import Tls
from pyha.errors import FitnessError
from pyha.health.dialogue import Connect, Script

_READ = 16 * 1024
SYSTEM_CA = "@system-ca"


class TlsContexts:
    """One SSLContext for each way to speak TLS that occurs (making one costs as much as a handshake)."""

    def __init__(self) -> None:
        self._contexts: dict[Tls, ssl.SSLContext] = {}

    def get(self, tls: Tls) -> ssl.SSLContext:
        """The context. Raises FitnessError when a file is missing or is not what it should be."""
        # Names do not change the context.
        key = tls.model_copy(update={"sni": None, "verifyhost": None})
        if key not in self._contexts:
            self._contexts[key] = _context(key)
        return self._contexts[key]


def _context(tls: Tls) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Names are checked after the handshake: `verifyhost` need not be the SNI that OpenSSL would check (`_check_name`).
    context.check_hostname = False
    if tls.verify == "none":
        context.verify_mode = ssl.CERT_NONE
    elif tls.ca_file is None:
        raise FitnessError("verify is on but no ca-file says which certificates to trust; add one, or say verify none")
    elif tls.ca_file == SYSTEM_CA:
        context.load_default_certs()
    else:
        try:
            if Path(tls.ca_file).is_dir():
                context.load_verify_locations(capath=tls.ca_file)
            else:
                context.load_verify_locations(cafile=tls.ca_file)
        except OSError as error:
            raise FitnessError(f"ca-file {tls.ca_file} cannot be used: {_why(error, 'certificate')}") from error
    if tls.crt is not None:
        try:
            context.load_cert_chain(tls.crt)
        except OSError as error:
            raise FitnessError(f"crt {tls.crt} cannot be used: {_why(error, 'certificate with its key')}") from error
    if tls.alpn:
        context.set_alpn_protocols(list(tls.alpn))
    return context


def _why(error: OSError, expected: str) -> str:
    if isinstance(error, ssl.SSLError):
        return f"it holds no readable PEM {expected}"
    return (error.strerror or str(error)).lower()


def tls_of(script: Script) -> list[Tls]:
    """The ways to speak TLS that a check uses."""
    return [step.tls for step in script.steps if isinstance(step, Connect) and step.tls is not None]


class WrongName(OSError):  # noqa: N818 - says what is wrong, not that we are
    """The certificate is good, but somebody else's. `str()` is HAProxy's sentence."""

    def __init__(self, kind: Literal["expected", "configured"]) -> None:
        super().__init__(f"Server presented an SSL certificate different from the {kind} one")


class TlsStream:
    """TLS over a connected non-blocking socket."""

    def __init__(self, sock: socket.socket, tls: Tls, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._tls = tls
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls_object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=tls.sni)

    async def handshake(self) -> None:
        """Shake hands and check who the server is. Raises OSError (ssl.SSLError is one)."""
        while True:
            try:
                self._tls_object.do_handshake()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            else:
                break
        await self._flush()
        if self._tls.verify == "required":
            self._check_name()

    async def send(self, data: bytes) -> None:
        """Send. Raises OSError."""
        self._tls_object.write(data)
        await self._flush()

    async def receive(self) -> bytes:
        """What comes next; empty at the end. Raises OSError."""
        while True:
            try:
                return self._tls_object.read(_READ)
            except ssl.SSLWantReadError:
                await self._fill()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""

    def close(self) -> None:
        """Say goodbye and close in order: a reset might overtake the handshake and show up in the server's log."""
        with contextlib.suppress(OSError):
            with contextlib.suppress(ssl.SSLError):
                self._tls_object.unwrap()
            self._sock.send(self._outgoing.read())
        self._sock.close()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await asyncio.get_running_loop().sock_sendall(self._sock, self._outgoing.read())

    async def _fill(self) -> None:
        data = await asyncio.get_running_loop().sock_recv(self._sock, _READ)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _check_name(self) -> None:
        # The name that the server was asked for counts before the one that `verifyhost` names, as HAProxy does it.
        name = self._tls.sni or self._tls.verifyhost
        if name is not None and not certificate_names(self._tls_object.getpeercert() or {}, name):
            raise WrongName("expected" if self._tls.sni else "configured")


def certificate_names(certificate: Mapping[str, Any], name: str) -> bool:
    """Whether a certificate names this host: RFC 6125 section 6.4, wildcards for one whole first label only.

    The common name counts only when there is no alternative name, as HAProxy does it.
    """
    alternatives = [value for kind, value in certificate.get("subjectAltName", ()) if kind in ("DNS", "IP Address")]
    if not alternatives:
        subject = certificate.get("subject", ())
        alternatives = [value for part in subject for kind, value in part if kind == "commonName"]
    wanted = name.lower().rstrip(".")
    _first, _dot, parent = wanted.partition(".")
    return any(known.lower() in (wanted, f"*.{parent}") for known in alternatives)
