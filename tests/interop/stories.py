"""What can happen to routers of one virtual address, as stories: each step waits for its outcome and is then named.

A story is a generator. What it yields is the name of the step that has just gone well, so that a story of half a
minute proves a dozen sentences and many of them can be told at the same time.
"""

from collections.abc import Iterator

from tests.interop.segment import Segment

STEPS = ("alone", "preempts", "stops", "returns", "crashes", "recovers", "partition", "heals", "cut", "mended")


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
    assert first.time - goodbyes[0].time < segment.flavour.skew(100) + 2 * segment.flavour.interval
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
