"""A real monitor process over time: frozen, starved, with many servers, and at its end."""

import signal
import socket
import time
from pathlib import Path

import pytest

from pyha.config.model import Backend, Check, Config, Global, HealthDialogue, Server, Tls
from pyha.control.messages import Stop
from tests.runtime.monitor_lab import MonitorProcess, backend, config
from tests.runtime.standins import (
    Certificates,
    Refusing,
    Standin,
    closing,
    dripping,
    http,
    resetting,
    silent,
    status,
    tls,
)
from tests.runtime.worker_lab import wait_for

HTTP = HealthDialogue(kind="http")
OK = http(status(200, "OK"))


@pytest.fixture
def monitor(tmp_path):
    with MonitorProcess(tmp_path) as process:
        yield process


@pytest.fixture
def server(request):
    """Makes stand-in servers that are closed in the end."""
    made = []

    def make(behaviour, **options):
        made.append(Refusing() if behaviour is Refusing else Standin(behaviour, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


# -- a machine that is busy or asleep ----------------------------------------------------------------------------------


@pytest.mark.parametrize("secured", [False, True])
def test_a_monitor_that_was_frozen_takes_no_healthy_server_down(monitor, server, certs, secured):
    slow = dripping(status(200, "OK"), 0.002)  # checks take a while, so that most freezes hit one
    port = server(tls(certs.server("frozen"), slow) if secured else slow).port
    options = {"tls": Tls(verify="none")} if secured else {}
    backends = [backend(port, health=HTTP, name=f"be{number}", inter=50, timeout=400, **options) for number in range(4)]
    monitor.configure(config(*backends))
    wait_for(monitor.all_checked, "checks")
    for _ in range(2):
        monitor.process.send_signal(signal.SIGSTOP)
        time.sleep(0.7)  # longer than a check may take
        monitor.process.send_signal(signal.SIGCONT)
        woken = time.time()
        wait_for(lambda woken=woken: all(state.check.last > woken for state in monitor.states().values()), "checks")
    assert monitor.log == []


def test_a_silent_server_goes_down_on_a_machine_that_is_well(monitor, server):
    monitor.configure(config(backend(server(silent).port, health=HTTP, timeout=200)))
    state = monitor.wait_for("DOWN")
    assert 190 <= state.check.duration_ms < 5000


# -- resources and the end ---------------------------------------------------------------------------------------------


def test_checks_leave_no_descriptor_behind(monitor, server, certs):
    behaviours = [OK, silent, closing, resetting, Refusing, http(b"x"), tls(certs.server("fds"), OK)]
    backends = [backend(server(behaviour).port, health=HTTP, name=f"b{number}", inter=20, timeout=100,
                        tls=Tls(verify="none") if number % 2 else None)
                for number, behaviour in enumerate(behaviours * 2)]
    monitor.configure(config(*backends))
    wait_for(monitor.all_checked, "checks")
    first = monitor.state(backend="b0").check.last
    wait_for(lambda: monitor.state(backend="b0").check.last > first + 2, "many checks")
    # Stopping the checks ends those under way: nothing but the channel, standard error and the loop's own is left.
    monitor.configure(config())
    fds = Path(f"/proc/{monitor.process.pid}/fd")
    wait_for(lambda: len(list(fds.iterdir())) < 14, "descriptors to be closed")


def test_a_plain_check_is_reset_before_the_server_must_accept_it(monitor, server):
    quiet = server(silent)
    monitor.configure(config(backend(quiet.port, inter=20)))
    monitor.checked()
    assert quiet.heard == []


def test_it_ends_when_told_to(monitor, server):
    monitor.configure(config(backend(server(silent).port, health=HTTP)))
    monitor.send(Stop())
    assert monitor.process.wait(10) == 0


def test_it_ends_when_the_supervisor_is_gone(monitor, server):
    monitor.configure(config(backend(server(silent).port, health=HTTP)))
    monitor.sock.shutdown(socket.SHUT_RDWR)
    assert monitor.process.wait(10) == 0


def test_a_thousand_servers_start_spread_over_their_interval(monitor, server):
    one = server(OK)
    servers = tuple(Server(name=f"s{number}", host="127.0.0.1", port=one.port, check=Check(inter=3000))
                    for number in range(1000))
    monitor.configure(Config(settings=Global(spread_checks=10), backends=(
        Backend(name="be", servers=servers, health=HTTP, timeout_check=2000),)))
    wait_for(lambda: len([1 for state in monitor.states().values() if state.check]) == 1000, "all checks", timeout=40)
    assert {state.check.status for state in monitor.states().values()} == {"L7OK"}
