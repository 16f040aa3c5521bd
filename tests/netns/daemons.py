"""The two kinds of router that meet in the laboratory: pyha's vrrp process on its own, and the real keepalived."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from pyha.config.model import Config
from pyha.control.messages import (
    BalancerHealth,
    Configure,
    Configured,
    Message,
    Rejected,
    RouterReport,
    Stop,
    VrrpReport,
    Will,
)
from pyha.runtime.channel import Channel
from tests.netns.lab import Node, wait_until

ROOT = Path(__file__).parents[2]


class PyhaVrrp:
    """`pyha _child vrrp` in a namespace, with the test in the supervisor's place."""

    def __init__(self, node: Node, directory: Path, *wrapper: str) -> None:
        """Starts the process; it does nothing until `configure`. `wrapper`: a command to run it by."""
        self.log = directory / f"pyha-{node.name}.log"
        self.reports: dict[str, RouterReport] = {}
        self.states: dict[str, list[str]] = {}  # each router's states as they came
        self.will = Will()
        self.answer: Configured | Rejected | None = None
        self.closed = False
        self._generation = 0
        self._loop = asyncio.new_event_loop()
        self._channel, theirs = Channel.pair()
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        with theirs:
            fd = theirs.fileno()
            self.process = node.start(*wrapper, sys.executable, "-P", "-m", "pyha", "_child", "vrrp", str(fd),
                                      log=self.log, env=environment, pass_fds=(fd,))
        self._channel.attach(self._loop, self._received, self._lost)

    def _received(self, message: Message, _fds: list[int]) -> None:
        match message:
            case Configured() | Rejected():
                self.answer = message
            case VrrpReport(routers=routers):
                self.reports = {report.name: report for report in routers}
                for report in routers:
                    seen = self.states.setdefault(report.name, [])
                    if seen[-1:] != [report.state]:
                        seen.append(report.state)
            case Will():
                self.will = message

    def _lost(self) -> None:
        self.closed = True

    def pump(self) -> None:
        """Take in what the process has said."""
        self._loop.run_until_complete(asyncio.sleep(0.01))

    def wait(self, condition: Any, what: str, **how: float) -> Any:
        """As `wait_until`, while listening to the process."""
        def check() -> Any:
            self.pump()
            return condition()

        return wait_until(check, f"{what}\n{self.text()}", **how)

    def text(self) -> str:
        """What it has logged."""
        return self.log.read_text() if self.log.exists() else ""

    def configure(self, **vrrp: Any) -> Configured | Rejected:
        """Send a configuration (fields of the model's Vrrp, and `frontends`) and return the answer."""
        self._generation += 1
        self.answer = None
        frontends = vrrp.pop("frontends", ())
        config = Config.model_validate({"vrrp": vrrp, "frontends": frontends})
        self._channel.send(Configure(generation=self._generation, config=config))
        return self.wait(lambda: self.answer, "an answer to Configure", within=60.0)  # it starts an interpreter first

    def balancer(self, healthy: bool) -> None:
        """Say whether the balancer works."""
        self._channel.send(BalancerHealth(healthy=healthy, reason="as the test says"))

    def state(self, name: str = "VI_1") -> str:
        """The state last reported."""
        self.pump()
        report = self.reports.get(name)
        return report.state if report else ""

    def counter(self, counter: str, name: str = "VI_1") -> int:
        """A counter last reported."""
        self.pump()
        return self.reports[name].counters.get(counter, 0)

    def until(self, state: str, name: str = "VI_1", **how: float) -> None:
        """Wait until it reports this state."""
        self.wait(lambda: self.state(name) == state, f"{name} becomes {state}", **how)

    def stop(self) -> int:
        """Stop it in order; returns its exit code."""
        self._channel.send(Stop())
        self.pump()
        return self.process.wait(10)

    def kill(self) -> None:
        """End it without warning."""
        self.process.kill()
        self.process.wait(10)

    def abandon(self) -> int:
        """Close the channel, as the death of the supervisor does; returns the exit code."""
        self._channel.close()
        return self.process.wait(10)

    def close(self) -> None:
        """Forget it; the laboratory ends the process."""
        self._channel.close()
        self._loop.close()


class Keepalived:
    """The real one, with its log in a file."""

    def __init__(self, node: Node, directory: Path, configuration: str) -> None:
        self._node = node
        self._directory = directory / f"keepalived-{node.name}"
        self._directory.mkdir(exist_ok=True)
        (self._directory / "keepalived.conf").write_text(configuration)
        self.log = self._directory / "log"
        self.start()

    def start(self) -> None:
        """Start it (again), with an empty log."""
        self.log.write_text("")
        files = self._directory
        self.process = self._node.start(
            "keepalived", "--dont-fork", "--log-console", "--log-detail", "--vrrp", "-f", files / "keepalived.conf",
            "-p", files / "pid", "-r", files / "vrrp.pid", log=self.log)

    def state(self, name: str = "VI_1") -> str:
        """The state that it logged last."""
        lines = [line for line in self.log.read_text().splitlines() if f"({name}) Entering " in line]
        return lines[-1].split(" Entering ")[1].split()[0] if lines else ""

    def stop(self) -> None:
        """Stop it in order: it sends priority 0. Does not wait for its end, which takes a second more."""
        self.process.send_signal(signal.SIGTERM)

    def stopped(self) -> bool:
        """Whether it has ended."""
        return self.process.poll() is not None

    def kill(self, *addresses: str) -> None:
        """End it as a power failure would: no goodbye, and the addresses gone with the machine."""
        parent, child = (int((self._directory / name).read_text()) for name in ("pid", "vrrp.pid"))
        # A stopped parent cannot replace the child, and the child does not see it die.
        os.kill(parent, signal.SIGSTOP)
        os.kill(child, signal.SIGKILL)
        os.kill(parent, signal.SIGKILL)
        self.process.wait(10)
        for address in addresses:
            self._node.run("ip", "addr", "del", address, "dev", "eth0", check=False)
