"""The stage: everything that runs during the demo, and what scenes do with it and see of it."""

import asyncio
import contextlib
import json
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import certificates
import masters
import processes
from lab import Lab
from masters import HERE, ApiserverProcess, Balancer, Place
from observer import Observer
from timeline import Change, Fact, Note, Promise, Request, Timeline, WatchEvent

VIP = "10.220.209.200"
ADDRESSES = {"m1": "10.220.209.201", "m2": "10.220.209.202", "m3": "10.220.209.203"}
CLIENT = ("client", "10.220.209.210")
# Steps of 20 put 78 ms between the skew times of two masters: the next one is there before the third wakes up.
PRIORITIES = {"m1": ("MASTER", 141), "m2": ("BACKUP", 121), "m3": ("BACKUP", 101)}
FRONTEND_PORT = 8443
APISERVER_PORT = 6443
_READY_WITHIN = 40.0
_IN_A_ROW = 20


class StageError(Exception):
    """The lab could not be brought up; says why."""


@dataclass(frozen=True)
class Options:
    """How to play: which program, how long, how much."""

    program: str = "pyha"
    quick: bool = False
    slack: float = 0.0
    keep: bool = False
    watches: int = 200
    interval: float = 10.0
    out: Path = field(default_factory=lambda: Path("build/demo"))

    @property
    def settle(self) -> float:
        """Seconds that a scene goes on after its last event, so that the picture shows what came after."""
        return 1.5 if self.quick else 3.0

    @property
    def check(self) -> tuple[str, int]:
        """`inter` and `fall` of the balancers' checks."""
        return ("500ms", 2) if self.quick else ("2s", 2)

    @property
    def delay(self) -> float:
        """Seconds an apiserver stays after it said that it is leaving: time for `fall` checks, and a second."""
        return 2.5 if self.quick else 6.0


class Stage:
    """Masters, client, watcher, observer, and the record of what happens."""

    def __init__(self, options: Options, lab: Lab | None, directory: Path, say: Callable[[str], None]) -> None:
        self.options = options
        self.lab = lab
        self.directory = directory
        self.timeline = Timeline(list(ADDRESSES))
        self.balancers: dict[str, Balancer] = {}
        self.apiservers: dict[str, ApiserverProcess] = {}
        self.promises: list[Promise] = []
        self.scene_start = 0.0
        self._say = say
        self._observer: Observer | None = None
        self._readers: list[asyncio.Task[None]] = []
        self._open = 0
        self._frontend_port = FRONTEND_PORT

    # -- setting up ------------------------------------------------------------------------------------------------

    async def set_up(self) -> None:
        """Bring everything up; returns when the client gets answers. Raises StageError."""
        self._make_directories()
        if self.lab:
            self._observer = Observer(self.lab, list(ADDRESSES), VIP, self._address_seen)
        self._make_masters()
        for node in ADDRESSES:
            self._change(node, Fact.CABLE, true=True)
            await self.start_apiserver(node)
        for node in self.balancers:
            await self.start_balancer(node)
        if self.lab:
            first = next(iter(ADDRESSES))
            await self._ready(lambda: self.serving == [first], f"{first} alone holds the address")
        await self._start_client()
        await self._ready(lambda: self.flowing, "the client's requests are answered")
        await self._ready(lambda: self.watches_open == self.options.watches, "all watches are open")

    async def _ready(self, condition: Callable[[], bool], what: str) -> None:
        if not await self.until(condition, _READY_WITHIN):
            logs = [log for node in self._failed for log in self.balancers[node].logs]
            logs = logs or sorted((self.directory / "logs").iterdir())
            raise StageError(f"{what}: {self._reason(_READY_WITHIN)}\n" + "\n".join(_tail(log) for log in logs))

    def _make_directories(self) -> None:
        (self.directory / "logs").mkdir(parents=True)
        (self.directory / "certificates").mkdir()
        for node in ADDRESSES:
            (self.directory / node / "run").mkdir(parents=True)
        names = [VIP, "127.0.0.1"]
        certificates.create(self.directory / "certificates", {node: [*names, ip] for node, ip in ADDRESSES.items()})

    def _make_masters(self) -> None:
        ports = dict.fromkeys(ADDRESSES, APISERVER_PORT)
        if not self.lab:
            self._frontend_port, *free = _free_ports(1 + len(ADDRESSES))
            ports = dict(zip(ADDRESSES, free, strict=True))
        at = ADDRESSES if self.lab else dict.fromkeys(ADDRESSES, "127.0.0.1")
        servers = "\n".join(
            f"    server {node} {at[node]}:{ports[node]} check check-ssl verify none" for node in ADDRESSES
        )
        for node in ADDRESSES:
            namespace = self.lab.namespace(node) if self.lab else None
            place = Place(node, self.directory / node, namespace, self.options.keep)
            host = "" if self.lab else at[node]
            self.apiservers[node] = ApiserverProcess(place, host, ports[node], self.options.delay)
            if self.lab or not self.balancers:  # on loopback there is one balancer for the three
                names = ("haproxy.cfg", "keepalived.conf", "check_apiserver.sh") if self.lab else ("haproxy.cfg",)
                masters.write_files(place, names, {**self._values(place), "SERVERS": servers})
                self.balancers[node] = Balancer(place, self.options.program, vrrp=self.lab is not None)

    def _values(self, place: Place) -> dict[str, str]:
        """What the templates of config/ leave open for one master."""
        inter, fall = self.options.check
        state, priority = PRIORITIES[place.name]
        return {
            "BIND": "*" if self.lab else "127.0.0.1", "FRONTEND_PORT": str(self._frontend_port), "INTER": inter,
            "FALL": str(fall), "STATE": state, "PRIORITY": str(priority), "VIP": VIP, "DIRECTORY": str(place.directory),
        }

    async def _start_client(self) -> None:
        host = CLIENT[0]
        namespace = self.lab.namespace(host) if self.lab else None
        common = ["--address", VIP if self.lab else "127.0.0.1", "--port", str(self._frontend_port),
                  "--ca", str(self.directory / "certificates/ca.crt")]
        for program, more, take in (
            ("client", ["--interval", str(self.options.interval)], self._take_request),
            ("watcher", ["--count", str(self.options.watches)], self._take_watch),
        ):
            process = await processes.start([sys.executable, str(HERE / f"{program}.py"), *common, *more],
                                            self.directory / "logs" / f"{program}.log", namespace=namespace, piped=True)
            self._readers.append(asyncio.create_task(_read(process, take)))

    def close(self) -> None:
        """Stop listening; the processes are the caller's to end."""
        if self._observer:
            self._observer.close()
        for reader in self._readers:
            reader.cancel()

    # -- what is recorded ------------------------------------------------------------------------------------------

    def _take_request(self, line: bytes) -> None:
        record = json.loads(line)
        if isinstance(record, dict):
            self.timeline.skipped += record["skipped"]
        else:
            started, ended, node, via, error = record
            self.timeline.requests.append(Request(started, ended, node, self._node_of(via), error))

    def _take_watch(self, line: bytes) -> None:
        moment, what, number, detail = json.loads(line)
        opened = what == "open"
        self._open += 1 if opened else -1
        self.timeline.watches.append(WatchEvent(moment, opened, number, "" if opened else detail))

    def _address_seen(self, moment: float, node: str, holds: bool) -> None:
        self.timeline.changes.append(Change(moment, node, Fact.ADDRESS, holds))
        self.note(f"{node} {'has' if holds else 'no longer has'} {VIP}", moment)

    def _change(self, node: str, fact: Fact, *, true: bool) -> None:
        self.timeline.changes.append(Change(time.monotonic(), node, fact, true))

    def _node_of(self, address: str) -> str:
        return next((node for node, own in ADDRESSES.items() if own == address), address)

    def note(self, text: str, moment: float | None = None) -> None:
        """Record and show something that happened."""
        note = Note(time.monotonic() if moment is None else moment, text)
        self.timeline.notes.append(note)
        since = f"{note.time - self.timeline.zero:+8.2f} s" if self.timeline.zero else " " * 10
        self._say(f"  {since}  {text}")

    def show(self, text: str) -> None:
        """Show something that is not part of the record."""
        self._say("\n".join(f"              {line}".rstrip() for line in text.splitlines()))

    # -- what scenes see -------------------------------------------------------------------------------------------

    @property
    def serving(self) -> list[str]:
        """The masters that hold the address, run and can be reached."""
        return self.timeline.serving()

    @property
    def addresses(self) -> list[str]:
        """The masters whose interface has the address, served or not."""
        return [node for node in ADDRESSES if self.timeline.true(node, Fact.ADDRESS)]

    @property
    def watches_open(self) -> int:
        """How many watches are open."""
        return self._open

    @property
    def flowing(self) -> bool:
        """Whether the last requests were all answered."""
        last = self.timeline.requests[-_IN_A_ROW:]
        return len(last) == _IN_A_ROW and all(request.answered for request in last)

    async def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait for a condition; False when it did not come true in time."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end or self._failed:
                return condition()
            await asyncio.sleep(0.02)
        return True

    async def settle(self) -> None:
        """Let it run, so that the figures have something to count."""
        await asyncio.sleep(self.options.settle)

    # -- what scenes do --------------------------------------------------------------------------------------------

    async def start_balancer(self, node: str) -> None:
        """Start the balancer of a master."""
        await self.balancers[node].start()
        # An address that a killed one left behind is not held by the new one: it removes it before anything else.
        await self.until(lambda: node not in self.addresses, 5)
        self._change(node, Fact.PROGRAM, true=True)

    def kill_balancer(self, node: str) -> None:
        """SIGKILL for every process of a master's balancer."""
        count = self.balancers[node].kill()
        self._change(node, Fact.PROGRAM, true=False)
        self.note(f"killed -9 all {count} processes of the balancer on {node}")

    async def stop_balancer(self, node: str) -> dict[str, int | None]:
        """SIGTERM for a master's balancer; returns the exit codes."""
        self.note(f"SIGTERM to the balancer on {node}")
        codes = await self.balancers[node].stop()
        self._change(node, Fact.PROGRAM, true=False)
        self.note(f"the balancer on {node} has stopped, exit code {', '.join(str(code) for code in codes.values())}")
        return codes

    async def start_apiserver(self, node: str) -> None:
        """Start the apiserver of a master."""
        await self.apiservers[node].start()
        self._change(node, Fact.APISERVER, true=True)

    async def stop_apiserver(self, node: str) -> None:
        """Stop the apiserver of a master in order, and wait until it is gone."""
        self.note(f"SIGTERM to the apiserver on {node}: /readyz answers 500, it leaves {self.options.delay:g} s later")
        await self.apiservers[node].stop()
        self._change(node, Fact.APISERVER, true=False)
        self.note(f"the apiserver on {node} has stopped")

    async def cut(self, node: str, *, carrier: bool) -> None:
        """Cut a master off: pull its cable, or (carrier stays) let the switch forward nothing."""
        assert self.lab
        self._change(node, Fact.CABLE, true=False)
        self.note(f"the cable of {node} is pulled" if carrier
                  else f"the switch forwards nothing from or to {node}; links stay up")
        await (self.lab.unplug(node) if carrier else self.lab.block(node))

    async def mend(self, node: str, *, carrier: bool) -> None:
        """Undo `cut`."""
        assert self.lab
        await (self.lab.plug(node) if carrier else self.lab.unblock(node))
        self._change(node, Fact.CABLE, true=True)
        self.note(f"the cable of {node} is plugged in again" if carrier
                  else f"the switch forwards from and to {node} again")

    # -- promises --------------------------------------------------------------------------------------------------

    def promise(self, text: str, *, kept: bool) -> None:
        """What this scene promises, and whether it came true."""
        promise = Promise(text, kept)
        if promise not in self.promises:
            self.promises.append(promise)

    async def expect(self, text: str, condition: Callable[[], bool], seconds: float) -> bool:
        """Promise that a condition comes true in time, and wait for it."""
        seconds += self.options.slack
        kept = await self.until(condition, seconds)
        self.promise(text if kept else f"{text}: {self._reason(seconds)}", kept=kept)
        return kept

    def _reason(self, seconds: float) -> str:
        """Why something did not come true."""
        if self._failed:
            return f"the balancer of {', '.join(self._failed)} ended by itself"
        return f"not within {seconds:g} s"

    @property
    def _failed(self) -> list[str]:
        """The masters whose balancer has ended though nobody ended it."""
        return [node for node, balancer in self.balancers.items() if balancer.failed]

    def promise_gap(self, limit: float) -> None:
        """Promise that clients were never without an answer for longer than this, in seconds."""
        gap = self.timeline.longest_gap(self.scene_start, time.monotonic())
        limit += self.options.slack
        self.promise(f"longest gap {gap:.2f} s, at most {limit:g} s", kept=gap <= limit)

    def promise_no_failure(self) -> None:
        """Promise that every request was answered."""
        failed = self.timeline.figures(self.scene_start, time.monotonic()).failed
        self.promise(f"{failed} requests failed, 0 allowed", kept=not failed)


def _free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nobody uses at the moment, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


async def _read(process: processes.Process, take: Callable[[bytes], None]) -> None:
    assert process.stdout
    async for line in process.stdout:
        take(line)


def _tail(log: Path, lines: int = 12) -> str:
    text = log.read_text(errors="replace").splitlines()[-lines:] if log.exists() else []
    return f"--- last lines of {log.name}\n" + "\n".join(text)
