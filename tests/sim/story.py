"""Reads and tells the scenarios of tests/cases/vrrp: what an operator does, and beneath it what the routers do.

    router NAME priority 150 [version 2] [interval 1] [nopreempt] [preempt_delay 4] [owner_ignores_adverts] [group]
    start NAME...     stop NAME...     crash NAME...     fault NAME why     recover NAME     sleep NAME SECONDS
    cut NAME          heal             deafen NAME (it sends, and hears nothing)             priority NAME N
    run SECONDS

Lines that begin with `|` are told by the machines, `#` by the author. Routers get the addresses 10.0.0.1, .2 and so on.
"""

from collections.abc import Iterator
from random import Random

from pyha.config.vrrp_model import VirtualRouter

from .network import Network, Node


class Story:
    """Plays the commands of one scenario."""

    def __init__(self) -> None:
        self._told: list[str] = []
        self.network = Network(Random(0), log=self._tell)

    def _tell(self, line: str) -> None:
        self._told.append(f"| {self.network.now:7.3f}  {line}")

    def play(self, text: str) -> Iterator[str]:
        """The scenario with what the machines tell now."""
        for line in text.splitlines():
            if line.startswith("|"):
                continue
            yield line
            words = line.partition("#")[0].split()
            if words:
                self._told.clear()
                self._command(*words)
                yield from self._told

    def _node(self, name: str) -> Node:
        return next(node for node in self.network.nodes if node.name == name)

    def _command(self, word: str, *words: str) -> None:
        network = self.network
        match word, *words:
            case "run", seconds:
                network.run(network.now + float(seconds))
            case "router", name, *options:
                self._router(name, options)
            case ("start" | "stop" | "crash"), *names:
                for name in names:
                    getattr(network, word)(self._node(name))
            case "heal", *_none:
                network.cut.clear()
            case ("cut" | "deafen"), name:
                number = self._node(name).number
                others = [node.number for node in network.nodes if node.number != number]
                for segment in (0, 1) if word == "deafen" else (0,):
                    network.cut |= {(other, number, segment) for other in others}
                network.cut |= {(number, other, 0) for other in others if word == "cut"}
            case "sleep", name, seconds:
                network.sleep(self._node(name), float(seconds), deaf=True)
            case ("fault" | "recover" | "priority"), name, *rest:
                self._change(word, self._node(name), " ".join(rest))
            case _:
                raise AssertionError(f"no such command: {word} {' '.join(words)}")

    def _change(self, word: str, node: Node, rest: str) -> None:
        for port in node.ports:
            machine, now = port.machine, self.network.clock(node)
            if word == "fault":
                effects = machine.fault(rest, now)
            elif word == "recover":
                effects = machine.recover(now)
            else:
                effects = machine.set_priority(int(rest), now)
            self.network.perform(port, effects)

    def _router(self, name: str, options: list[str]) -> None:
        given = dict(zip([*options, ""], [*options[1:], "", ""], strict=False))
        group = "group" in options
        interval = float(given.get("interval", 1))
        configs = [VirtualRouter.model_validate({
            "name": f"{name}{segment or ''}", "interface": f"eth{segment}", "vrid": 51 + segment,
            "version": int(given.get("version", 3)), "priority": int(given["priority"]),
            "advert_int": round(interval * 100), "preempt": "nopreempt" not in options,
            "preempt_delay": round(float(given.get("preempt_delay", 0)) * 1000),
            "owner_ignores_adverts": "owner_ignores_adverts" in options,
            "addresses": [{"interface": f"10.{segment}.0.99/24"}],
        }) for segment in range(2 if group else 1)]
        self.network.add(name, *configs, group=group)
