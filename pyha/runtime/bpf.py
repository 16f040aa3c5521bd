"""Sockets that the kernel relays by itself: two SOCKHASH maps and a verdict program, through bpf(2).

`targets`: cookie of a socket -> the socket of its peer; `active`: cookie -> the socket itself, with the program
attached. Whatever arrives at a socket in `active` is redirected to what `targets` says. Two maps, because with one
whatever arrives between two insertions would find no target and be dropped.

The kernel takes what arrives whether or not the peer takes it, without a bound: a reader that sleeps would fill the
memory. So the program tells of every socket that sent another `TOLD_AFTER` bytes (in `ring`), and whoever holds the
sockets looks whether they arrived, and takes it out of `active` when they did not.

Creating these needs CAP_BPF and CAP_NET_ADMIN (or root); putting sockets into them and reading the ring needs nothing.
So the supervisor creates them, once for each worker. The kernel takes a socket out of the maps when it is closed; one
that somebody holds goes on for as long as somebody holds the maps.
"""

import contextlib
import ctypes
import mmap
import os
import platform
import struct
from _socket import socket as Socket  # noqa: N812 - the class without the wrapper
from itertools import starmap

TOLD_AFTER = 1024 * 1024
"""Bytes of one socket between two notes in the ring."""
FDS = 3
"""Descriptors of one `Maps`."""

_SYSCALL = {"x86_64": 321, "aarch64": 280}
_MAP_CREATE, _MAP_UPDATE, _MAP_DELETE, _PROG_LOAD, _PROG_ATTACH = 0, 2, 3, 5, 8
_ARRAY, _SOCKHASH, _RINGBUF = 2, 18, 27
_SK_SKB, _STREAM_VERDICT = 14, 5
_MAP_LOOKUP, _GET_SOCKET_COOKIE, _SK_REDIRECT_HASH, _RINGBUF_OUTPUT = 1, 46, 72, 130  # helper functions
_SOL_SOCKET, _SO_COOKIE, _SO_RCVLOWAT = 1, 57, 18
_ATTRIBUTE_SIZE = 144
_ATTEMPTS = 5
_ENTRIES = 65536  # of each map, two a connection; what finds no room stays in the reactor
_COUNTERS = 65536  # a power of two; sockets that share one are only told of a little less exactly
_PAGE = mmap.PAGESIZE
_RING = 16 * _PAGE  # a power of two
_NOTE = 16  # bytes in the ring: length, two flags, page offset, then the cookie
_BUSY = 1 << 31


class Maps:
    """The maps of one worker, which this object owns. `create` makes them; the worker is handed their descriptors."""

    def __init__(self, targets: int, active: int, ring: int) -> None:
        self.fds = (targets, active, ring)
        self.ring = ring
        self._key, self._value = ctypes.c_uint64(), ctypes.c_uint32()
        self._targets, self._active = self._entry(targets), self._entry(active)
        self._read = mmap.mmap(ring, _PAGE, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
        self._notes = mmap.mmap(ring, _PAGE + 2 * _RING, mmap.MAP_SHARED, mmap.PROT_READ, offset=_PAGE)

    @staticmethod
    def create(entries: int = _ENTRIES) -> "Maps":
        """New, empty maps. OSError when the kernel or the privileges do not allow it."""
        sockets = _SOCKHASH, 8, 4, entries
        kinds = (sockets, sockets, (_RINGBUF, 0, 0, _RING), (_ARRAY, 4, 8, _COUNTERS))
        opened: list[int] = []
        try:
            opened.extend(starmap(_new_map, kinds))
            targets, active, ring, counters = opened
            opened.append(_load(_verdict(targets, counters, ring)))
            _call(_PROG_ATTACH, struct.pack("=IIII", active, opened[-1], _STREAM_VERDICT, 0))
        except OSError:
            for fd in opened:
                os.close(fd)
            raise
        for fd in opened[FDS:]:
            os.close(fd)  # the map keeps the program, and that its counters
        return Maps(targets, active, ring)

    def close(self) -> None:
        """Give the maps back. Connections that are in them stop once nobody else holds the maps."""
        self._read.close()
        self._notes.close()
        for fd in self.fds:
            os.close(fd)
        self.fds = (-1, -1, -1)

    def pair(self, one: Socket, other: Socket) -> None:
        """Say where to carry what arrives at either, once it is started. OSError: nothing has changed.

        EOPNOTSUPP: one of them is no longer established; E2BIG: the maps are full.
        """
        cookies = cookie(one), cookie(other)
        try:
            self._set(self._targets, cookies[0], other.fileno())
            self._set(self._targets, cookies[1], one.fileno())
        except OSError:
            for key in cookies:
                with contextlib.suppress(OSError):
                    self._delete(self._targets, key)
            raise

    def start(self, sock: Socket) -> None:
        """From now on the kernel carries what arrives at this paired socket to the other.

        Its queue must not begin with a partly read segment, and nothing that was read from it may be kept. OSError:
        nothing has changed (EOPNOTSUPP: it got its FIN).
        """
        self._set(self._active, cookie(sock), sock.fileno())
        # Rings data-ready, so that what is in the queue already is carried as well.
        sock.setsockopt(_SOL_SOCKET, _SO_RCVLOWAT, 1)

    def stop(self, sock: Socket) -> None:
        """Leave what arrives at this socket in its queue again. What came before is still being carried."""
        self._delete(self._active, cookie(sock))

    def told(self) -> set[int]:
        """The cookies of the sockets that sent much since the last call."""
        found = set()
        (at,) = struct.unpack_from("=Q", self._read)
        (end,) = struct.unpack_from("=Q", self._notes)
        while at < end:
            length, _, key = struct.unpack_from("=IIQ", self._notes, _PAGE + at % _RING)
            if length & _BUSY:
                break
            found.add(key)
            at += _NOTE
            struct.pack_into("=Q", self._read, 0, at)
        return found

    def _entry(self, fd: int) -> ctypes.Array[ctypes.c_char]:
        key, value = ctypes.addressof(self._key), ctypes.addressof(self._value)
        return ctypes.create_string_buffer(struct.pack("=IIQQQ", fd, 0, key, value, 0), _ATTRIBUTE_SIZE)

    def _set(self, entry: ctypes.Array[ctypes.c_char], key: int, fd: int) -> None:
        self._key.value, self._value.value = key, fd
        _run(_MAP_UPDATE, entry, 32)

    def _delete(self, entry: ctypes.Array[ctypes.c_char], key: int) -> None:
        self._key.value = key
        _run(_MAP_DELETE, entry, 16)  # without the value: the kernel refuses what it does not expect


def cookie(sock: Socket) -> int:
    """The number by which the kernel knows the socket for as long as it lives."""
    return int(struct.unpack("=Q", sock.getsockopt(_SOL_SOCKET, _SO_COOKIE, 8))[0])


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_uint]
_number = _SYSCALL.get(platform.machine())


def _run(command: int, attribute: ctypes.Array[ctypes.c_char], size: int) -> int:
    if _number is None:
        raise OSError(f"the number of bpf(2) on {platform.machine()} is not known here")
    result = int(_libc.syscall(_number, command, ctypes.addressof(attribute), size))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result


def _call(command: int, attribute: bytes) -> int:
    return _run(command, ctypes.create_string_buffer(attribute, _ATTRIBUTE_SIZE), _ATTRIBUTE_SIZE)


def _load(code: bytes) -> int:
    log = ctypes.create_string_buffer(65536)
    text = ctypes.create_string_buffer(code, len(code))
    licence = ctypes.create_string_buffer(b"GPL")
    attribute = struct.pack(
        "=IIQQIIQII", _SK_SKB, len(code) // 8, ctypes.addressof(text), ctypes.addressof(licence), 1, len(log),
        ctypes.addressof(log), 0, 0,
    )  # fmt: skip
    for _ in range(_ATTEMPTS - 1):
        # The verifier gives up with EAGAIN when a signal is on its way to us.
        with contextlib.suppress(BlockingIOError):
            return _call(_PROG_LOAD, attribute)
    return _call(_PROG_LOAD, attribute)


def _new_map(kind: int, key_size: int, value_size: int, entries: int) -> int:
    return _call(_MAP_CREATE, struct.pack("=IIIII", kind, key_size, value_size, entries, 0))


def _instruction(code: int, target: int = 0, source: int = 0, offset: int = 0, immediate: int = 0) -> bytes:
    return struct.pack("=BBhi", code, source << 4 | target, offset, immediate)


def _map(target: int, fd: int) -> tuple[bytes, bytes]:
    return _instruction(0x18, target, 1, 0, fd), _instruction(0)


def _verdict(targets: int, counters: int, ring: int) -> bytes:
    """Drop what has no length (a bare FIN, which is passed on by shutdown), redirect everything else, count it."""
    tell = (
        _instruction(0x7A, 0, immediate=0),  # *r0 = 0
        *_map(1, ring),
        _instruction(0xBF, 2, 10),
        _instruction(0x07, 2, immediate=-8),  # r2 = the cookie
        _instruction(0xB7, 3, immediate=8),  # r3 = its size
        _instruction(0xB7, 4, immediate=2),  # r4 = BPF_RB_FORCE_WAKEUP
        _instruction(0x85, immediate=_RINGBUF_OUTPUT),
    )
    count = (
        _instruction(0x79, 1, 0, 0),  # r1 = *r0
        _instruction(0x0F, 1, 7),  # r1 += length
        _instruction(0x7B, 0, 1, 0),  # *r0 = r1
        _instruction(0xA5, 1, 0, len(tell), TOLD_AFTER),  # if r1 < TOLD_AFTER skip
        *tell,
    )
    return b"".join((
        _instruction(0xBF, 6, 1),  # r6 = context
        _instruction(0x61, 7, 1, 0),  # r7 = context->len
        _instruction(0x55, 7, 0, 2),  # if r7 != 0 skip
        _instruction(0xB7, 0, immediate=0),  # return SK_DROP
        _instruction(0x95),
        _instruction(0x85, immediate=_GET_SOCKET_COOKIE),  # r0 = cookie(context)
        _instruction(0x7B, 10, 0, -8),  # stack[-8] = r0
        _instruction(0x57, 0, immediate=_COUNTERS - 1),
        _instruction(0x63, 10, 0, -12),  # stack[-12] = r0 % _COUNTERS
        *_map(1, counters),
        _instruction(0xBF, 2, 10),
        _instruction(0x07, 2, immediate=-12),
        _instruction(0x85, immediate=_MAP_LOOKUP),  # r0 = the counter
        _instruction(0x15, 0, 0, len(count)),  # if r0 == 0 skip
        *count,
        _instruction(0xBF, 1, 6),  # r1 = context
        *_map(2, targets),
        _instruction(0xBF, 3, 10),
        _instruction(0x07, 3, immediate=-8),  # r3 = the cookie
        _instruction(0xB7, 4, immediate=0),  # r4 = flags: the peer's egress
        _instruction(0x85, immediate=_SK_REDIRECT_HASH),
        _instruction(0x95),  # return what it says
    ))  # fmt: skip
