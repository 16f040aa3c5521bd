"""What can happen to routers of one virtual address, as stories: each step waits for its outcome and is then named.

A story is a generator. What it yields is the name of the step that has just gone well, so that a story of half a
minute proves a dozen sentences and many of them can be told at the same time.
"""

from collections.abc import Iterator

from tests.interop.routers import Router
from tests.interop.segment import Segment
from tests.netns.lab import wait_until


def pair(segment: Segment) -> Iterator[str]:
    """Two routers: `high` (150) has everything happen to it, `low` (100) has to step in each time."""
    high, low = segment.routers
    tap, vip = segment.tap, segment.flavour.vip

    low.start()
    segment.only(low)
    segment.becomes(low, "MASTER")
    yield "alone"

    high.start()
    segment.only(high)
    segment.becomes(high, "MASTER")
    segment.becomes(low, "BACKUP")
    assert tap.announcements(vip, node=high.node.name), "nobody was told by the new Active router"
    yield "preempts"

    before = len(tap.adverts(node=high.node.name))
    high.stop()
    goodbyes = [frame for frame in tap.adverts(node=high.node.name)[before:] if frame.advert.priority == 0]
    assert goodbyes, "a planned stop sends priority 0"
    segment.only(low)
    segment.becomes(low, "MASTER")
    first = tap.adverts(since=goodbyes[0].time, node=low.node.name)[0]
    # RFC 9568 section 6.4.2: priority 0 sets the timer to the skew time. Without it, three intervals more would pass.
    assert first.time - goodbyes[0].time < segment.flavour.down(100)
    yield "stops"

    high.start()
    segment.only(high)
    segment.becomes(low, "BACKUP")
    yield "returns"

    high.crash()
    segment.only(low)
    segment.becomes(low, "MASTER")
    yield "crashes"

    high.start()
    segment.only(high)
    segment.becomes(low, "BACKUP")
    yield "recovers"

    segment.lab.isolate(high.node)
    segment.answered_by(low)
    segment.becomes(low, "MASTER")
    assert high.state() == "MASTER"
    yield "partition"

    segment.lab.reconnect(high.node)
    segment.only(high)
    segment.becomes(low, "BACKUP")
    assert high.state() == "MASTER"
    yield "heals"

    segment.lab.cut(high.node)
    segment.only(low)
    segment.becomes(low, "MASTER")
    yield "cut"

    segment.lab.mend(high.node)
    segment.only(high)
    segment.becomes(low, "BACKUP")
    yield "mended"


def polite(segment: Segment) -> Iterator[str]:
    """Both have nopreempt: the stronger one comes second and waits until it is needed."""
    high, low = segment.routers
    low.start()
    segment.only(low)
    high.start()
    segment.becomes(high, "BACKUP")
    segment.stays_with(low)
    assert high.state() == "BACKUP"
    yield "waits"

    low.stop()
    segment.only(high)
    yield "takes over"

    low.start()
    segment.becomes(low, "BACKUP")
    segment.stays_with(high)
    yield "keeps"


def equals(segment: Segment) -> Iterator[str]:
    """The same priority: who is Active stays it, and of two that are the higher address wins."""
    lower, higher = segment.routers
    lower.start()
    segment.only(lower)
    higher.start()
    segment.becomes(higher, "BACKUP")
    segment.stays_with(lower)
    yield "stays"

    segment.lab.isolate(lower.node)
    segment.answered_by(higher)
    segment.becomes(higher, "MASTER")
    assert lower.state() == "MASTER"
    # RFC 9568 section 6.4.3: equal priorities and a greater primary address of the sender: it goes on.
    segment.lab.reconnect(lower.node)
    segment.only(higher)
    segment.becomes(lower, "BACKUP")
    yield "higher address"


def reprioritised(segment: Segment) -> Iterator[str]:
    """An operator changes priorities of running daemons: the address follows, and nobody restarts."""
    high, low = segment.routers
    high.start()
    low.start()
    segment.only(high)
    segment.becomes(low, "BACKUP")
    low.set_priority(200)
    segment.only(low)
    segment.becomes(high, "BACKUP")
    yield "raised"

    low.set_priority(50)
    segment.only(high)
    segment.becomes(low, "BACKUP")
    yield "lowered"


def three(segment: Segment) -> Iterator[str]:
    """Three implementations on one segment, with the priorities 200, 150 and 100."""
    first, second, third = segment.routers
    for router in (third, second, first):
        router.start()
    segment.only(first)
    segment.becomes(second, "BACKUP")
    segment.becomes(third, "BACKUP")
    yield "strongest"

    first.crash()
    segment.only(second)
    segment.becomes(third, "BACKUP")
    yield "second"

    second.stop()
    segment.only(third)
    yield "third"

    second.start()
    segment.only(second)
    segment.becomes(third, "BACKUP")
    first.start()
    segment.only(first)
    segment.becomes(second, "BACKUP")
    yield "all back"

    # All of them Active at once, and one segment again.
    for router in (first, second, third):
        segment.lab.isolate(router.node)
    for router in (second, third):
        segment.becomes(router, "MASTER")
    assert first.state() == "MASTER"
    for router in (third, first, second):
        segment.lab.reconnect(router.node)
    segment.only(first)
    segment.becomes(second, "BACKUP")
    segment.becomes(third, "BACKUP")
    yield "reunited"


def synced(segment: Segment) -> Iterator[str]:
    """Two addresses in a sync group: what happens to one of them happens to both."""
    high, low = segment.routers
    for one in (high, low):
        one.node.run("ip", "link", "add", "leg", "type", "veth", "peer", "name", "foot")
        for link in ("leg", "foot"):
            one.node.run("ip", "link", "set", link, "up")
        one.start()

    def both(holder: Router) -> None:
        segment.only(holder)
        wait_until(lambda: segment.tap.answering("10.99.0.11") == [holder.node.name],
                   f"{holder.node.name} ({holder.kind}) has the second address, too", within=segment.patience)

    both(high)
    yield "together"

    high.node.run("ip", "link", "set", "foot", "down")
    both(low)
    segment.becomes(high, "FAULT")
    yield "follows"

    high.node.run("ip", "link", "set", "foot", "up")
    both(high)
    segment.becomes(low, "BACKUP")
    yield "returns"


def leased(segment: Segment) -> Iterator[str]:
    """All of pyha is killed at once, and its addresses have a lease: nobody is left to remove them but the kernel."""
    high, low = segment.routers
    high.start()
    low.start()
    segment.only(high)
    assert high.node.holds(segment.flavour.vip)
    high.crash()
    segment.only(low)
    assert not high.node.holds(segment.flavour.vip)
    yield "gone"
