import asyncio
import pwd
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from pyha.config.vrrp_model import Script, Vrrp
from pyha.errors import FitnessError
from pyha.runtime import scripts
from pyha.runtime.scripts import Identity, Notifier, Process, ScriptRunner
from pyha.runtime.tracked_scripts import TrackedScripts


def script(*argv: str, interval: int = 100, **more: object) -> Script:
    return Script.model_validate({"name": "chk", "argv": argv, "interval": interval, **more})


async def until(condition, within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.01)


def results_of(*argv: str, count: int = 1, **more: object) -> list[tuple[bool, str]]:
    async def run() -> list[tuple[bool, str]]:
        results: list[tuple[bool, str]] = []
        runner = ScriptRunner(asyncio.get_running_loop(), script(*argv, **more), Identity(),
                              lambda _name, ok, why: results.append((ok, why)))
        runner.start()
        await until(lambda: len(results) >= count)
        runner.stop()
        return results

    return asyncio.run(run())


def test_exit_code_zero_is_a_success_and_it_runs_again():
    assert results_of("true", count=2) == [(True, "exited with status 0")] * 2


def test_any_other_exit_code_is_a_failure():
    assert results_of("false") == [(False, "exited with status 1")]


def test_a_script_ended_by_a_signal_failed():
    assert results_of("sh", "-c", "kill -9 $$") == [(False, "ended by signal 9")]


def test_a_program_that_is_not_there_failed():
    assert results_of("/nowhere/check") == [(False, "cannot be run: No such file or directory")]


def test_words_of_the_shell_are_mere_arguments(tmp_path):
    assert results_of("/bin/echo", "x", ">", str(tmp_path / "file"), "|", "false") == [(True, "exited with status 0")]
    assert not (tmp_path / "file").exists()


def test_one_that_takes_too_long_failed_and_its_whole_group_is_ended(tmp_path):
    pids = tmp_path / "pids"
    late = ("sh", "-c", f"echo $$ >> {pids}; sleep 60 & echo $! >> {pids}; wait")
    assert results_of(*late, interval=60_000, timeout=300)[0] == (False, "timed out")

    def gone(pid: str) -> bool:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        return state == "Z"

    async def wait() -> None:
        await until(lambda: all(gone(pid) for pid in pids.read_text().split()))

    assert len(pids.read_text().split()) == 2
    asyncio.run(wait())


def test_a_script_is_never_run_beside_itself(tmp_path, caplog):
    lock, twice = tmp_path / "lock", tmp_path / "twice"
    body = f"mkdir {lock} || touch {twice}; sleep 0.35; rmdir {lock}"
    assert all(ok for ok, _ in results_of("sh", "-c", body, count=2, interval=100, timeout=5000))
    assert not twice.exists()
    assert "already running" in caplog.text


def test_a_script_that_ignores_the_request_to_end_is_killed(monkeypatch):
    monkeypatch.setattr(scripts, "_GRACE", 0.05)

    async def run() -> int:
        ended: list[int] = []
        process = Process(asyncio.get_running_loop(), ["sh", "-c", "trap '' TERM; sleep 60 & wait; wait; sleep 60"],
                          Identity(), ended.append, dies_with_us=True)
        await asyncio.sleep(0.2)
        process.end()
        process.end()
        await until(lambda: bool(ended))
        return ended[0]

    assert asyncio.run(run()) == -signal.SIGKILL


def test_a_stopped_runner_leaves_no_process_and_says_no_more():
    async def run() -> None:
        results: list[object] = []
        runner = ScriptRunner(asyncio.get_running_loop(), script("sleep", "60"), Identity(),
                              lambda *result: results.append(result))
        runner.start()
        process = runner._process
        runner.stop()
        assert process._popen.returncode == -signal.SIGKILL
        process.kill()
        await asyncio.sleep(0.2)
        assert results == []

    asyncio.run(run())


def test_a_notify_script_runs_with_its_arguments_and_is_reaped(tmp_path, caplog):
    out = tmp_path / "out"

    async def run() -> None:
        notifier = Notifier(asyncio.get_running_loop())
        notifier.run(["sh", "-c", f'echo "$@" > {out}; exit 3', "x", "INSTANCE", "VI_1", "MASTER", "100"], Identity())
        assert notifier.busy
        await until(lambda: not notifier.busy)
        notifier.run(["/nowhere/notify"], Identity())
        assert not notifier.busy

    asyncio.run(run())
    assert out.read_text() == "INSTANCE VI_1 MASTER 100\n"
    assert "exited with status 3" in caplog.text
    assert "/nowhere/notify cannot be run" in caplog.text


@pytest.mark.root
@pytest.mark.root
def test_a_script_runs_as_its_user_and_with_none_of_our_groups(tmp_path):
    nobody = pwd.getpwnam("nobody")
    tmp_path.chmod(0o777)
    for parent in tmp_path.parents[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)
    out = tmp_path / "out"

    async def run() -> None:
        ended: list[int] = []
        who = scripts.identity(Vrrp(), "nobody", None)
        Process(asyncio.get_running_loop(), ["sh", "-c", f"id -u > {out}; id -G >> {out}"], who, ended.append,
                dies_with_us=True)
        await until(lambda: bool(ended))

    asyncio.run(run())
    assert out.read_text().split() == [str(nobody.pw_uid), str(nobody.pw_gid)]


def test_who_a_script_runs_as():
    root = Identity(0, 0)
    assert scripts.identity(Vrrp(), "root") == root
    assert scripts.identity(Vrrp(script_user="nobody"), "root", "root") == root
    assert scripts.identity(Vrrp(script_user="root")) == root
    with pytest.raises(FitnessError, match="no user 'nobody-like-that'"):
        scripts.identity(Vrrp(script_user="nobody-like-that"))
    with pytest.raises(FitnessError, match="no group 'no-such-group'"):
        scripts.identity(Vrrp(), "root", "no-such-group")


def test_without_a_user_keepalived_script_is_taken_if_there_is_one(monkeypatch):
    def getpwnam(name: str) -> pwd.struct_passwd:
        assert name == "keepalived_script"
        return pwd.struct_passwd(("keepalived_script", "x", 70, 71, "", "/", "/bin/false"))

    monkeypatch.setattr(scripts.pwd, "getpwnam", getpwnam)
    assert scripts.identity(Vrrp()) == Identity(70, 71)


def test_a_program_is_usable_when_it_can_be_found_and_executed(tmp_path):
    plain = tmp_path / "plain"
    plain.write_text("")
    assert scripts.usable(["true"])
    assert not scripts.usable([str(plain)])
    assert not scripts.usable(["/nowhere/check"])
    assert not scripts.usable([])


@pytest.mark.root
@pytest.mark.parametrize(("mode", "directory", "expected"), [
    (0o755, 0o755, False), (0o757, 0o755, True), (0o755, 0o777, True), (0o755, 0o1777, False),
])
def test_a_script_that_others_can_change_is_not_for_root(tmp_path, mode, directory, expected):
    # Below a directory that only root can change, other than pytest's own.
    home = Path(tempfile.mkdtemp(dir="/root"))
    try:
        script = home / "bin" / "check"
        script.parent.mkdir()
        script.write_text("#!/bin/sh\n")
        script.chmod(mode)
        script.parent.chmod(directory)
        assert bool(scripts.insecure([str(script)], Identity())) is expected
        assert scripts.insecure([str(script)], Identity(65534, 65534)) == ""
        assert scripts.insecure([str(script.with_name("gone"))], Identity()) == ""
    finally:
        shutil.rmtree(home)


@pytest.mark.root
def test_an_insecure_check_is_disabled_and_counts_as_succeeding(tmp_path, caplog):
    script = tmp_path / "check"
    script.write_text("#!/bin/sh\nexit 1\n")
    script.chmod(0o777)
    vrrp = Vrrp.model_validate({
        "scripts": [{"name": "chk", "argv": [str(script)]}], "script_security": True, "script_user": "root",
        "routers": [{"name": "VI", "interface": "eth0", "vrid": 1, "track_scripts": [{"name": "chk"}]}]})

    async def main() -> bool | None:
        tracked = TrackedScripts(asyncio.get_running_loop(), lambda *_what: None)
        tracked.configure(vrrp, balancer_available=False)
        return tracked.verdict("chk")

    assert asyncio.run(main()) is True
    assert "can be written by others than root" in caplog.text
