"""What a router puts on the wire when it takes an address and leaves again, byte for byte, to compare with another one.

Left out is only what says nothing about VRRP: the identification of IPv4 packets with the header checksum that covers
it, which the kernel numbers for pyha and keepalived numbers itself, and the flow label of IPv6, a hash of the kernel's.
"""

import itertools
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.interop.routers import Router, router
from tests.interop.segment import Segment
from tests.interop.tap import Frame
from tests.netns.lab import wait_until


@dataclass(frozen=True)
class Performance:
    """The distinct frames of each kind, and how the takeover went: one letter a frame."""

    adverts: frozenset[str]
    goodbyes: frozenset[str]
    announcements: frozenset[str]
    takeover: str = ""


def masked(frame: bytes) -> str:
    """A frame in hexadecimal, without what the kernel makes up."""
    if frame[12:14] == b"\x08\x00":
        frame = frame[:18] + bytes(2) + frame[20:24] + bytes(2) + frame[26:]
        if frame[23] == 51:  # each authentication header has a number of its own, and an HMAC over it
            frame = frame[:42] + bytes(16) + frame[58:]
    elif frame[12:14] == b"\x86\xdd":
        frame = frame[:15] + bytes([frame[15] & 0xF0, 0, 0]) + frame[18:]
    return frame.hex()


def performance(frames: list[Frame]) -> Performance:
    """Of one router's frames."""
    adverts = [frame for frame in frames if frame.advert]
    # The first burst: what follows until the next advertisement.
    story = "".join("v" if frame.advert else "a" for frame in frames if frame.advert or frame.announces)
    return Performance(
        frozenset(masked(frame.data) for frame in adverts if frame.advert.priority),
        frozenset(masked(frame.data) for frame in adverts if not frame.advert.priority),
        frozenset(masked(frame.data) for frame in frames if frame.announces),
        "v" + "".join(itertools.takewhile("a".__eq__, story[1:])) if story.startswith("v") else story,
    )


def perform(segment: Segment, one: Router) -> Performance:
    """Let a router take the address and leave again."""
    tap, name, began = segment.tap, one.node.name, time.time()
    addresses = [vip.split("/")[0] for vip in one.setup.addresses]
    one.start()
    wait_until(lambda: len(tap.adverts(node=name, since=began)) >= 2, f"{one.kind} advertises", within=segment.patience)
    for address in addresses:
        wait_until(lambda address=address: len(tap.announcements(address, node=name, since=began)) >= 5,
                   f"{one.kind} announces {address}", within=segment.patience)
    one.stop()

    def said_goodbye() -> bool:
        return any(frame.advert.priority == 0 for frame in tap.adverts(node=name, since=began))

    wait_until(said_goodbye, f"{one.kind} sends priority 0", within=segment.patience)
    return performance([frame for frame in tap.read() if frame.node == name and frame.time >= began])


def recorded(path: Path, node: str, sources: tuple[str, ...]) -> Performance:
    """What a capture file (libpcap, Ethernet) has of the router with these addresses."""
    data = path.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    frames, at = [], 24
    while at < len(data):
        seconds, fraction, length, _ = struct.unpack_from(f"{order}IIII", data, at)
        frames.append(Frame(seconds + fraction / 1e6, node, data[at + 16:at + 16 + length]))
        at += 16 + length
    def of_it(frame: Frame) -> bool:
        # Announcements follow the advertisement of the router that makes them.
        heard = [other for other in frames if other.advert and other.advert.priority and other.time <= frame.time]
        return bool(heard) and heard[-1].source in sources

    return performance([frame for frame in frames
                        if (frame.advert and frame.source in sources) or (frame.announces and of_it(frame))])


def alike(segment: Segment, vector: Path | None) -> Iterator[str]:
    """keepalived on node `a`, then pyha on the same node with the same file, then the recording."""
    keepalived = segment.routers[0]
    pyha = router("pyha", keepalived.node, keepalived.setup, segment.directory)
    try:
        theirs = perform(segment, keepalived)
        ours = perform(segment, pyha)
    finally:
        segment.routers.append(pyha)
    _same("advertisements", ours.adverts, theirs.adverts)
    yield "advertisements"
    _same("goodbyes", ours.goodbyes, theirs.goodbyes)
    yield "goodbyes"
    _same("announcements", ours.announcements, theirs.announcements)
    yield "announcements"
    _same("the order at a takeover", ours.takeover, theirs.takeover)
    yield "takeover"
    if vector is not None:
        own = tuple(held.split("/")[0] for held in keepalived.node.addresses())
        there = recorded(vector, keepalived.node.name, own)
        _same("advertisements", ours.adverts, there.adverts)
        _same("goodbyes", ours.goodbyes, there.goodbyes)
        _same("announcements", ours.announcements, there.announcements)
        yield "recorded"


def _same(what: str, ours: object, theirs: object) -> None:
    assert ours == theirs, f"{what}: pyha's\n  {ours}\nkeepalived's\n  {theirs}"
