"""The checks that haproxy does not have: `apiserver`, and any HTTP check over a kept connection."""

import threading

import pytest

from pyha.config.model import HealthDialogue, Tls
from tests.runtime.monitor_lab import MonitorProcess, backend, config
from tests.runtime.standins import HEAD_END, Certificates, Refusing, Standin, http, silent, status, tls
from tests.runtime.worker_lab import wait_for


@pytest.fixture
def monitor(tmp_path):
    with MonitorProcess(tmp_path) as process:
        yield process


@pytest.fixture(scope="module")
def certs(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def api(certs):
    """The TLS context of an apiserver."""
    return certs.server("api", names="DNS:kubernetes,DNS:kubernetes.default,IP:127.0.0.1")


@pytest.fixture
def server():
    """Makes stand-in servers that are closed in the end."""
    made = []

    def make(behaviour):
        made.append(Refusing() if behaviour is Refusing else Standin(behaviour))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Keeping:
    """An HTTP server that keeps connections for up to `most` requests. `hang`: it forgets those that it has."""

    def __init__(self, most=1000):
        self.code, self.most, self.hang, self.requests = 200, most, False, 0
        self.lock = threading.Lock()

    def __call__(self, talk):
        for served in range(self.most):
            talk.heard = b""
            if not talk.read_until(HEAD_END):
                return
            if self.hang and served:
                talk.read_all()
                return
            with self.lock:
                self.requests += 1
            talk.say(f"HTTP/1.1 {self.code} X\r\nContent-Length: 5\r\n\r\nhello".encode())


# -- apiserver ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "unauthorized", "expected"), [
    (200, "up", ("L7OK", "UP")), (401, "up", ("L7OK", "UP")), (403, "up", ("L7OK", "UP")),
    (401, "down", ("L7STS", "DOWN")), (403, "down", ("L7STS", "DOWN")), (500, "up", ("L7OKC", "NOLB")),
    (404, "up", ("L7STS", "DOWN")), (503, "up", ("L7STS", "DOWN")),
])
def test_what_an_apiserver_answers(monitor, server, certs, api, code, unauthorized, expected):
    one = server(tls(api, http(status(code))))
    monitor.configure(config(backend(one.port, health=HealthDialogue(kind="apiserver", unauthorized=unauthorized),
                                     tls_options=Tls(ca_file=str(certs.ca)))))
    state = monitor.checked()
    assert (state.check.status, state.status) == expected
    assert one.heard[0].startswith(b"GET /readyz HTTP/1.1\r\nhost: kubernetes\r\n")


def test_an_apiserver_that_is_gone_is_down_and_one_that_is_not_ready_only_finishes(monitor, server, certs, api):
    mood = Keeping(most=1)
    one = server(tls(api, mood))
    monitor.configure(config(backend(one.port, health=HealthDialogue(kind="apiserver"),
                                     tls_options=Tls(ca_file=str(certs.ca)))))
    monitor.wait_for("UP")
    mood.code = 500
    monitor.wait_for("NOLB")
    mood.code = 200
    monitor.wait_for("UP")
    one.close()
    assert monitor.wait_for("DOWN").check.status in ("L4CON", "SOCKERR", "L6RSP")


def test_an_apiserver_that_was_down_does_not_come_up_by_being_not_ready(monitor, server, certs, api):
    mood = Keeping(most=1)
    mood.code = 503
    one = server(tls(api, mood))
    monitor.configure(config(backend(one.port, health=HealthDialogue(kind="apiserver"),
                                     tls_options=Tls(ca_file=str(certs.ca)))))
    monitor.wait_for("DOWN")
    mood.code = 500
    wait_for(lambda: monitor.state().check.code == 500, "the next checks")
    assert (monitor.state().status, monitor.state().check.status) == ("DOWN", "L7STS")


def test_its_certificate_must_be_good_and_name_kubernetes(monitor, server, certs, api):
    stranger = server(tls(certs.server("stranger", ca="other-ca", names="DNS:kubernetes"), http(status(200))))
    nameless = server(tls(certs.server("nameless", names="DNS:www.example.com"), http(status(200))))
    monitor.configure(config(*(backend(one.port, name=name, health=HealthDialogue(kind="apiserver"),
                                       tls_options=Tls(ca_file=str(certs.ca)))
                               for name, one in (("stranger", stranger), ("nameless", nameless)))))
    assert "certificate" in monitor.checked(backend="stranger").check.info
    assert "different from the expected one" in monitor.checked(backend="nameless").check.info


def test_it_shows_a_token_that_may_change_at_any_time(monitor, server, certs, api, tmp_path):
    one = server(tls(api, http(status(200))))
    token = tmp_path / "token"
    token.write_text("first\n")
    monitor.configure(config(backend(one.port, health=HealthDialogue(kind="apiserver", token_file=str(token)),
                                     tls_options=Tls(ca_file=str(certs.ca)))))
    wait_for(lambda: any(b"authorization: Bearer first\r\n" in heard for heard in one.heard), "the token")
    token.write_text("second\n")
    wait_for(lambda: any(b"authorization: Bearer second\r\n" in heard for heard in one.heard), "the new token")
    token.unlink()
    assert monitor.wait_for("DOWN").check.status == "SOCKERR"
    assert monitor.state().check.info == "No such file or directory"


def test_it_shows_a_client_certificate(monitor, server, certs):
    client = certs.make("client")
    one = server(tls(certs.server("asking", client_ca=certs.ca, names="DNS:kubernetes"), http(status(200))))
    monitor.configure(config(backend(one.port, health=HealthDialogue(kind="apiserver"),
                                     tls_options=Tls(ca_file=str(certs.ca), crt=str(client)))))
    assert monitor.checked().check.status == "L7OK"


# -- kept connections --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["http", "apiserver"])
def test_one_connection_serves_many_checks(monitor, server, certs, api, kind):
    mood = Keeping()
    one = server(tls(api, mood))
    trust = Tls(ca_file=str(certs.ca), sni="kubernetes")
    monitor.configure(config(backend(one.port, health=HealthDialogue(kind=kind, keep_alive=True), tls=trust,
                                     tls_options=trust)))
    wait_for(lambda: mood.requests >= 10, "checks")
    assert one.accepted == 1
    mood.code = 404
    monitor.wait_for("DOWN")
    mood.code = 200
    monitor.wait_for("UP")
    assert one.accepted == 1


def test_a_server_that_closes_kept_connections_is_asked_again_at_once_and_does_not_fail(monitor, server):
    mood = Keeping(most=3)
    one = server(mood)
    monitor.configure(config(backend(one.port, health=HealthDialogue(kind="http", keep_alive=True,
                                                                     log_health_checks=True))))
    wait_for(lambda: mood.requests >= 20, "checks")
    assert one.accepted >= 6
    assert [line for line in monitor.log if "failed" in line or "DOWN" in line] == []


def test_a_kept_connection_that_somebody_on_the_way_forgot_is_given_up_in_time_for_a_new_one(monitor, server):
    mood = Keeping()
    one = server(mood)
    monitor.configure(config(backend(one.port, timeout=1000, health=HealthDialogue(kind="http", keep_alive=True,
                                                                                   log_health_checks=True))))
    wait_for(lambda: mood.requests >= 3, "checks")
    assert one.accepted == 1
    mood.hang = True
    wait_for(lambda: one.accepted >= 3, "new connections")
    assert [line for line in monitor.log if "failed" in line or "DOWN" in line] == []


def test_a_server_that_becomes_silent_or_goes_away_fails_over_a_kept_connection_too(monitor, server):
    class Mute:
        def __init__(self):
            self.mute, self.requests = False, 0

        def __call__(self, talk):
            while True:
                talk.heard = b""
                if not talk.read_until(HEAD_END):
                    return
                if self.mute:
                    silent(talk)
                    return
                self.requests += 1
                talk.say(status(200, "OK").replace(b"Connection: close\r\n", b""))

    mood = Mute()
    one = server(mood)
    monitor.configure(config(backend(one.port, timeout=300, health=HealthDialogue(kind="http", keep_alive=True))))
    wait_for(lambda: mood.requests >= 2, "checks")
    mood.mute = True
    assert monitor.wait_for("DOWN").check.status == "L7TOUT"
    mood.mute = False
    monitor.wait_for("UP")
    one.close()
    assert monitor.wait_for("DOWN").check.status in ("L4CON", "SOCKERR")


def test_only_checks_with_an_answer_that_ends_can_keep_a_connection():
    with pytest.raises(ValueError, match="only checks of kind http and apiserver"):
        HealthDialogue(kind="redis", keep_alive=True)
