import os
import signal
import socket

import pytest

from tests.daemon import Client, Daemon, Origin, alive, free_port, pyha, refused, wait_until

CONFIG = """
global
    nbthread 2
defaults
    mode tcp
    timeout connect 2s
    timeout client 30s
    timeout server 30s
frontend api
    bind 127.0.0.1:{port}
    default_backend masters
backend masters
    option httpchk GET /healthz
    default-server inter 100ms fall 2 rise 1
    server m1 127.0.0.1:{one} check
    server m2 127.0.0.1:{two} check
"""


@pytest.fixture
def origins():
    with Origin("m1") as one, Origin("m2") as two:
        yield one, two


@pytest.fixture
def cluster(tmp_path, origins):
    port = free_port()
    text = CONFIG.format(port=port, one=origins[0].port, two=origins[1].port)
    with Daemon(tmp_path, text) as daemon:
        daemon.port, daemon.text = port, text
        yield daemon


def ask(port):
    client = Client(port)
    try:
        return client.ask()
    finally:
        client.close()


def test_clients_are_spread_over_the_servers_and_status_tells(cluster):
    assert {ask(cluster.port) for _ in range(20)} == {"m1: hello", "m2: hello"}
    wait_until(lambda: all(s["check"] and s["check"]["status"] == "L7OK" for s in
                           cluster.status()["backends"][0]["servers"]), "both servers are checked")
    assert sorted(p["role"] for p in cluster.status()["processes"]) == ["monitor", "supervisor", "worker", "worker"]


def test_a_server_that_fails_its_check_gets_no_new_clients_and_the_log_says_so(cluster, origins):
    origins[0].ready = False
    wait_until(lambda: cluster.server("m1")["state"] == "DOWN", "m1 is DOWN")
    assert {ask(cluster.port) for _ in range(10)} == {"m2: hello"}
    assert "Server masters/m1 is DOWN" in cluster.log
    origins[0].ready = True
    wait_until(lambda: cluster.server("m1")["state"] == "UP", "m1 is UP again")
    wait_until(lambda: ask(cluster.port) == "m1: hello", "m1 gets clients again")


def test_term_stops_everything_with_exit_code_0_and_leaves_nothing(cluster):
    children = cluster.children()
    assert cluster.stop() == 0
    assert [pid for pid in children if alive(pid)] == []
    assert not (cluster.runtime / "control.sock").exists()
    assert refused(cluster.port)


def test_a_session_may_finish_while_pyha_stops_and_new_clients_are_refused(cluster):
    client = Client(cluster.port)
    assert client.ask()
    cluster.signal(signal.SIGTERM)

    wait_until(lambda: refused(cluster.port), "new clients are refused")
    assert client.ask("still there").endswith("still there")
    client.close()
    assert cluster.process.wait(20) == 0


def test_a_second_term_does_not_wait_for_sessions(tmp_path, origins):
    port = free_port()
    text = CONFIG.format(port=port, one=origins[0].port, two=origins[1].port)
    with Daemon(tmp_path, text.replace("global", "global\n    hard-stop-after 1h")) as daemon:
        client = Client(port)
        assert client.ask()
        daemon.signal(signal.SIGTERM)
        assert client.ask()
        daemon.signal(signal.SIGINT)
        assert daemon.process.wait(20) == 0
        wait_until(lambda: not any(alive(pid) for pid in daemon.pids), "no child is left")


def test_a_killed_worker_is_replaced_and_no_client_is_refused_meanwhile(cluster):
    workers = cluster.children("worker")
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    assert all(ask(cluster.port) in {"m1: hello", "m2: hello"} for _ in range(40))
    assert not set(workers) & set(cluster.children("worker"))
    assert "was killed by SIGKILL; starting it again" in cluster.log


def test_a_killed_worker_takes_only_its_own_sessions_with_it(cluster):
    clients = [Client(cluster.port) for _ in range(30)]
    for client in clients:
        client.ask()
    os.kill(cluster.children("worker")[0], signal.SIGKILL)

    def answer(client):
        try:
            return bool(client.ask())
        except OSError:
            return False

    survivors = [client for client in clients if answer(client)]
    assert 0 < len(survivors) < 30
    for client in clients:
        client.close()


def test_a_killed_monitor_is_replaced_and_the_last_server_states_stand(cluster, origins):
    origins[0].ready = False
    wait_until(lambda: cluster.server("m1")["state"] == "DOWN", "m1 is DOWN")
    (monitor,) = cluster.children("monitor")
    os.kill(monitor, signal.SIGKILL)
    assert {ask(cluster.port) for _ in range(10)} == {"m2: hello"}
    wait_until(lambda: cluster.children("monitor") not in ([], [monitor]), "another monitor runs")
    assert cluster.server("m1")["state"] == "DOWN"
    origins[0].ready = True
    wait_until(lambda: cluster.server("m1")["state"] == "UP", "the new monitor sees m1 come back")


def test_without_the_supervisor_the_children_end_by_themselves(cluster):
    children = cluster.children()
    os.kill(cluster.process.pid, signal.SIGKILL)
    cluster.process.wait(10)
    wait_until(lambda: not any(alive(pid) for pid in children), "no child is left")


def test_a_reload_adds_and_removes_without_touching_sessions(cluster):
    client = Client(cluster.port)
    first = client.ask()
    second = free_port()
    path = cluster.directory / "haproxy.cfg"
    path.write_text(cluster.text.replace("frontend api", f"frontend more\n    bind 127.0.0.1:{second}\n"
                                         "    default_backend masters\nfrontend api"))
    done = cluster.ask("reload")
    assert (done.returncode, done.stdout) == (0, "reloaded: this is generation 2\n")
    assert ask(second)
    assert client.ask() == first
    path.write_text(cluster.text)
    assert cluster.ask("reload").returncode == 0
    wait_until(lambda: refused(second), "the listener is closed")
    assert client.ask() == first
    client.close()


def test_a_reload_with_mistakes_changes_nothing_and_tells_each_with_its_line(cluster):
    path = cluster.directory / "haproxy.cfg"
    path.write_text(cluster.text.replace("default_backend masters", "default_backend master\n    balanced"))
    done = cluster.ask("reload")
    assert done.returncode == 3
    assert f"{path}:{1 + cluster.text[:cluster.text.index('default_backend')].count(chr(10))}: error:" in done.stderr
    assert "balanced" in done.stderr
    assert "nothing has changed" in done.stderr
    assert cluster.status()["generation"] == 1
    assert ask(cluster.port)


def test_a_reload_that_wants_an_address_in_use_changes_nothing(cluster):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        path = cluster.directory / "haproxy.cfg"
        path.write_text(cluster.text.replace("default_backend", f"bind 127.0.0.1:{taken}\n    default_backend"))
        done = cluster.ask("reload")
        assert done.returncode == 3
        assert f"127.0.0.1:{taken}: the address is in use" in done.stderr
    assert ask(cluster.port)


def test_hup_reloads_and_usr1_tells_the_state(cluster):
    cluster.signal(signal.SIGHUP)
    wait_until(lambda: "reloaded: this is generation 2" in cluster.log, "reloaded")
    cluster.signal(signal.SIGUSR1)
    wait_until(lambda: '"schema":"pyha/status/v1"' in cluster.log, "the state is in the log")


def test_a_second_pyha_of_the_same_directory_is_refused(cluster):
    done = pyha("run", *cluster.files, env=cluster.env)
    assert done.returncode == 5
    assert "another pyha is running" in done.stderr
    assert ask(cluster.port)


def test_an_address_in_use_is_one_clear_sentence_and_exit_code_5(cluster, tmp_path):
    done = pyha("run", *cluster.files, env={"PYHA_RUNTIME_DIR": str(tmp_path / "other")})
    assert done.returncode == 5
    assert done.stderr.startswith(f"pyha: 'api' cannot listen on 127.0.0.1:{cluster.port}: the address is in use by ")
    assert len(done.stderr.splitlines()) == 1
