"""Two routers of one kind in a laboratory, with a service behind their address and a client that keeps asking."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.interop.flavours import Flavour, Setup
from tests.interop.routers import Router
from tests.interop.segment import Segment, segment
from tests.netns.lab import wait_until

_HERE = Path(__file__).resolve().parent
_PORT = 7777
BETWEEN = 0.002
"""Seconds between two questions of the client."""

PROFILES = {
    "v2, 1 s": Flavour("v2, 1 s"),
    "v3, 0.1 s": Flavour("v3, 0.1 s", version=3, interval=0.1),
    "v3, 0.01 s": Flavour("v3, 0.01 s", version=3, interval=0.01),
}
EVENTS = ("crash", "cut", "stop", "script")


@dataclass(frozen=True)
class Many(Setup):
    """As many virtual routers as you like, each with an address of its own."""

    count: int = 1

    def keepalived_conf(self) -> str:
        """One vrrp_instance for each VRID from 1 on."""
        first, _, rest = super().keepalived_conf().partition("vrrp_instance")
        blocks = []
        for number in range(1, self.count + 1):
            block = rest.replace("virtual_router_id 51", f"virtual_router_id {number}").replace("VI_1", f"VI_{number}")
            blocks.append("vrrp_instance" + block.replace(self.addresses[0], f"10.99.1.{number}/32"))
        return first + "\n".join(blocks)


class DisturbedError(Exception):
    """The machine was so busy that the routers changed places by themselves: nothing was measured."""


class Pair:
    """`a` (priority 150) and `b` (100) of one kind."""

    def __init__(self, kind: str, made: Segment, failing: Path) -> None:
        self.kind = kind
        self._segment = made
        self._failing = failing
        self._services: dict[str, subprocess.Popen[str]] = {}
        self.a, self.b = made.routers

    def settle(self) -> None:
        """Everything runs and `a` has the address, for a while: what the last event broke is as it was."""
        self._segment.lab.mend(self.a.node)
        self._failing.unlink(missing_ok=True)
        for router in (self.a, self.b):
            service = self._services.get(router.node.name)
            if service is None or service.poll() is not None:
                self._services[router.node.name] = router.node.start(
                    sys.executable, _HERE / "echo.py", str(_PORT), router.node.name)
        self._segment.only(self.a)
        time.sleep(0.5)

    def fail(self, event: str) -> None:
        """Something happens to `a`."""
        if event == "crash":  # of everything: pyha is the service as well, keepalived dies together with it
            service = self._services[self.a.node.name]
            service.kill()
            service.wait()
            self.a.crash()
        elif event == "cut":
            self._segment.lab.cut(self.a.node)
        elif event == "stop":
            self.a.stop()
        else:
            self._failing.touch()

    def measure(self, event: str) -> tuple[float, float]:
        """What an event costs a client, in seconds: the longest time that it had no answer, and `_takeover`.

        Raises DisturbedError.
        """
        self.settle()
        tap, vip = self._segment.tap, self._segment.flavour.vip
        tap.forget(older_than=10)  # a benchmark runs for long
        client = self._segment.lab.nodes[-1]
        with subprocess.Popen(client.command("nice", "-n", "-15", sys.executable, _HERE / "probe.py", vip, str(_PORT),
                                             str(BETWEEN)), stdout=subprocess.PIPE, text=True) as probe:
            # At any phase of the interval between two advertisements, as accidents are.
            time.sleep(0.5 + self._segment.flavour.interval * (int.from_bytes(os.urandom(2)) / 65536))
            began = time.time()
            self.fail(event)
            with contextlib.suppress(AssertionError):  # the answers tell
                wait_until(lambda: tap.announcements(vip, node="b", since=began), f"b takes over after a {event}")
            time.sleep(0.5)
            probe.send_signal(signal.SIGTERM)
            answers = _answers(probe.communicate(timeout=10)[0])
        if event in ("crash", "stop"):
            self.a.start()
        if not answers or answers[0][1] != "a" or answers[-1][1] != "b":
            raise DisturbedError
        moments = [moment for moment, _ in answers]
        return max(after - before for before, after in itertools.pairwise(moments)), self._takeover(answers)

    def _takeover(self, answers: list[tuple[float, str]]) -> float:
        """From the last advertisement of `a` until the client has an answer of `b`.

        An accident comes at any moment after an advertisement, and its age shortens the gap. This does not depend on
        it: it is what RFC 9568 makes Backup routers wait, and what an implementation adds to that.
        """
        answered = next(moment for moment, name in answers if name == "b")
        last = [frame.time for frame in self._segment.tap.adverts(node="a") if frame.time < answered]
        if not last:
            raise DisturbedError
        return answered - last[-1]


def _answers(text: str) -> list[tuple[float, str]]:
    return [(float(moment), name) for moment, name in (line.split() for line in text.splitlines())]


@contextlib.contextmanager
def pair(kind: str, profile: str, directory: Path) -> Iterator[Pair]:
    """Both routers running, with a script that fails when told to."""
    directory = directory / f"{kind} {profile}".replace(" ", "-").replace(",", "")
    failing = directory / "failing"
    setup = Setup(
        PROFILES[profile], 150,
        outside="\n".join(["vrrp_script chk {", f'  script "/usr/bin/test ! -e {failing}"', "  interval 1", "  fall 1",
                           "  rise 1", "  user root", "}"]),
        more="  track_script {\n    chk\n  }")
    with segment(directory, PROFILES[profile], (kind, kind), setup, setup.at(100)) as made:
        found = Pair(kind, made, failing)
        # The script is for `a` alone.
        made.routers[1].setup = Setup(PROFILES[profile], 100)
        for router in (found.a, found.b):
            router.start()
        yield found


@contextlib.contextmanager
def crowd(kind: str, count: int, flavour: Flavour, directory: Path) -> Iterator[tuple[Router, Router]]:
    """Two routers with many virtual routers each, of which the first is Active."""
    setups = [Many(flavour, priority, count=count) for priority in (150, 100)]
    with segment(directory / f"{kind}-{count}-{flavour.interval:g}", flavour, (kind, kind), *setups) as made:
        a, b = made.routers
        a.start()
        b.start()
        yield a, b
