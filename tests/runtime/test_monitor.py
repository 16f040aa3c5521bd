"""A real monitor process: what it is told, whom it asks, and what it tells the others."""

import time

import pytest

from pyha.config.model import Backend, Check, CheckSend, Frontend, HealthDialogue, Server, Tls
from pyha.control.messages import CheckResult, ServerState
from tests.runtime.monitor_lab import MonitorProcess, backend, config
from tests.runtime.standins import (
    HEAD_END,
    Certificates,
    Refusing,
    Standin,
    closing,
    dripping,
    greeting,
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


class Switch:
    """A server that is well, or not."""

    def __init__(self):
        self.code = 200

    def __call__(self, talk):
        if talk.read_until(HEAD_END):
            talk.say(status(self.code, "Mood"))


# -- every way to be well or not ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("health", "behaviour", "expected"), [
    (None, silent, "L4OK"), (None, Refusing, "L4CON"), (HTTP, OK, "L7OK"), (HTTP, Refusing, "L4CON"),
    (HTTP, http(status(500)), "L7STS"), (HTTP, http(status(404)), "L7STS"),
    (HTTP, http(status(302, headers="Location: /\r\n")), "L7OK"), (HTTP, silent, "L7TOUT"),
    (HTTP, resetting, "SOCKERR"), (HTTP, http(b"SSH-2.0\r\n"), "L7RSP"), (HTTP, http(b""), "L7RSP"),
    (HTTP, dripping(status(200), 0.001), "L7OK"), (HTTP, dripping(status(200), 0.05), "L7TOUT"),
    (HealthDialogue(kind="ssl-hello"), greeting(b"\x15\x03\x01\x00\x02\x02\x46"), "L6OK"),
])
def test_a_server_over_plain_tcp(monitor, server, health, behaviour, expected):
    monitor.configure(config(backend(server(behaviour).port, health=health, timeout=500)))
    state = monitor.checked()
    assert (state.check.status, state.status) == (expected, "UP" if expected.endswith("OK") else "DOWN")
    assert state.check.last == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize(("options", "certificate", "expected", "info"), [
    ({"verify": "none"}, {"ca": "other-ca", "expired": True}, "L7OK", ""),
    ({}, {}, "L7OK", ""),
    ({"sni": "api.example.com"}, {}, "L7OK", ""),
    ({"sni": "a.example.com"}, {"names": "DNS:*.example.com"}, "L7OK", ""),
    ({"sni": "a.b.example.com"}, {"names": "DNS:*.example.com"}, "L6RSP", "different from the expected one"),
    ({"sni": "other.example.com"}, {}, "L6RSP", "different from the expected one"),
    ({"verifyhost": "other.example.com"}, {}, "L6RSP", "different from the configured one"),
    ({"verifyhost": "127.0.0.1"}, {}, "L7OK", ""),
    ({}, {"ca": "other-ca"}, "L6RSP", "SSL handshake failure (unable to get local issuer certificate)"),
    ({}, {"expired": True}, "L6RSP", "SSL handshake failure (certificate has expired)"),
])
def test_a_server_over_tls(monitor, server, certs, options, certificate, expected, info):
    port = server(tls(certs.server("server", **certificate), OK)).port
    ca_file = None if options.get("verify") == "none" else str(certs.ca)
    monitor.configure(config(backend(port, health=HTTP, tls=Tls(ca_file=ca_file, **options))))
    state = monitor.checked()
    assert state.check.status == expected
    assert info in state.check.info


@pytest.mark.parametrize(("behaviour", "expected"), [
    (silent, "L6TOUT"), (closing, "L6RSP"), (resetting, "L6RSP"), (greeting(b"plain text\r\n"), "L6RSP"),
    (Refusing, "L4CON")])
def test_what_does_not_speak_tls(monitor, server, behaviour, expected):
    monitor.configure(config(backend(server(behaviour).port, health=HTTP, tls=Tls(verify="none"), timeout=300)))
    assert monitor.checked().check.status == expected


def test_a_server_that_wants_a_client_certificate_gets_one(monitor, server, certs):
    port = server(tls(certs.server("strict", client_ca=certs.ca), OK)).port
    crt = str(certs.make("client"))
    monitor.configure(config(
        backend(port, health=HTTP, name="with", tls=Tls(verify="none", crt=crt)),
        backend(port, health=HTTP, name="without", tls=Tls(verify="none"))))
    assert monitor.checked(backend="with").check.status == "L7OK"
    refused = monitor.checked(backend="without").check
    # In TLS 1.3 the server objects after the handshake, and its reset may overtake its words.
    assert refused.status == "SOCKERR"
    assert refused.info in ("tlsv13 alert certificate required", "Connection reset by peer", "Broken pipe")


def test_the_name_is_asked_for_and_no_name_is_asked_for_where_none_is_configured(monitor, server, certs):
    names = []
    port = server(tls(certs.server("named"), OK, names)).port
    monitor.configure(config(backend(port, tls=Tls(verify="none", sni="api.example.com"))))
    monitor.checked()
    assert names[0] == "api.example.com"
    del names[:]
    monitor.configure(config(backend(port, tls=Tls(verify="none"), inter=99)))
    wait_for(lambda: None in names, "a handshake without a name")


def test_servers_over_ipv6_are_checked_too(monitor, server):
    port = server(OK, host="::1").port
    monitor.configure(config(backend(port, health=HTTP, server={"host": "::1"})))
    state = monitor.checked()
    assert (state.check.status, state.address) == ("L7OK", f"[::1]:{port}")


def test_addr_and_port_send_the_check_elsewhere(monitor, server):
    port = server(OK).port
    check = Check(host="127.0.0.1", port=port, inter=100)
    monitor.configure(config(backend(1, health=HTTP, server={"host": "192.0.2.1", "check": check})))
    state = monitor.checked()
    assert (state.check.status, state.address) == ("L7OK", "192.0.2.1:1")


def test_a_server_without_port_is_checked_where_clients_come_in(monitor, server):
    port = server(OK).port
    front = Frontend(name="f", default_backend="be", binds=({"host": "127.0.0.1", "port": port - 1},))
    monitor.configure(config(backend(None, health=HTTP, server={"port_offset": 1}), frontends=(front,)))
    assert monitor.checked().check.status == "L7OK"


# -- going and coming back ---------------------------------------------------------------------------------------------


def test_a_server_goes_comes_back_and_everybody_is_told_with_times(monitor, server):
    switch = Switch()
    monitor.configure(config(backend(server(switch).port, health=HTTP, rise=2, fall=2)))
    first = monitor.wait_for("UP")
    switch.code = 500
    down = monitor.wait_for("DOWN")
    assert (down.check.status, down.check.code, down.check.info, down.health) == ("L7STS", 500, "Mood", 0)
    assert down.since >= first.since
    switch.code = 200
    up = monitor.wait_for("UP")
    assert up.health == up.rise + up.fall - 1
    assert up.since >= down.since
    assert [line.partition(",")[0] for line in monitor.log] == [
        "Server be/s is DOWN", "backend be has no server available!", "Server be/s is UP"]


def test_with_disable_on_404_a_server_finishes_what_it_has(monitor, server):
    switch = Switch()
    health = HealthDialogue(kind="http", disable_on_404=True)
    monitor.configure(config(backend(server(switch).port, health=health)))
    monitor.checked()
    switch.code = 404
    assert monitor.wait_for("NOLB").check.status == "L7OKC"
    switch.code = 500
    monitor.wait_for("DOWN")
    switch.code = 404
    wait_for(lambda: monitor.state().check.code == 404, "the 404")
    assert (monitor.state().status, monitor.state().check.status) == ("DOWN", "L7STS")
    switch.code = 200
    monitor.wait_for("UP")


def test_news_that_change_no_decision_are_told_too_but_together(monitor, server):
    monitor.configure(config(backend(server(OK).port, health=HTTP, inter=20)))
    monitor.checked()
    seen = len(monitor.messages)
    first = monitor.state().check.last
    wait_for(lambda: monitor.state().check.last > first + 0.5, "a later check")
    # At one check every 20 ms there were dozens meanwhile.
    assert len(monitor.messages) - seen <= 3


def test_disabled_and_unchecked_servers_are_not_asked_but_their_states_are_known(monitor, server):
    asked, free, other = server(OK), server(OK), server(OK)
    servers = (
        Server(name="off", host="127.0.0.1", port=free.port, check=Check(inter=20), disabled=True),
        Server(name="free", host="127.0.0.1", port=free.port),
        Server(name="spare", host="127.0.0.1", port=asked.port, check=Check(inter=20), backup=True),
        Server(name="idle", host="127.0.0.1", port=other.port, check=Check(inter=20), weight=0),
    )
    monitor.configure(config(Backend(name="be", servers=servers, health=HTTP)))
    for name in ("spare", "idle"):
        assert monitor.checked(name).status == "UP"
    states = {name: state.status for (_, name), state in monitor.states().items()}
    assert states == {"off": "MAINT", "free": "UP", "spare": "UP", "idle": "UP"}
    assert (free.accepted, free.heard) == (0, [])


# -- names -------------------------------------------------------------------------------------------------------------


def test_a_name_is_resolved_and_the_address_is_told(monitor, server):
    port = server(OK).port
    monitor.configure(config(backend(port, health=HTTP, server={"host": "localhost"})))
    state = monitor.checked()
    assert state.address in (f"127.0.0.1:{port}", f"[::1]:{port}")


def test_a_name_that_does_not_resolve_is_maintenance_and_says_so(monitor):
    monitor.configure(config(backend(1, server={"host": "nobody.invalid"})))
    state = monitor.wait_for("MAINT")
    assert state.check is None
    assert any("the name nobody.invalid does not resolve" in line for line in monitor.log)


def test_init_addr_names_an_address_for_that_case(monitor, server):
    port = server(OK).port
    monitor.configure(config(backend(port, health=HTTP, server={
        "host": "nobody.invalid", "init_addr": ("last", "libc", "127.0.0.1")})))
    assert monitor.checked().check.status == "L7OK"


# -- reload ------------------------------------------------------------------------------------------------------------


def test_a_reload_that_changes_nothing_about_a_server_keeps_its_health(monitor, server):
    down = backend(server(Refusing).port, inter=60_000)
    monitor.configure(config(down))
    before = monitor.wait_for("DOWN")
    fresh = backend(server(OK).port, name="more", health=HTTP)
    monitor.configure(config(down.model_copy(update={"retries": 7}), fresh))
    assert monitor.checked(backend="more").status == "UP"
    assert monitor.state() == before
    assert len([line for line in monitor.log if "be/s" in line]) == 1


def test_a_reload_with_another_check_goes_on_from_the_old_state_until_the_new_check_has_spoken(monitor, server):
    switch = Switch()
    port = server(switch).port
    switch.code = 500
    monitor.configure(config(backend(port, health=HTTP, inter=60_000)))
    monitor.wait_for("DOWN")
    expecting = HealthDialogue(kind="http", steps=(CheckSend(uri="/new"),))
    switch.code = 200
    monitor.configure(config(backend(port, health=expecting, inter=50, rise=2)))
    assert monitor.wait_for("UP").check.status == "L7OK"
    assert any(line.startswith("Server be/s is UP") for line in monitor.log)


def test_a_server_that_moved_starts_anew(monitor, server):
    monitor.configure(config(backend(server(Refusing).port, inter=60_000)))
    monitor.wait_for("DOWN")
    port = server(OK, host="127.0.0.2").port
    monitor.configure(config(backend(port, inter=60_000, server={"host": "127.0.0.2"}, health=HTTP)))
    assert monitor.wait_for("UP").address.startswith("127.0.0.2:")


def test_a_server_that_left_is_not_asked_any_more(monitor, server):
    gone, stays = server(OK), server(OK)
    monitor.configure(config(backend(gone.port, health=HTTP, inter=20), backend(stays.port, health=HTTP, name="other")))
    monitor.checked()
    monitor.configure(config(backend(stays.port, health=HTTP, name="other", inter=20)))
    monitor.receive()
    seen, others = gone.accepted, stays.accepted
    wait_for(lambda: stays.accepted > others + 20, "twenty more checks of the other")
    assert gone.accepted <= seen + 1  # one may have been under way


def test_a_reload_with_a_file_that_cannot_be_read_is_rejected_and_the_old_checks_go_on(monitor, server, tmp_path):
    good = server(OK)
    monitor.configure(config(backend(good.port, health=HTTP, inter=50)))
    monitor.checked()
    missing = tmp_path / "missing.pem"
    answer = monitor.configure(config(backend(good.port, health=HTTP, tls=Tls(ca_file=str(missing)))))
    assert (answer.type, answer.reason) == (
        "rejected", f"ca-file {missing} cannot be used: no such file or directory")
    seen = good.accepted
    wait_for(lambda: good.accepted > seen + 3, "the old checks")
    assert monitor.state().status == "UP"


def test_at_start_a_file_that_cannot_be_read_fails_its_checks_and_no_others(monitor, server, tmp_path):
    port = server(OK).port
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    monitor.configure(config(backend(port, health=HTTP),
                             backend(port, name="broken", tls=Tls(ca_file=str(broken)))))
    assert monitor.checked().check.status == "L7OK"
    check = monitor.checked(backend="broken").check
    assert check.status == "L6RSP"
    assert check.info == f"ca-file {broken} cannot be used: it holds no readable PEM certificate"


def test_a_pattern_that_cannot_be_read_is_rejected(monitor, server):
    health = HealthDialogue(steps=({"action": "expect", "match": "rstring", "pattern": "("},))
    answer = monitor.configure(config(backend(server(OK).port, health=health)))
    assert answer.type == "rejected"
    assert answer.reason.startswith("backend be: '(' is not a regular expression")


# -- a new monitor in place of a dead one ------------------------------------------------------------------------------


def test_a_successor_goes_on_from_the_last_known_states_without_repeating_old_news(monitor, server):
    known = ServerState(backend="be", server="s", address="x", status="DOWN", weight=1, since=123.0, health=0,
                        check=CheckResult(status="L4CON", info="Connection refused", last=124.0))
    monitor.configure(config(backend(server(Refusing).port)), servers=(known,))
    assert (monitor.wait_for("DOWN").since, monitor.state().check.status) == (123.0, "L4CON")
    wait_for(lambda: monitor.state().check.last > 124.0, "a check of its own")
    assert (monitor.state().since, monitor.log) == (123.0, [])
