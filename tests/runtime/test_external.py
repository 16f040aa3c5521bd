"""Checks by a program: what it is told, what its end means, and that it does not outlive its check."""

from pathlib import Path

import pytest

from pyha.config.model import HealthDialogue
from tests.runtime.haproxy_lab import HAPROXY, Haproxy
from tests.runtime.monitor_lab import MonitorProcess, backend, config
from tests.runtime.test_checks_beside_haproxy import DEFAULTS, comparable, model
from tests.runtime.worker_lab import free_port, wait_for


def program(directory, body, name="probe"):
    path = directory / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def monitor(tmp_path):
    with MonitorProcess(tmp_path) as process:
        yield process


def external(command, **options):
    return HealthDialogue(kind="external", command=command, **options)


def test_a_program_that_takes_too_long_is_killed_with_everything_that_it_started(monitor, tmp_path):
    slow = program(tmp_path, f"sleep 1000 &\necho $$ $! > {tmp_path}/pids.new; mv {tmp_path}/pids.new {tmp_path}/pids\n"
                             "wait")
    monitor.configure(config(backend(1, health=external(slow), timeout=300, inter=60_000)))
    assert monitor.checked().check.status == "PROCTOUT"
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    wait_for(lambda: not any(_runs(pid) for pid in pids), "the end of the program and its child")


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(("what", "status", "info"), [
    ("missing", "SOCKERR", "No such file or directory"), ("directory", "SOCKERR", "Permission denied")])
def test_a_program_that_cannot_be_started_is_a_failed_check(monitor, tmp_path, what, status, info):
    (tmp_path / "directory").mkdir()
    monitor.configure(config(backend(1, health=external(str(tmp_path / what)))))
    assert (monitor.checked().check.status, monitor.state().check.info) == (status, info)


def test_nothing_of_our_own_environment_gets_to_it_and_no_shell_reads_its_name(monkeypatch, tmp_path):
    monkeypatch.setenv("PYHA_SECRET", "x")
    write = f"env > {tmp_path}/env.new; mv {tmp_path}/env.new {tmp_path}/env"
    with MonitorProcess(tmp_path) as monitor:
        monitor.configure(config(backend(1, health=external(program(tmp_path, write, name="a; touch b $(id)")))))
        assert monitor.checked().check.status == "PROCOK"
    assert "PYHA_SECRET" not in (tmp_path / "env").read_text()
    assert not (tmp_path / "b").exists()


def test_a_kind_without_a_program_is_refused():
    with pytest.raises(ValueError, match="needs a command"):
        HealthDialogue(kind="external")


@pytest.mark.peer
@pytest.mark.skipif(HAPROXY is None, reason="haproxy is not installed")
def test_it_is_told_what_haproxy_tells_and_its_end_means_the_same(tmp_path):
    probe = program(tmp_path, f"""
        out={tmp_path}/$HAPROXY_SERVER_NAME
        echo "$@" > $out.new; env | grep ^HAPROXY_ | grep -v PROXY_ID | sort >> $out.new; mv $out.new $out.told
        case $HAPROXY_SERVER_NAME in bad) exit 3;; killed) kill -9 $$;; slow) sleep 30;; esac""")
    names = ("good", "bad", "killed", "slow")
    text = f"""
backend e
    option external-check
    external-check command {probe}
    external-check path /usr/bin:/bin
    option log-health-checks
    timeout check 500ms
""" + "".join(f"    server {name} 127.0.0.1:{number} check inter 800ms rise 1 fall 1 maxconn {number}\n"
              for number, name in enumerate(names, start=7)) + f"""
listen l
    bind 127.0.0.1:{free_port()}
    option external-check
    external-check command {probe}
    external-check path /usr/bin:/bin
    option log-health-checks
    server listed 127.0.0.1:9 check inter 700ms
"""
    def collect(lines):
        found = {}
        for name in (*names, "listed"):
            line = next((comparable(line) for line in lines if f"/{name} " in line), None)
            if line is None:
                return None
            found[name] = (line, (tmp_path / f"{name}.told").read_text())
        return found

    with Haproxy(tmp_path, f"    external-check\n    insecure-fork-wanted\n{DEFAULTS}{text}") as haproxy:
        theirs = wait_for(lambda: collect([line for _, line in haproxy.lines]), "haproxy's checks")
    for file in tmp_path.glob("*.told"):
        file.unlink()
    with MonitorProcess(tmp_path) as monitor:
        monitor.configure(model(f"global\n    external-check\n{DEFAULTS}{text}"))
        ours = wait_for(lambda: collect(monitor.log), "our checks")
    for name, told in theirs.items():
        assert ours[name] == told
