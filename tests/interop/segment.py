"""A network segment with routers that share a virtual address, and a client that looks for it."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tests.interop.flavours import Flavour, Setup
from tests.interop.routers import Router, router
from tests.interop.tap import Tap
from tests.netns.lab import Lab, wait_until


class Segment:
    """Routers `a`, `b` ... with the addresses 10.99.0.1, .2 ..., and the client."""

    def __init__(
        self, lab: Lab, directory: Path, flavour: Flavour, kinds: tuple[str, ...], setups: tuple[Setup, ...]
    ) -> None:
        self.lab = lab
        self.flavour = flavour
        self.directory = directory
        nodes = [lab.node(name, f"10.99.0.{number}/24", f"fd00:99::{number}/64")
                 for number, name in enumerate("abcdef"[:max(2, len(kinds))], 1)]
        peers = tuple(flavour.own(node.number) for node in nodes)
        client = lab.node("client", "10.99.0.99/24", "fd00:99::99/64")
        self.tap = Tap(lab, client)
        self.routers: list[Router] = [
            router(kind, node, replace(setup, address=flavour.own(node.number), peers=peers), directory)
            for kind, node, setup in zip(kinds, nodes, setups, strict=False)]
        # Busy machines are slow; a takeover that never comes is what this is to find.
        self.patience = 3 * flavour.down(1) + 30

    def only(self, holder: Router) -> None:
        """In the end exactly this router has the address and advertises it, and for some intervals it stays so."""
        end = time.monotonic() + self.patience
        while trouble := self._trouble(holder):
            assert time.monotonic() < end, f"{holder.node.name} ({holder.kind}) should have the address: {trouble}"

    def stays_with(self, holder: Router) -> None:
        """This router has the address, and still has it after the time in which another one would have taken over."""
        end = time.monotonic() + 1.2 * self.flavour.down(holder.setup.priority) + self.flavour.interval
        while time.monotonic() < end:
            trouble = self._trouble(holder)
            assert not trouble, f"{holder.node.name} ({holder.kind}) should keep the address: {trouble}"

    def _trouble(self, holder: Router) -> str:
        """What speaks against this router being the only holder, during some intervals."""
        name, began, end = holder.node.name, time.time(), time.monotonic() + 1.5 * self.flavour.interval
        while time.monotonic() < end:
            if (answering := self.tap.answering(self.flavour.vip)) != [name]:
                return f"{answering or 'nobody'} answered for it"
        speaking = {frame.node for frame in self.tap.adverts(since=began)}
        return "" if speaking == {name} else f"{speaking or 'nobody'} advertised it"

    def answered_by(self, *holders: Router) -> None:
        """These routers, and no other, answer for the address."""
        names = sorted(holder.node.name for holder in holders)
        wait_until(lambda: self.tap.answering(self.flavour.vip) == names, f"the address is held by {names}",
                   within=self.patience)

    def becomes(self, router: Router, state: str) -> None:
        """The router says that it is in this state."""
        wait_until(lambda: router.state() == state, f"{router.node.name} ({router.kind}) says {state}",
                   within=self.patience)

    def report(self) -> str:
        """Everything that helps to understand a failure."""
        parts = ["what was on the wire:", self.tap.summary()]
        for one in self.routers:
            parts.append(f"--- {one.node.name}: {one.kind}, priority {one.setup.priority}, says {one.state()}, "
                         f"{' '.join(one.node.addresses())}")
            parts += one.text().splitlines()[-60:]
        return "\n".join(parts)


@contextlib.contextmanager
def segment(directory: Path, flavour: Flavour, kinds: tuple[str, ...], *setups: Setup) -> Iterator[Segment]:
    """Build one; a failure inside tells what was going on."""
    directory.mkdir(parents=True, exist_ok=True)
    with Lab() as lab:
        made = Segment(lab, directory, flavour, kinds, setups)
        try:
            yield made
        except Exception as error:
            raise AssertionError(f"{error}\n{made.report()}") from error
        finally:
            for one in made.routers:
                one.close()
            made.tap.close()
