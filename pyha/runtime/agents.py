"""Asks the agent beside a server, again and again."""

import asyncio
import logging
from collections.abc import Callable

from pyha.config.model import Agent
from pyha.health import agent as words
from pyha.health.schedule import Timeouts
from pyha.runtime.prober import Prober, Target
from pyha.units import seconds

log = logging.getLogger("pyha.monitor")


class AgentLoop:
    """`host` tells where the agent is, None while nobody knows; `heard` gets what it said and how long that took."""

    def __init__(self, agent: Agent, prober: Prober, host: Callable[[], str | None],
                 heard: Callable[[words.Report, int], None]) -> None:
        self._agent = agent
        self._prober = prober
        self._host = host
        self._heard = heard
        self._task: asyncio.Task[None] | None = None

    def start(self, offset: float) -> None:
        """Begin in so many seconds."""
        self._task = asyncio.get_running_loop().create_task(self._ask_for_ever(offset))

    def stop(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()

    async def _ask_for_ever(self, offset: float) -> None:
        await asyncio.sleep(offset)
        while True:
            host = self._host()
            if host is not None:
                try:
                    await self._ask(host)
                except Exception:  # a bug in here must not leave the agent unheard for ever
                    log.exception("the agent at %s port %d", host, self._agent.port)
            await asyncio.sleep(seconds(self._agent.inter))

    async def _ask(self, host: str) -> None:
        agent = self._agent
        limit = Timeouts(connect=seconds(agent.inter), answer=None)
        outcome = await self._prober.probe(words.script(agent), Target(host, agent.port), limit)
        verdict = outcome.verdict
        # Anything else is that it cannot be asked, which says nothing about the server.
        report = words.read(verdict.info) if verdict.status == "CHECKED" else words.Report(verdict=verdict)
        self._heard(report, outcome.duration_ms)
