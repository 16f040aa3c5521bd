"""The supervisor: holds the configuration, the listening sockets and the children, and forwards what they say.

It relays no byte and sends no advertisement, so that there is little in it that could fail. What each event does is
here:

    a worker dies          its slots wait for the replacement; nobody else notices
    the monitor dies       the last known server states stand
    the vrrp process dies  its will is performed at once: priority 0 sent, addresses taken off; then it is replaced
    TERM, INT              vrrp lets go of the addresses, workers drain, exit 0; a second one does not wait
    HUP, USR2              check, then reload in place; a bad file changes nothing
    USR1                   the state, to the log
"""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pyha
from pyha.config.load import Loaded
from pyha.control.board import Board
from pyha.control.messages import (
    BalancerHealth,
    Configure,
    Message,
    Role,
    ServerStates,
    ServerSuspect,
    TableChanges,
    VrrpReport,
    Will,
    WorkerReport,
)
from pyha.control.status import ProcessStatus, Status
from pyha.errors import FitnessError
from pyha.runtime import fleet, generation, hooks, systemd
from pyha.runtime.control_socket import ControlSocket
from pyha.runtime.fleet import Fleet
from pyha.runtime.generation import Generation
from pyha.runtime.log import NOTICE, notice
from pyha.runtime.process import Child, resident_bytes
from pyha.runtime.will import perform_will

log = logging.getLogger("pyha.supervisor")

_GRACE = 5.0  # seconds for running sessions after TERM, unless `hard-stop-after` says otherwise
_PATIENCE = 3.0  # seconds beyond the grace before a child is killed


class Supervisor:
    """One run of pyha. `load` reads the files again, with every problem of them."""

    def __init__(self, config_of_start: Generation, load: Callable[[], Loaded], control: ControlSocket) -> None:
        self._current = config_of_start
        self._load = load
        self._control = control
        self._board = Board()
        self._fleet = Fleet(self._compose, self._received, self._lost)
        self._health: BalancerHealth | None = None
        self._started, self._clock = time.monotonic(), time.time()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._reloading = asyncio.Lock()

    async def run(self) -> None:
        """Start, serve until told to stop, stop. Raises FitnessError when a child cannot do what is asked of it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop_signal)
        for number in (signal.SIGHUP, signal.SIGUSR2):
            loop.add_signal_handler(number, lambda: self._spawn_reload("on a signal"))
        loop.add_signal_handler(signal.SIGUSR1, self._dump)
        await self._control.serve({"status": self._answer_status, "reload": self._answer_reload})
        try:
            if await self._start():
                await self._stopping.wait()
            # In order even before everything was up: the address may be here already.
            systemd.notify("STOPPING=1")
            await self._stop()
        finally:
            self._fleet.kill()
            self._current.slots.close()

    # -- starting, stopping, reloading -------------------------------------------------------------------------------

    async def _start(self) -> bool:
        """False when told to stop before everything was up."""
        wanted = self._current.plan.children()
        vrrp = self._current.config.vrrp
        await hooks.perform(vrrp.startup, vrrp, "startup_script")
        starting = asyncio.ensure_future(self._fleet.apply(wanted, self._compose))
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            return False
        if objections := starting.result():
            raise FitnessError("; ".join(objections))
        self._fleet.settle(wanted)
        self._tell_vrrp()
        fleet.announce(self._fleet.children.values())
        systemd.notify("READY=1", f"STATUS=generation {self._current.number}")
        return True

    async def _stop(self) -> None:
        """In order: the address first, so that clients go elsewhere; then the sessions; then the rest."""
        hurrying = asyncio.ensure_future(self._hurry.wait())
        stopping = asyncio.ensure_future(self._stop_in_order())
        await asyncio.wait({hurrying, stopping}, return_when=asyncio.FIRST_COMPLETED)
        hurrying.cancel()
        if not stopping.done():
            stopping.cancel()
            log.warning("told twice to stop: not waiting for %d processes", len(self._fleet.children))
            if self._fleet.of("vrrp"):
                perform_will(self._board.will)
        else:
            stopping.result()
            notice(log, "stopped")

    async def _stop_in_order(self) -> None:
        hard = self._current.config.settings.hard_stop_after
        grace = _GRACE if hard is None else hard / 1000
        await self._fleet.stop(self._fleet.of("vrrp"), 0.0, _PATIENCE)
        # Whoever connects from here on is refused at once instead of waiting in a queue that nobody will serve.
        workers = self._fleet.of("worker")
        stopping = asyncio.ensure_future(self._fleet.stop(workers, grace, _PATIENCE))
        self._current.slots.close()
        await stopping
        await self._fleet.stop(self._fleet.of("monitor"), 0.0, _PATIENCE)
        vrrp = self._current.config.vrrp
        await hooks.perform(vrrp.shutdown, vrrp, "shutdown_script")

    async def reload(self, why: str) -> tuple[bool, list[str]]:
        """Read the files again and become what they say, or stay exactly what we are.

        Returns success and messages, the last of which is the verdict; all of them are logged too.
        """
        async with self._reloading:
            notice(log, f"reloading {why}")
            done, messages = await self._reload()
            for message in messages[:-1]:
                log.log(logging.WARNING if done else logging.ERROR, "%s", message)
            log.log(NOTICE if done else logging.ERROR, "%s", messages[-1])
            return done, messages

    async def _reload(self) -> tuple[bool, list[str]]:
        loaded = await asyncio.to_thread(self._load)
        messages = [str(problem) for problem in loaded.problems]
        if loaded.config is None or any(problem.fatal for problem in loaded.problems):
            return False, [*messages, "the configuration is invalid: nothing has changed"]
        old = self._current
        try:
            new = generation.following(loaded.config, old)
        except FitnessError as error:
            return False, [*messages, str(error), "nothing has changed"]
        if objections := await self._apply(new):
            # Level, not edge: telling everybody the old state again undoes what some may have done.
            await self._apply(old)
            new.slots.close(but=old.slots)
            return False, [*messages, *objections, "the previous configuration stands"]
        self._commit(new)
        old.slots.close(but=new.slots)
        return True, [*messages, f"reloaded: this is generation {new.number}"]

    async def _apply(self, wanted: Generation) -> list[str]:
        def compose(role: Role, index: int) -> tuple[Configure, list[int]]:
            return wanted.compose(role, index, self._board.servers.values())

        return await self._fleet.apply(wanted.plan.children(), compose)

    def _commit(self, new: Generation) -> None:
        self._current = new
        self._board.configured(new.config)
        surplus = self._fleet.settle(new.plan.children())
        if surplus:
            asyncio.ensure_future(self._fleet.stop(surplus, _GRACE, _PATIENCE)).add_done_callback(_raise)
        self._tell_vrrp()
        systemd.notify(f"STATUS=generation {new.number}")

    def _spawn_reload(self, why: str) -> None:
        async def reload() -> None:
            await self.reload(why)

        asyncio.ensure_future(reload()).add_done_callback(_raise)

    def _stop_signal(self) -> None:
        (self._hurry if self._stopping.is_set() else self._stopping).set()

    # -- the children's messages -------------------------------------------------------------------------------------

    def _compose(self, role: Role, index: int) -> tuple[Configure, list[int]]:
        return self._current.compose(role, index, self._board.servers.values())

    def _received(self, child: Child, message: Message) -> None:
        match message:
            case ServerStates():
                self._board.server_states(message)
                self._pass_on(child, "worker", message)
            case TableChanges():
                self._pass_on(child, "worker", message)
            case WorkerReport():
                self._board.worker_report(child.index, message, time.monotonic())
                self._pass_on(child, "monitor", message)
            case ServerSuspect():
                self._pass_on(child, "monitor", message)
            case VrrpReport():
                self._board.vrrp_report(message)
            case Will():
                self._board.will = message
            case _:
                pass
        if not isinstance(message, VrrpReport | WorkerReport | ServerSuspect | TableChanges | Will):
            self._tell_vrrp(anew=child.role == "vrrp")

    def _pass_on(self, sender: Child, role: Role, message: Message) -> None:
        """To all children of that role but the one that sent it."""
        for child in self._fleet.of(role):
            if child is not sender:
                child.channel.send(message)

    def _lost(self, child: Child) -> None:
        if child.role == "vrrp":
            # At once and before anything else: two nodes may be answering for an address until this is done. After an
            # orderly stop the will is empty.
            perform_will(self._board.vrrp_died(time.time()))
        elif child.role == "worker":
            self._board.worker_died(child.index)
            self._tell_vrrp()

    def _tell_vrrp(self, *, anew: bool = False) -> None:
        if self._stopping.is_set():  # what follows is on purpose, not news
            return
        accepting = any(worker.configured for worker in self._fleet.of("worker"))
        health = self._board.balancer(self._current.config, accepting=accepting)
        if anew or health != self._health:
            if self._health is not None and health.healthy != self._health.healthy:
                notice(log, f"the balancer {'works again' if health.healthy else 'does not work'}: {health.reason}")
            self._health = health
            for vrrp in self._fleet.of("vrrp"):
                vrrp.channel.send(health)

    # -- what operators ask ------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """Everything that is known now."""
        own = os.getpid()
        processes = [ProcessStatus(role="supervisor", pid=own, restarts=0, rss_bytes=resident_bytes(own))]
        processes += [
            ProcessStatus(role=child.role, pid=child.pid, restarts=self._fleet.restarts.get(key, 0),
                          rss_bytes=resident_bytes(child.pid))
            for key, child in sorted(self._fleet.children.items(), key=lambda item: (item[0][0], item[0][1]))
        ]
        return self._board.status(
            self._current.config, processes, version=pyha.__version__, generation=self._current.number,
            started=self._clock, now=time.monotonic(), clock=self._clock + time.monotonic() - self._started,
        )

    async def _answer_status(self) -> dict[str, Any]:
        return self.status().model_dump(mode="json", by_alias=True)

    async def _answer_reload(self) -> dict[str, Any]:
        done, messages = await self.reload("as asked for by 'pyha reload'")
        return {"done": done, "messages": messages, "generation": self._current.number}

    def _dump(self) -> None:
        notice(log, "state: " + self.status().model_dump_json(by_alias=True))


def _raise(task: "asyncio.Future[None]") -> None:
    if not task.cancelled():
        task.result()
