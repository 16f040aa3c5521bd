"""What an agent says reaches the clients: a whole pyha with two servers, one of which has an agent."""

import pytest

from pyha.config import model
from pyha.control.messages import ServerState
from tests.daemon import Client, Daemon, Origin, free_port, wait_until
from tests.runtime.monitor_lab import MonitorProcess, backend, config
from tests.runtime.standins import Standin, http
from tests.runtime.standins import status as answer
from tests.runtime.test_checks_beside_haproxy import DEFAULTS

OK = answer(200, "OK")


class Agent:
    def __init__(self):
        self.word = "up"

    def __call__(self, talk):
        talk.say(self.word.encode() + b"\n")
        talk.read_all()


@pytest.fixture
def stage(tmp_path):
    agent, port = Agent(), free_port()
    with Origin("one") as one, Origin("two") as two, Standin(agent) as listener:
        text = f"""global
    nbthread 2
{DEFAULTS}
listen api
    bind 127.0.0.1:{port}
    balance roundrobin
    default-server check inter 100ms weight 100
    server one 127.0.0.1:{one.port} agent-check agent-port {listener.port} agent-inter 100ms
    server two 127.0.0.1:{two.port}
"""
        with Daemon(tmp_path, haproxy=text) as pyha:
            yield pyha, agent, port


def served(port, times=40):
    """How often each server got one of so many clients."""
    names = []
    for _ in range(times):
        client = Client(port)
        names.append(client.ask().partition(":")[0])
        client.close()
    return {name: names.count(name) for name in ("one", "two")}


def test_a_server_that_drains_keeps_its_clients_and_gets_no_new_ones(stage):
    pyha, agent, port = stage
    client = next(client for client in (Client(port) for _ in range(40)) if client.ask().startswith("one"))
    agent.word = "drain"
    wait_until(lambda: pyha.server("one")["state"] == "DRAIN", "drain")
    wait_until(lambda: served(port, 10) == {"one": 0, "two": 10}, "the workers to hear of it")
    assert client.ask("still there?") == "one: still there?"
    agent.word = "ready"
    wait_until(lambda: served(port, 10)["one"] > 0, "the server to be back")
    client.close()


def test_weights_in_percent_steer_new_clients(stage):
    pyha, agent, port = stage
    agent.word = "up 10%"
    wait_until(lambda: pyha.server("one")["weight"] == 10, "the weight")
    wait_until(lambda: 0 < served(port, 44)["one"] <= 8, "the workers to hear of it")  # 10 to 100 are 4 of 44
    agent.word = "0%"
    wait_until(lambda: served(port, 10) == {"one": 0, "two": 10}, "weight 0")
    agent.word = "100%"
    wait_until(lambda: 15 <= served(port, 40)["one"] <= 25, "equal shares")


def test_down_and_maintenance_by_an_agent(stage):
    pyha, agent, port = stage
    for word, state in (("down", "DOWN"), ("up", "UP"), ("maint", "MAINT"), ("ready", "UP")):
        agent.word = word
        wait_until(lambda state=state: pyha.server("one")["state"] == state, state)
        shares = {"one": 0, "two": 10} if state != "UP" else None
        wait_until(lambda shares=shares: (served(port, 10) == shares) if shares else served(port, 10)["one"] > 0, state)


@pytest.mark.parametrize(("status", "health", "weight"), [("MAINT", 2, 50), ("DRAIN", 3, 50), ("DOWN", 3, 50)])
def test_a_new_monitor_remembers_what_an_agent_ordered_until_it_says_something_else(tmp_path, status, health, weight):
    agent = Agent()
    agent.word = ""
    with Standin(http(OK)) as server, Standin(agent) as listener, MonitorProcess(tmp_path) as monitor:
        watched = backend(server.port, rise=2, fall=3, server={
            "weight": 100, "agent": model.Agent(port=listener.port, inter=100)})
        monitor.configure(config(watched), servers=(ServerState(
            backend="be", server="s", address=f"127.0.0.1:{server.port}", status=status, weight=weight, since=1.0,
            rise=2, fall=3, health=health),))
        asked = listener.accepted
        wait_until(lambda: listener.accepted >= asked + 4, "questions")
        assert (monitor.state().status, monitor.state().weight, monitor.state().since) == (status, 50, 1.0)
        agent.word = "up ready 100%"
        assert monitor.wait_for("UP").weight == 100
