"""Sockets that the kernel relays by itself: two SOCKHASH maps and a verdict program, through bpf(2).

`targets`: cookie of a socket -> the socket of its peer; `active`: cookie -> the socket itself, with the program
attached. Whatever arrives at a socket in `active` is redirected to what `targets` says. Two maps, because with one
whatever arrives between two insertions would find no target and be dropped.

Creating these needs CAP_BPF and CAP_NET_ADMIN (or root); putting sockets into them needs nothing.
"""

import contextlib
import ctypes
import os
import platform
import struct
from _socket import socket as Socket  # noqa: N812 - the class without the wrapper

_SYSCALL = {"x86_64": 321, "aarch64": 280}
_MAP_CREATE, _MAP_UPDATE, _MAP_DELETE, _PROG_LOAD, _PROG_ATTACH = 0, 2, 3, 5, 8
_SOCKHASH, _SK_SKB, _STREAM_VERDICT = 18, 14, 5
_GET_SOCKET_COOKIE, _SK_REDIRECT_HASH = 46, 72
_SOL_SOCKET, _SO_COOKIE, _SO_RCVLOWAT = 1, 57, 18
_ATTRIBUTE_SIZE = 144
_ENTRIES = 131072


class Maps:
    """The two maps and the program. OSError when the kernel or the privileges do not allow it."""

    def __init__(self, entries: int = _ENTRIES) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.syscall.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint]
        number = _SYSCALL.get(platform.machine())
        if number is None:
            raise OSError(f"the number of bpf(2) on {platform.machine()} is not known here")
        self._number = number
        self._fds: list[int] = []
        try:
            for _ in range(2):
                self._fds.append(self._call(_MAP_CREATE, struct.pack("=IIIII", _SOCKHASH, 8, 4, entries, 0)))
            targets, active = self._fds
            program = self._load(_verdict(targets))
            self._fds.append(program)
            self._call(_PROG_ATTACH, struct.pack("=IIII", active, program, _STREAM_VERDICT, 0))
        except OSError:
            self.close()
            raise
        self._key, self._value = ctypes.c_uint64(), ctypes.c_uint32()
        self._targets, self._active = self._entry(targets), self._entry(active)

    def close(self) -> None:
        """Give the maps back; connections that are in them stop."""
        while self._fds:
            os.close(self._fds.pop())

    def join(self, one: Socket, other: Socket) -> None:
        """From now on the kernel carries what arrives at either to the other.

        Both must be established and dry: nothing in their receive queues, nothing kept for them. OSError: nothing has
        changed (EOPNOTSUPP: no longer established). ConnectionAbortedError: half of it was done, close both.
        """
        cookie_one, cookie_other = (_cookie(sock) for sock in (one, other))
        try:
            self._set(self._targets, cookie_one, other.fileno())
            self._set(self._targets, cookie_other, one.fileno())
            self._set(self._active, cookie_one, one.fileno())
        except OSError:
            self._delete(cookie_one)
            self._delete(cookie_other)
            raise
        try:
            self._set(self._active, cookie_other, other.fileno())
        except OSError as error:
            raise ConnectionAbortedError(*error.args) from error
        for sock in (one, other):
            # Rings data-ready, so that what arrived between the look and the insertion is carried as well.
            sock.setsockopt(_SOL_SOCKET, _SO_RCVLOWAT, 1)

    def _entry(self, fd: int) -> ctypes.Array[ctypes.c_char]:
        key, value = ctypes.addressof(self._key), ctypes.addressof(self._value)
        return ctypes.create_string_buffer(struct.pack("=IIQQQ", fd, 0, key, value, 0), _ATTRIBUTE_SIZE)

    def _set(self, entry: ctypes.Array[ctypes.c_char], cookie: int, fd: int) -> None:
        self._key.value, self._value.value = cookie, fd
        self._run(_MAP_UPDATE, entry, 32)

    def _delete(self, cookie: int) -> None:
        self._key.value = cookie
        with contextlib.suppress(OSError):
            self._run(_MAP_DELETE, self._targets, 32)

    def _load(self, code: bytes) -> int:
        log = ctypes.create_string_buffer(65536)
        text = ctypes.create_string_buffer(code, len(code))
        licence = ctypes.create_string_buffer(b"GPL")
        attribute = struct.pack(
            "=IIQQIIQII", _SK_SKB, len(code) // 8, ctypes.addressof(text), ctypes.addressof(licence), 1, len(log),
            ctypes.addressof(log), 0, 0,
        )  # fmt: skip
        return self._call(_PROG_LOAD, attribute)

    def _call(self, command: int, attribute: bytes) -> int:
        return self._run(command, ctypes.create_string_buffer(attribute, _ATTRIBUTE_SIZE), _ATTRIBUTE_SIZE)

    def _run(self, command: int, attribute: ctypes.Array[ctypes.c_char], size: int) -> int:
        result = int(self._libc.syscall(self._number, command, ctypes.addressof(attribute), size))
        if result < 0:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error))
        return result


def _cookie(sock: Socket) -> int:
    return int(struct.unpack("=Q", sock.getsockopt(_SOL_SOCKET, _SO_COOKIE, 8))[0])


def _instruction(code: int, target: int = 0, source: int = 0, offset: int = 0, immediate: int = 0) -> bytes:
    return struct.pack("=BBhi", code, source << 4 | target, offset, immediate)


def _verdict(targets: int) -> bytes:
    """Drop what has no length (a bare FIN, which is passed on by shutdown), redirect everything else."""
    return b"".join((
        _instruction(0xBF, 6, 1),  # r6 = context
        _instruction(0x61, 2, 1, 0),  # r2 = context->len
        _instruction(0xB7, 0, immediate=0),  # r0 = SK_DROP
        _instruction(0x15, 2, 0, 9),  # if r2 == 0 goto exit
        _instruction(0x85, immediate=_GET_SOCKET_COOKIE),  # r0 = cookie(context)
        _instruction(0x7B, 10, 0, -8),  # stack[-8] = r0
        _instruction(0xBF, 1, 6),  # r1 = context
        _instruction(0x18, 2, 1, 0, targets),  # r2 = map, two instructions long
        _instruction(0),
        _instruction(0xBF, 3, 10),  # r3 = stack
        _instruction(0x07, 3, immediate=-8),  # r3 -= 8: the key
        _instruction(0xB7, 4, immediate=0),  # r4 = flags: the peer's egress
        _instruction(0x85, immediate=_SK_REDIRECT_HASH),
        _instruction(0x95),  # exit
    ))  # fmt: skip
