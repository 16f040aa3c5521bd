"""Tells many stories at the same time: they mostly wait for timers of the protocol, each in its own laboratory."""

import os
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.interop.flavours import FLAVOURS, Setup
from tests.interop.routers import installed
from tests.interop.segment import Segment, segment

AT_ONCE = 8
"""Stories at the same time; more would make two CPUs miss the timers of the fast flavours."""


@dataclass(frozen=True)
class Story:
    """Who meets whom, and what happens. `play` yields the name of each step that went well."""

    name: str
    flavour: str
    kinds: tuple[str, ...]
    play: Callable[[Segment], Iterator[str]]
    priorities: tuple[int, ...] = (150, 100)
    preempt: bool = True
    setup: Callable[..., Setup] = Setup

    def __str__(self) -> str:
        return self.name

    def param(self) -> Any:
        """For `pytest.fixture(params=...)`; skipped where a program is missing."""
        missing = [kind for kind in self.kinds if not installed(kind)]
        skip = pytest.mark.skipif(bool(missing), reason=f"needs {' and '.join(missing)}")
        return pytest.param(self, id=self.name, marks=skip)

    def setups(self) -> tuple[Setup, ...]:
        """What each router is told."""
        flavour = FLAVOURS[self.flavour]
        return tuple(self.setup(flavour, priority, preempt=self.preempt) for priority in self.priorities)


class Telling:
    """A story that is being told."""

    def __init__(self, story: Story, directory: Path) -> None:
        self._story = story
        self._directory = directory
        self._changed = threading.Condition()
        self._done: list[str] = []
        self._failure = ""
        self._over = False

    def tell(self) -> None:
        """Play it to its end, or to its first failure. Never raises."""
        story, failure = self._story, ""
        try:
            with segment(self._directory, FLAVOURS[story.flavour], story.kinds, *story.setups()) as made:
                for step in story.play(made):
                    self._note(step)
        except BaseException:  # noqa: BLE001 - the tests that wait for its steps report it
            failure = traceback.format_exc()
        with self._changed:
            self._failure, self._over = failure, True
            self._changed.notify_all()

    def _note(self, step: str) -> None:
        with self._changed:
            self._done.append(step)
            self._changed.notify_all()

    def reached(self, step: str) -> None:
        """Wait for a step; fails with what happened instead."""
        with self._changed:
            self._changed.wait_for(lambda: step in self._done or self._over)
            if step not in self._done:
                last = self._done[-1] if self._done else "the beginning"
                raise AssertionError(f"{self._story}: {step!r} was not reached after {last!r}:\n{self._failure}")


class Stage:
    """All stories of a run. Those that are announced begin at once, others when somebody asks for them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="story")
        self._tellings: dict[str, Telling] = {}

    def announce(self, stories: list[Story]) -> None:
        """Begin to tell them, in this order, as many at once as the machine stands."""
        # Each process of a distributed run sees all tests, and must not tell what another one tells.
        if "PYTEST_XDIST_WORKER" not in os.environ:
            for story in stories:
                self.telling(story)

    def telling(self, story: Story) -> Telling:
        """The story as it is being told."""
        if story.name not in self._tellings:
            telling = Telling(story, self._directory / str(len(self._tellings)))
            self._tellings[story.name] = telling
            self._pool.submit(telling.tell)
        return self._tellings[story.name]

    def close(self) -> None:
        """Wait for those that have begun, so that every laboratory is gone."""
        self._pool.shutdown(cancel_futures=True)
