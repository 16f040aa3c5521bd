"""The control socket: how `pyha status` and `pyha reload` speak with the running pyha.

One request a connection: a line of JSON `{"command": "status"}` is answered by a line `{"ok": true, "result": ...}` or
`{"ok": false, "error": "..."}`. The directory belongs to one running pyha at a time (flock), and the kernel lets go
of it however that one ends.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from pyha.errors import ControlError, FitnessError

Handler = Callable[[], Awaitable[dict[str, Any]]]

_TIMEOUT = 60.0  # seconds; a reload waits for every process
_LONGEST_REQUEST = 64 * 1024


def runtime_directory() -> Path:
    """Where run-time files live: $PYHA_RUNTIME_DIR, else /run/pyha."""
    return Path(os.environ.get("PYHA_RUNTIME_DIR") or "/run/pyha")


class ControlSocket:
    """The server side. Raises FitnessError when another pyha uses the directory or it cannot be made."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / "control.sock"
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise FitnessError(
                f"cannot use the run-time directory {directory}: {error.strerror}; run as root, or name another one in "
                "PYHA_RUNTIME_DIR"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip()
            raise FitnessError(
                f"another pyha is running with the run-time directory {directory}"
                + (f" (pid {owner})" if owner else "") + "; PYHA_RUNTIME_DIR chooses a different one"
            ) from error
        with contextlib.suppress(OSError):  # a full disk: the pid is only there for the sentence above
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)
        self._server: asyncio.Server | None = None
        self._handlers: Mapping[str, Handler] = {}

    async def serve(self, handlers: Mapping[str, Handler]) -> None:
        """Answer requests from now on. Only the owner of this process and its group may connect."""
        self._handlers = handlers
        self._path.unlink(missing_ok=True)
        before = os.umask(0o117)
        try:
            self._server = await asyncio.start_unix_server(self._answer, self._path, limit=_LONGEST_REQUEST)
        except OSError as error:
            raise FitnessError(f"cannot open the control socket {self._path}: {error.strerror or error}") from error
        finally:
            os.umask(before)

    def close(self) -> None:
        """Stop answering and leave nothing behind."""
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)
        os.close(self._lock)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, TimeoutError):  # the asker went away: its own affair
            try:
                line = await asyncio.wait_for(reader.readline(), _TIMEOUT)
                command = json.loads(line)["command"]
                handler = self._handlers[command]
            except (ValueError, LookupError, TypeError):
                reply: dict[str, Any] = {"ok": False, "error": f"expected a command of {sorted(self._handlers)}"}
            else:
                reply = {"ok": True, "result": await handler()}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        writer.close()


def ask(command: str) -> dict[str, Any]:
    """Ask the running pyha. Raises ControlError when there is none or it does not answer."""
    path = runtime_directory() / "control.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(_TIMEOUT)
        try:
            sock.connect(str(path))
            sock.sendall(json.dumps({"command": command}).encode() + b"\n")
            answer = b"".join(iter(lambda: sock.recv(1 << 16), b""))
        except PermissionError as error:
            raise ControlError(f"not permitted to use {path}; run as root") from error
        except OSError as error:
            raise ControlError(
                f"no pyha answers at {path}: {error.strerror or error}; is it running? "
                "PYHA_RUNTIME_DIR says where to ask"
            ) from error
    if not answer:
        raise ControlError("pyha ended before it had answered")
    reply = json.loads(answer)
    if not reply["ok"]:
        raise ControlError(reply["error"])
    result: dict[str, Any] = reply["result"]
    return result
