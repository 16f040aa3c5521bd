"""`interface_up_down_delays` (keepalived.conf(5)): a link that flaps counts as changed only when it stayed so."""

import asyncio
import dataclasses
from collections.abc import Callable, Iterable

from pyha.config.vrrp_model import LinkDelay
from pyha.runtime.mirror import Link, Mirror
from pyha.units import seconds


class LinkDelays:
    """Stands between the kernel and the mirror. `changed` is called when a link counts as changed, later."""

    def __init__(self, loop: asyncio.AbstractEventLoop, mirror: Mirror, changed: Callable[[], None]) -> None:
        self._loop = loop
        self._mirror = mirror
        self._changed = changed
        self._delays: dict[str, LinkDelay] = {}
        self._counted: dict[str, bool] = {}  # what each link counts as
        self._timers: dict[str, asyncio.TimerHandle] = {}
        mirror.judge = self.judge

    def configure(self, delays: Iterable[LinkDelay]) -> None:
        """Use these from now on. What waits already goes on waiting."""
        self._delays = {delay.name: delay for delay in delays}
        for name in self._delays:
            if name in self._mirror.links:
                self._counted.setdefault(name, self._mirror.links[name].up)

    def judge(self, link: Link) -> Link:
        """The link as it counts now."""
        delay = self._delays.get(link.name)
        if delay is None:
            return link
        before = self._counted.setdefault(link.name, link.up)
        if link.up == before:
            self._cancel(link.name)
            return link
        wait = seconds(delay.up if link.up else delay.down)
        if not wait:
            self._cancel(link.name)
            self._counted[link.name] = link.up
            return link
        if link.name not in self._timers:
            self._timers[link.name] = self._loop.call_later(wait, self._settle, link.name)
        return dataclasses.replace(link, up=before)

    def close(self) -> None:
        """Wait for nothing any more."""
        for name in list(self._timers):
            self._cancel(name)

    def _settle(self, name: str) -> None:
        self._timers.pop(name, None)
        self._counted[name] = not self._counted[name]
        link = self._mirror.links.get(name)
        if link is not None:
            self._mirror.links[name] = dataclasses.replace(link, up=self._counted[name])
            self._changed()

    def _cancel(self, name: str) -> None:
        if timer := self._timers.pop(name, None):
            timer.cancel()
