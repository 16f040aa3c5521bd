"""The children: started, configured, replaced when they die, stopped in order.

Starting, reloading and recovering are one path: a child is sent `Configure` with everything that it should be, and
answers.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence

from pyha.control.backoff import Backoff
from pyha.control.messages import Configure, Configured, Message, Rejected, Role, Stop
from pyha.runtime.log import notice
from pyha.runtime.process import Child

log = logging.getLogger("pyha.supervisor")

Key = tuple[Role, int]
Compose = Callable[[Role, int], tuple[Configure, list[int]]]

_ANSWERS_WITHIN = 20.0  # seconds, for a Configure; a loaded machine needs a while to import pydantic in every process


class Fleet:
    """All children. `received` gets every message that is not an answer to Configure; `lost` is told of every death."""

    def __init__(
        self, compose: Compose, received: Callable[[Child, Message], None], lost: Callable[[Child], None]
    ) -> None:
        self.children: dict[Key, Child] = {}
        self.restarts: dict[Key, int] = {}
        self._compose = compose  # what a child should be now
        self._received = received
        self._lost = lost
        self._wanted: set[Key] = set()
        self._backoffs: dict[Key, Backoff] = {}
        self._answers: dict[Child, asyncio.Future[str | None]] = {}

    async def apply(self, keys: Sequence[Key], compose: Compose) -> list[str]:
        """Bring children to what `compose` says, one role after the other. Returns what they object to, in sentences.

        Children that should not be there any more are left alone until `settle`.
        """
        objections: list[str] = []
        roles = list(dict.fromkeys(role for role, _ in keys))
        # Workers and monitor side by side, the vrrp process when these are ready.
        for stage in ([role for role in roles if role != "vrrp"], [role for role in roles if role == "vrrp"]):
            answers = [self._configure(key, compose) for key in keys if key[0] in stage]
            for child, answer in answers:
                objection = await answer
                if objection is not None:
                    objections.append(f"{child}: {objection}")
            if objections:
                break
        return objections

    def settle(self, keys: Sequence[Key]) -> list[Child]:
        """From now on exactly these children are wanted, and kept alive. Returns those to stop."""
        self._wanted = set(keys)
        return [child for key, child in self.children.items() if key not in self._wanted]

    def of(self, role: Role) -> list[Child]:
        """The living children of a role."""
        return [child for key, child in self.children.items() if key[0] == role]

    async def stop(self, children: Iterable[Child], grace: float, patience: float) -> None:
        """Ask them to stop, wait for at most `grace` + `patience` seconds, then kill what is left."""
        children = list(children)
        for child in children:
            self._wanted.discard((child.role, child.index))
            child.channel.send(Stop(grace=grace))
        until = time.monotonic() + grace + patience
        for child in children:
            if not await child.wait(max(0.0, until - time.monotonic())):
                log.warning("%s did not stop in time and is killed", child)
                child.kill()
                await child.gone.wait()

    def kill(self) -> None:
        """End all of them now."""
        self._wanted.clear()
        for child in self.children.values():
            child.kill()

    # -- one child ---------------------------------------------------------------------------------------------------

    def _configure(self, key: Key, compose: Compose) -> tuple[Child, asyncio.Future[str | None]]:
        child = self.children.get(key) or self._spawn(key)
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str | None] = loop.create_future()
        self._answers[child] = answer
        child.channel.send(*compose(*key))
        loop.call_later(_ANSWERS_WITHIN, self._answer, child, f"gave no answer within {_ANSWERS_WITHIN:.0f} s")
        return child, answer

    def _spawn(self, key: Key) -> Child:
        child = Child(*key, self._message, self._died)
        self.children[key] = child
        self._backoffs.setdefault(key, Backoff()).started(time.monotonic())
        return child

    def _respawn(self, key: Key) -> None:
        if key not in self._wanted or key in self.children:
            return
        self.restarts[key] = self.restarts.get(key, 0) + 1
        self._configure(key, self._compose)

    def _message(self, child: Child, message: Message, fds: list[int]) -> None:
        assert not fds, "no child passes descriptors to the supervisor"
        if isinstance(message, Configured):
            child.configured = message.generation
            self._answer(child, None)
        elif isinstance(message, Rejected):
            self._answer(child, message.reason)
        self._received(child, message)

    def _answer(self, child: Child, objection: str | None) -> None:
        answer = self._answers.get(child)
        if answer is not None and not answer.done():
            answer.set_result(objection)
            del self._answers[child]

    def _died(self, child: Child, how: str) -> None:
        key = child.role, child.index
        if self.children.get(key) is child:
            del self.children[key]
        self._lost(child)
        self._answer(child, how)
        if key not in self._wanted:
            return
        delay = self._backoffs[key].died(time.monotonic())
        log.error("%s %s; starting it again %s", child, how, f"in {delay:.1f} s" if delay else "now")
        asyncio.get_running_loop().call_later(delay, self._respawn, key)


def announce(children: Iterable[Child]) -> None:
    """Log which processes there are."""
    notice(log, "running: " + ", ".join(str(child) for child in children))
