"""What an operator can do wrong gets one clear sentence each, its line where there is one, and the right exit code."""

import os
import subprocess

import pytest

from tests.daemon import Daemon, free_port, pyha

HAPROXY = """\
global
    log /dev/log local0
defaults
    mode tcp
    timeout connect 2s
    timeout client 30s
    timeout server 30s
frontend api
    bind 127.0.0.1:{port}
    default_backend masters
backend masters
    server m1 127.0.0.1:1 check
"""

KEEPALIVED = """\
vrrp_instance VI_1 {
    interface lo
    virtual_router_id 51
    priority 100
    virtual_ipaddress {
        10.0.0.100/24
    }
}
"""

TEN_MISTAKES = (
    (
        "global\n"
        "    maxcon 2000\n"                              # 2: unknown word
        "defaults\n"
        "    mode tcp\n"
        "    timeout connect 5parsecs\n"                 # 5: not a time
        "    timeout client 30s\n"
        "    timeout server 30s\n"
        "frontend api\n"
        "    bind 127.0.0.1:99999\n"                     # 9: not a port
        "    default_backend mastres\n"                  # 10: no such backend
        "backend masters\n"
        "    balance fastest\n"                          # 12: no such algorithm
        "    server m1 127.0.0.1:6443 chekc\n"           # 13: unknown word of a server
        "    server m2 127.0.0.1:6443 weight 1000\n"     # 14: weight
    ),
    (
        "vrrp_instance VI_1 {\n"
        "    interface lo\n"
        "    virtual_router_id 300\n"                    # 3: not a VRID
        "    priority 100\n"
        "    virtual_ipaddress {\n"
        "        10.0.0.300/24\n"                        # 6: not an address
        "    }\n"
        "    prioritee 5\n"                              # 8: unknown word
        "}\n"
    ),
)


def run(command, directory, haproxy=None, keepalived=None, *options):
    arguments = []
    for option, name, text in (("-f", "haproxy.cfg", haproxy), ("-k", "keepalived.conf", keepalived)):
        if text is not None:
            (directory / name).write_text(text)
            arguments += [option, directory / name]
    return pyha(command, *arguments, *options, env={"PYHA_RUNTIME_DIR": str(directory / "run")})


def test_ten_mistakes_give_ten_messages_each_with_its_line(tmp_path):
    done = run("check", tmp_path, *TEN_MISTAKES)
    assert done.returncode == 3
    lines = [line.removeprefix(str(tmp_path) + "/").split(":")[:2] for line in done.stderr.splitlines()[:-1]]
    for number in ("2", "5", "9", "10", "12", "13", "14"):
        assert lines.count(["haproxy.cfg", number]) == 1, done.stderr
    for number in ("3", "6", "8"):
        assert lines.count(["keepalived.conf", number]) == 1, done.stderr
    for hint in ("maxconn", "masters", "check", "priority"):
        assert f"did you mean '{hint}'?" in done.stderr, done.stderr


def test_run_refuses_the_same_with_the_same_words_and_starts_nothing(tmp_path):
    checked, ran = run("check", tmp_path, *TEN_MISTAKES), run("run", tmp_path, *TEN_MISTAKES)
    assert (ran.returncode, ran.stderr) == (3, checked.stderr)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["check", "run", "translate"])
def test_a_missing_file_is_named(tmp_path, command):
    done = pyha(command, "-f", tmp_path / "nosuch.cfg")
    assert done.returncode == 3
    assert f"{tmp_path}/nosuch.cfg: error: cannot be read: No such file or directory" in done.stderr


def test_a_directory_instead_of_keepalived_conf_is_named(tmp_path):
    done = pyha("check", "-k", tmp_path)
    assert done.returncode == 3
    assert f"{tmp_path}: error: cannot be read: Is a directory" in done.stderr


@pytest.mark.parametrize("content", [None, "no certificate in here\n"])
def test_a_certificate_that_cannot_be_used_is_named_with_its_line(tmp_path, content):
    if content is not None:
        (tmp_path / "ca.pem").write_text(content)
    done = run("check", tmp_path, HAPROXY.format(port=1024).replace(
        "check", f"check check-ssl verify required ca-file {tmp_path}/ca.pem"))
    assert done.returncode == 3
    assert done.stderr.startswith(f"{tmp_path}/haproxy.cfg:12: error: "), done.stderr
    assert f"{tmp_path}/ca.pem" in done.stderr


def test_a_missing_interface_is_a_warning_because_it_may_appear(tmp_path):
    done = run("check", tmp_path, None, KEEPALIVED.replace("interface lo", "interface nosuch0"))
    assert done.returncode == 0, done.stderr
    assert "keepalived.conf:2: warning: " in done.stderr
    assert "there is no interface 'nosuch0'" in done.stderr


def test_a_valid_configuration_is_called_valid(tmp_path):
    done = run("check", tmp_path, HAPROXY.format(port=1024), KEEPALIVED)
    assert (done.returncode, done.stdout) == (0, "Configuration is valid.\n"), done.stderr
    assert run("check", tmp_path, HAPROXY.format(port=1024), KEEPALIVED, "-q").stdout == ""


def test_strict_makes_ignored_words_count(tmp_path):
    text = HAPROXY.format(port=1024).replace("mode tcp", "mode tcp\n    option forwardfor")
    assert run("check", tmp_path, text).returncode == 0
    done = run("check", tmp_path, text, None, "--strict")
    assert done.returncode == 4
    assert "haproxy.cfg:5: warning:" in done.stderr


def test_translate_gives_yaml_that_means_the_same(tmp_path):
    done = run("translate", tmp_path, HAPROXY.format(port=1024), KEEPALIVED)
    assert done.returncode == 0
    (tmp_path / "pyha.yaml").write_text(done.stdout)
    again = pyha("translate", "-c", tmp_path / "pyha.yaml")
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr


def test_nothing_to_do_is_said(tmp_path):
    done = run("run", tmp_path, "defaults\n    mode tcp\n")
    assert done.returncode == 5
    assert "nothing to do" in done.stderr


def test_without_a_daemon_status_and_reload_exit_with_6(tmp_path):
    for command in ("status", "reload"):
        done = pyha(command, env={"PYHA_RUNTIME_DIR": str(tmp_path)})
        assert done.returncode == 6
        assert "is it running?" in done.stderr


@pytest.mark.parametrize("arguments", [[], ["nosuch"], ["check", "--nosuch"]])
def test_a_wrong_command_line_exits_with_2(arguments):
    assert pyha(*arguments).returncode == 2


def test_version_and_help():
    assert pyha("version").stdout == pyha("--version").stdout
    assert "pyha COMMAND --help" in pyha("--help").stdout


@pytest.mark.root
def test_without_privileges_vrrp_is_refused_in_one_sentence(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "keepalived.conf").write_text(KEEPALIVED)
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--", *Daemon.command("run"),
         "-k", tmp_path / "keepalived.conf"],
        env={**os.environ, "PYHA_RUNTIME_DIR": str(tmp_path / "run")}, capture_output=True, text=True, timeout=60,
        check=False)
    assert done.returncode == 5
    assert done.stderr.startswith("pyha: VRRP needs the privileges"), done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_closed_pipe_is_no_traceback(tmp_path):
    (tmp_path / "haproxy.cfg").write_text(HAPROXY.format(port=free_port()))
    done = subprocess.run(f"{' '.join(Daemon.command('translate'))} -f {tmp_path}/haproxy.cfg | true", shell=True,
                          capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_under_the_log_stops_nothing(tmp_path):
    from tests.daemon import Client, Origin

    with Origin("m1") as origin:
        port = free_port()
        text = HAPROXY.format(port=port).replace("127.0.0.1:1 ", f"127.0.0.1:{origin.port} ")
        with Daemon(tmp_path, text, log="/dev/full") as daemon:
            client = Client(port)
            assert client.ask() == "m1: hello"
            client.close()
            assert daemon.stop() == 0
