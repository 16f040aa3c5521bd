"""A seed attacks the machines: everything that networks, computers and operators do to them, and what must still hold.

    always              only an Active advertises, announces and holds the address (network.py)
    never               nobody Active for longer than the protocol allows, while somebody could be
    after four quiet    exactly one Active, and where all preempt, one of the highest priority
      intervals
    in a sync group     all members are Active, or none
"""

from random import Random

from pyha.config.vrrp_model import VirtualRouter
from pyha.vrrp.effects import State

from .network import InvariantError, Network, Node, Weather

ACTIONS = 14
_PRIORITIES = (50, 100, 100, 150, 200, 254)
_SLACK = 0.01
_STORM = 100_000  # steps; a run has a few thousand


class Chaos:
    """One run. `history` is what happened, for whoever has to find out why it broke."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.step = 0
        self.history: list[str] = []
        self._random = Random(seed)
        self.network = Network(self._random, log=self._say)
        self._version = self._random.choice((2, 3))
        self._interval = self._random.choice((1.0, 2.0)) if self._version == 2 else self._random.choice((0.1, 1.0))
        self._grouped = self._random.random() < 0.2
        self._crossed = self._grouped and self._random.random() < 0.5
        self._preempt = self._random.random() < 0.7  # of all nodes: mixed ones have no defined winner
        self._delay = self._random.choice((0, 0, 0, 3)) * self._interval
        owner = self._random.random() < 0.15
        for number in range(self._random.randint(2, 5)):
            priority = 255 if owner and not number else self._random.choice(_PRIORITIES)
            # In a group the nodes may rank differently on each segment.
            configs = [self._config(segment, self._random.choice(_PRIORITIES) if self._crossed else priority)
                       for segment in range(2 if self._grouped else 1)]
            self.network.add("abcde"[number], *configs, group=self._grouped)
        self._peace = 0.0  # when the last disturbance ended
        self._none_since: float | None = 0.0
        self._quiet = True

    def _config(self, segment: int, priority: int) -> VirtualRouter:
        return VirtualRouter.model_validate({
            "name": f"VI_{segment}", "interface": f"eth{segment}", "vrid": 51 + segment, "version": self._version,
            "priority": priority, "advert_int": round(self._interval * 100), "preempt": self._preempt,
            "preempt_delay": round(self._delay * 1000), "addresses": [{"interface": f"10.{segment}.0.99/24"}],
            "garp": {"refresh": self._random.choice((0, 2000))},
        })

    def _say(self, line: str) -> None:
        self.history.append(f"{self.network.now:9.4f} {line}")

    # -- the protocol's bounds, in seconds -----------------------------------------------------------------------------

    @property
    def _bound(self) -> float:
        """How long nobody may be Active after something happened: the longest active_down_interval, and what packets
        that were on their way and one interval of listening after a long sleep add to it."""
        skew = max(1.0 if self._version == 2 else 0.0, self._interval)
        longest = 3 * self._interval + skew
        return longest + self.network.weather.slowest + self._interval + skew + self._delay + _SLACK

    @property
    def _settled(self) -> float:
        """After how much peace there is exactly one: four intervals, or where version 2's skew of up to a second or a
        `preempt_delay` make it longer, that."""
        skew = 1.0 if self._version == 2 else self._interval
        return 3 * self._interval + skew + self._interval + self._delay + 4 * self.network.weather.slowest + _SLACK

    # -- the run -------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start everything, then disturb and leave in peace by turns."""
        try:
            for node in self.network.nodes:
                if self._random.random() < 0.8:
                    self.network.start(node)
            for _ in range(ACTIONS):
                self._disturb()
                self._pass(self._random.uniform(0, 6) * self._interval)
                if self._random.random() < 0.5:
                    self._calm()
                    self._pass(self._settled + 2 * self._interval)
            self._calm()
            self._pass(self._settled + 5 * self._interval)
        except AssertionError as error:
            story = "\n".join(self.history[-60:])
            where = f"seed {self.seed}, step {self.step}, at {self.network.now:.4f}"
            raise InvariantError(f"{where}: {error}\n{story}") from error

    def _pass(self, seconds: float) -> None:
        self.network.run(self.network.now + seconds, self._after_step)
        self._after_step()

    def _calm(self) -> None:
        self.network.weather = Weather(slowest=self.network.weather.slowest)
        self.network.cut.clear()
        self._disturbed("calm")
        self._quiet = True

    def _disturbed(self, what: str) -> None:
        self._say(f"-- {what}")
        until = max([self.network.now, *(node.sleeps_until for node in self.network.nodes if node.alive)])
        self._peace = max(self._peace, until)
        self._none_since = None
        self._quiet = False

    def _disturb(self) -> None:
        node, random, network = self._random.choice(self.network.nodes), self._random, self.network
        action = random.choice((
            "weather", "crash", "stop", "start", "start", "cut", "one-way", "sleep", "jump", "priority", "fault",
            "source", "interval", "forget"))
        self._disturbed(f"{action} {node.name}")
        match action:
            case "weather":
                network.weather = Weather(random.choice((0, 0.05, 0.3, 0.8)), random.choice((0, 0.2)),
                                          random.choice((0, 0.01, 0.2)) * self._interval)
            case "cut":
                network.cut |= {edge for other in network.nodes for segment in range(len(node.ports))
                                for edge in ((node.number, other.number, segment), (other.number, node.number, segment))
                                if segment == 0 or random.random() < 0.5}
            case "one-way":
                network.cut |= {(node.number, other.number, 0) for other in network.nodes}
            case "start" if not node.alive:
                network.start(node)
            case "crash" if node.alive:
                network.crash(node)
            case "stop" if network.awake(node):
                network.stop(node)
            case "sleep" if network.awake(node):
                network.sleep(node, random.uniform(0, 8) * self._interval, deaf=random.random() < 0.5)
                self._disturbed("until it wakes")
            case "jump" if network.awake(node):
                node.offset += random.uniform(0, 20) * self._interval
                network.sleep(node, 0.0, deaf=False)
            case _ if network.awake(node):
                self._reconfigure(node, action)

    def _reconfigure(self, node: Node, action: str) -> None:
        random, now = self._random, self.network.clock(node)
        priority = random.choice((50, 100, 150))
        for port in node.ports:
            machine = port.machine
            match action:
                case "priority" if machine.effective_priority != 255:
                    self.network.perform(port, machine.set_priority(priority, now))
                case "fault" if not self._grouped:  # in a group the runtime tells all members (Groups.judge)
                    effects = machine.recover(now) if machine.state is State.FAULT else machine.fault("broken", now)
                    self.network.perform(port, effects)
                case "interval" if self._version == 3 and machine.effective_priority != 255:
                    interval = round(self._interval * random.choice((50, 100)))
                    port.config = port.config.model_copy(update={"advert_int": interval, "priority": priority})
                    self.network.perform(port, machine.reconfigure(port.config, priority, now))
                case "source":
                    self.network.perform(port, machine.lost_address(now))
                case _:
                    pass

    # -- what must hold ------------------------------------------------------------------------------------------------

    def _after_step(self) -> None:
        self.step += 1
        if self.step > _STORM:
            raise InvariantError("a storm: they answer each other for ever")
        now = self.network.now
        able = [node for node in self.network.nodes if self.network.awake(node)
                and node.ports[0].machine.state in (State.ACTIVE, State.BACKUP)]
        if self._grouped:
            for node in able:
                if len({port.machine.state for port in node.ports}) > 1:
                    raise InvariantError(f"the members of {node.name} are in different states")
        if not self._quiet or not able:
            return
        active = self.network.active()
        if active:
            self._none_since = None
        elif self._none_since is None:
            self._none_since = now
        elif now - max(self._none_since, self._peace) > self._bound:
            raise InvariantError(f"nobody is Active since {self._none_since:.4f}")
        if now - self._peace > self._settled:
            self._check_settled(able, active)

    def _check_settled(self, able: list[Node], active: list[Node]) -> None:
        if len(active) != 1:
            raise InvariantError(f"{len(active)} are Active after {self.network.now - self._peace:.4f} s of peace")
        best = max(node.ports[0].machine.effective_priority for node in able)
        if self._preempt and not self._crossed and active[0].ports[0].machine.effective_priority != best:
            raise InvariantError(f"{active[0].name} is Active and there is a better one")
