"""A virtual network in virtual time: real machines, real packets, and cables that lose, delay and double them.

A node has one virtual router on each of its segments (one, unless a sync group is simulated). What is checked here
after every step holds whatever the network does; what needs peace to come true is in chaos.py.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address
from random import Random

from pyha.config.vrrp_model import SyncGroup, VirtualRouter
from pyha.vrrp.advertisement import Advertisement, decode, encode
from pyha.vrrp.effects import (
    AddAddresses,
    Announce,
    Effect,
    RemoveAddresses,
    Report,
    SendAdvertisement,
    State,
    StateChanged,
)
from pyha.vrrp.group import Group
from pyha.vrrp.mismatch import auth_data, auth_type
from pyha.vrrp.router import VirtualRouter as Machine

GROUP = ip_address("224.0.0.18")


class InvariantError(AssertionError):
    """An invariant does not hold."""


@dataclass
class Port:
    """One virtual router of a node, and where it is plugged in."""

    node: "Node"
    segment: int
    config: VirtualRouter
    machine: Machine
    holds: bool = False
    announced: int = 0

    @property
    def name(self) -> str:
        return f"{self.node.name}{self.segment or ''}"


@dataclass
class Node:
    """A machine with a clock of its own, which may jump forward."""

    name: str
    number: int
    ports: list[Port] = field(default_factory=list)
    group: Group | None = None
    alive: bool = False
    sleeps_until: float = 0.0
    offset: float = 0.0  # how far its clock is ahead
    backlog: list[tuple[Port, bytes, Port]] = field(default_factory=list)  # what came while it slept


@dataclass
class Weather:
    """What the cables do. Delays in seconds."""

    loss: float = 0.0
    double: float = 0.0
    slowest: float = 0.0


class Network:
    """Nodes, the cables between them, and the time."""

    def __init__(self, random: Random, *, log: Callable[[str], None] = lambda _line: None) -> None:
        self.now = 0.0
        self.nodes: list[Node] = []
        self.weather = Weather()
        self.cut: set[tuple[int, int, int]] = set()  # (from node, to node, segment) that nothing passes
        self._random = random
        self._log = log
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    # -- nodes ---------------------------------------------------------------------------------------------------------

    def add(self, name: str, *configs: VirtualRouter, group: bool = False) -> Node:
        """A new node, switched off, with one virtual router on each segment."""
        node = Node(name, len(self.nodes) + 1)
        self.nodes.append(node)
        for segment, config in enumerate(configs):
            node.ports.append(Port(node, segment, config, self._machine(node, segment, config)))
        if group:
            self._form(node)
        return node

    def _machine(self, node: Node, segment: int, config: VirtualRouter) -> Machine:
        source = ip_address(f"10.{segment}.0.{node.number}")
        return Machine(config, source=source, effective_priority=config.priority)

    def _form(self, node: Node) -> None:
        names = tuple(port.name for port in node.ports)
        node.group = Group(SyncGroup(name=f"G{node.name}", members=names),
                           {port.name: port.machine for port in node.ports})

    def start(self, node: Node) -> None:
        """Switch on: new machines, as after a boot."""
        node.alive, node.sleeps_until, node.offset = True, self.now, node.offset
        for port in node.ports:
            port.machine = self._machine(node, port.segment, port.config)
        if node.group is not None:
            self._form(node)
        for port in node.ports:
            self.perform(port, port.machine.startup(self.clock(node)))

    def crash(self, node: Node) -> None:
        """Switch off without a word."""
        node.alive = False
        node.backlog.clear()
        for port in node.ports:
            port.holds = False

    def stop(self, node: Node) -> None:
        """Stop in order."""
        for port in node.ports:
            self.perform(port, port.machine.shutdown(self.clock(node)), settle=False)
        node.alive = False

    def sleep(self, node: Node, seconds: float, *, deaf: bool) -> None:
        """The process is not scheduled for a while. Deaf: what comes meanwhile is lost, else it waits in the socket."""
        node.sleeps_until = self.now + seconds
        node.backlog.clear()

        def wake() -> None:
            backlog, node.backlog = node.backlog, []
            if node.alive and self.now >= node.sleeps_until:
                for sender, payload, port in [] if deaf else backlog:
                    self._take(sender, payload, port)
                self._expire(node)

        self.at(node.sleeps_until, wake)

    def clock(self, node: Node) -> float:
        """The time as this node has it."""
        return self.now + node.offset

    def awake(self, node: Node) -> bool:
        """Whether it is on and does something."""
        return node.alive and self.now >= node.sleeps_until

    # -- effects -------------------------------------------------------------------------------------------------------

    def perform(self, port: Port, effects: list[Effect], *, settle: bool = True) -> None:
        """Do what a machine said, check what must always hold, and set its timer."""
        for index, effect in enumerate(effects):
            match effect:
                case SendAdvertisement(priority=priority):
                    self._may_send(port, priority, effects[index:])
                    self._send(port, priority)
                case AddAddresses():
                    port.holds = True
                case RemoveAddresses():
                    port.holds = False
                case Announce(repeat=repeat):
                    if not port.holds:
                        raise InvariantError(f"{port.name} announces an address that it does not have")
                    port.announced += repeat
                case StateChanged(new=new, reason=reason):
                    self._log(f"{port.name} {new} {reason}")
                case Report(message=message):
                    self._log(f"{port.name} says: {message}")
        self._check(port)
        self._arm(port)
        if settle and port.node.group is not None:
            self._settle(port.node, port.node.group)

    def _settle(self, node: Node, group: Group) -> None:
        ports = {port.name: port for port in node.ports}
        while steps := group.settle(self.clock(node)):
            for name, effects in steps:
                self.perform(ports[name], effects, settle=False)

    def _may_send(self, port: Port, priority: int, rest: list[Effect]) -> None:
        leaving = any(isinstance(effect, RemoveAddresses) for effect in rest)
        if port.machine.state is not State.ACTIVE and not leaving:
            raise InvariantError(f"{port.name} advertises priority {priority} in state {port.machine.state}")

    def _check(self, port: Port) -> None:
        machine, now = port.machine, self.clock(port.node)
        if port.holds != (machine.state is State.ACTIVE):
            raise InvariantError(f"{port.name} is {machine.state} and holds the address: {port.holds}")
        if (machine.deadline is None) != (machine.state in (State.INITIALIZE, State.FAULT)):
            raise InvariantError(f"{port.name} is {machine.state} and its deadline is {machine.deadline}")
        if machine.deadline is not None and machine.deadline > now + 200:
            raise InvariantError(f"{port.name} would sleep until {machine.deadline}, now is {now}")

    def _arm(self, port: Port) -> None:
        machine = port.machine
        if machine.deadline is None:
            return
        deadline = machine.deadline

        def due() -> None:
            if port.machine is machine and machine.deadline == deadline and self.awake(port.node):
                self._expire(port.node)

        self.at(deadline - port.node.offset, due)

    def _expire(self, node: Node) -> None:
        for port in node.ports:
            now = self.clock(node)
            # Rounding, as the loop of the real process does, so that a call is never too early.
            if port.machine.deadline is not None and port.machine.deadline <= now + 1e-9:
                now = max(now, port.machine.deadline)
                self.perform(port, port.machine.expire(now))
                if port.machine.deadline is not None and port.machine.deadline <= now:
                    raise InvariantError(f"{port.name} wants to be called again at once")

    # -- cables --------------------------------------------------------------------------------------------------------

    def _send(self, port: Port, priority: int) -> None:
        config = port.config
        source = ip_address(f"10.{port.segment}.0.{port.node.number}")
        payload = encode(
            Advertisement(config.version, config.vrid, priority, config.advert_int,
                          tuple(address.interface.ip for address in config.addresses),
                          auth_type(config), auth_data(config)),
            source=source, destination=GROUP, pseudo_header=config.pseudo_header)
        for node in self.nodes:
            if node is not port.node and (port.node.number, node.number, port.segment) not in self.cut:
                for _copy in range(1 + (self._random.random() < self.weather.double)):
                    if self._random.random() >= self.weather.loss:
                        delay = 1e-5 + self._random.random() * self.weather.slowest
                        self.at(self.now + delay, lambda to=node: self._deliver(port, payload, to))

    def _deliver(self, sender: Port, payload: bytes, node: Node) -> None:
        port = next((port for port in node.ports if port.segment == sender.segment), None)
        if port is None or not node.alive:
            return
        if self.awake(node):
            self._take(sender, payload, port)
        else:
            node.backlog.append((sender, payload, port))

    def _take(self, sender: Port, payload: bytes, port: Port) -> None:
        source = ip_address(f"10.{sender.segment}.0.{sender.node.number}")
        advert = decode(payload, source=source, destination=GROUP, ttl=255)
        self.perform(port, port.machine.receive(advert, source, self.clock(port.node)))

    # -- time ----------------------------------------------------------------------------------------------------------

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do something at a time."""
        heapq.heappush(self._events, (max(when, self.now), next(self._numbers), action))

    def run(self, until: float, after_step: Callable[[], None] = lambda: None) -> None:
        """Let time pass; `after_step` is called after each thing that happened."""
        while self._events and self._events[0][0] <= until:
            self.now, _number, action = heapq.heappop(self._events)
            action()
            after_step()
        self.now = until

    def active(self, segment: int = 0) -> list[Node]:
        """Who believes to be Active."""
        return [node for node in self.nodes for port in node.ports
                if node.alive and port.segment == segment and port.machine.state is State.ACTIVE]
