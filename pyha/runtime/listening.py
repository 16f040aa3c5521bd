"""Who listens on an address: for the sentence an operator needs when it is in use (proc(5), /proc/net/tcp)."""

import contextlib
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

_LISTEN = "0A"


def all_ours(host: str, port: int, ours: set[int]) -> bool:
    """Whether every socket that listens there is one of these inodes."""
    return all(inode in ours for inode in _inodes(host, port))


def owner(host: str, port: int, ours: set[int]) -> str | None:
    """`name (pid 123)` of a process that listens there and is not us; None when that cannot be seen."""
    foreign = {f"socket:[{inode}]" for inode in _inodes(host, port) if inode not in ours}
    if not foreign:
        return None
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        with contextlib.suppress(OSError):  # gone meanwhile, or another user's
            for link in (process / "fd").iterdir():
                if os.readlink(link) in foreign:  # noqa: PTH115 - Path.readlink parses what it reads
                    return f"{(process / 'comm').read_text().strip()} (pid {process.name})"
    return None


def _inodes(host: str, port: int) -> Iterator[int]:
    wanted = ip_address(host.partition("%")[0])
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                address, _, listening_port = fields[1].partition(":")
                if fields[3] != _LISTEN or int(listening_port, 16) != port:
                    continue
                # An address overlaps with itself and with "all".
                there = ip_address(_bytes(address))
                if there == wanted or there.is_unspecified or wanted.is_unspecified:
                    yield int(fields[9])


def _bytes(text: str) -> bytes:
    """An address of /proc/net/tcp: 32-bit words in the machine's byte order."""
    return b"".join(
        socket.htonl(int.from_bytes(bytes.fromhex(text[at : at + 8]), "big")).to_bytes(4, "big")
        for at in range(0, len(text), 8)
    )
