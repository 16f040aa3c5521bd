"""The limit of a check's time on a loop whose clock the test turns; the checks themselves are in test_monitor.py."""

import asyncio

import pytest

from pyha.runtime.prober import _Limit


class Loop(asyncio.SelectorEventLoop):
    """A loop whose time passes by itself only as far as its timers need, and by `sleep_over` where nobody looks."""

    def __init__(self):
        super().__init__()
        self.now = 0.0

    def time(self):
        return self.now

    def sleep_over(self, seconds):
        """This process does not run for a while."""
        self.now += seconds

    def _run_once(self):
        # Go to the next timer instead of waiting for it.
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0].when())
        super()._run_once()


def waits(seconds, during=None):
    """(how it ended, when) for a check that never gets an answer; `during(loop)` makes things happen."""
    loop = Loop()

    async def check():
        limit = _Limit(seconds)
        if during:
            during(loop)
        try:
            await asyncio.Future()
        except asyncio.CancelledError:
            return limit.alone, loop.now
        finally:
            limit.close()

    try:
        return loop.run_until_complete(check())
    finally:
        loop.close()


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.35, 2.0, 10.0])
def test_on_a_machine_that_is_well_a_check_ends_in_time(seconds):
    alone, when = waits(seconds)
    assert alone
    assert when == pytest.approx(seconds, abs=0.021)


@pytest.mark.parametrize("start", [0.0, 0.5, 0.95])
def test_time_in_which_nobody_looked_is_given_back(start):
    alone, when = waits(1.0, lambda loop: loop.call_at(start, loop.sleep_over, 5.0))
    assert alone
    assert when == pytest.approx(6.0, abs=0.15)


def test_when_every_tick_is_late_there_is_an_end_all_the_same():
    def starve(loop):
        loop.sleep_over(0.2)
        loop.call_later(0.05, starve, loop)

    alone, when = waits(1.0, starve)
    assert alone
    assert when <= 6.0


def test_somebody_elses_cancellation_is_not_the_limits():
    def cancel(loop):
        task = asyncio.current_task()
        loop.call_at(0.3, task.cancel)

    assert waits(1.0, cancel)[0] is False


def test_cancelled_by_both_it_is_not_alone():
    def cancel(loop):
        task = asyncio.current_task()
        loop.call_at(0.1, task.cancel)

    assert waits(0.1, cancel)[0] is False


def test_restart_counts_from_now_and_close_ends_it():
    loop = Loop()

    async def check():
        limit = _Limit(1.0)
        await asyncio.sleep(0.9)
        limit.restart(1.0)
        await asyncio.sleep(0.9)
        limit.close()
        await asyncio.sleep(5)
        return limit.alone

    try:
        assert loop.run_until_complete(check()) is False
    finally:
        loop.close()
