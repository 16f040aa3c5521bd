import asyncio
import os
import socket
import stat

import pytest

from pyha.errors import ControlError, FitnessError
from pyha.runtime.control_socket import ControlSocket, ask


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setenv("PYHA_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path / "run"


async def hello():
    return {"hello": "operator"}


def serving(directory, test):
    async def main():
        control = ControlSocket(directory)
        await control.serve({"hello": hello})
        try:
            return await asyncio.to_thread(test)
        finally:
            control.close()

    return asyncio.run(asyncio.wait_for(main(), 30))


def test_a_question_is_answered(directory):
    assert serving(directory, lambda: ask("hello")) == {"hello": "operator"}


def test_an_unknown_command_is_refused_with_those_that_exist(directory):
    with pytest.raises(ControlError, match="hello"):
        serving(directory, lambda: ask("helo"))


@pytest.mark.parametrize("garbage", [b"", b"\n", b"{}\n", b"[1]\n", b"\xff\xfe\n", b"x" * 70_000 + b"\n", b"no end"])
def test_garbage_gets_an_answer_or_nothing_and_the_next_question_is_answered(directory, garbage):
    def test():
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(directory / "control.sock"))
            sock.sendall(garbage)
            sock.shutdown(socket.SHUT_WR)
            answer = sock.recv(1000)
        assert not answer or b'"ok": false' in answer
        return ask("hello")

    assert serving(directory, test) == {"hello": "operator"}


def test_only_the_owner_and_the_group_may_connect(directory):
    mode = serving(directory, lambda: os.stat(directory / "control.sock").st_mode)
    assert stat.S_IMODE(mode) == 0o660


def test_without_a_daemon_there_is_one_clear_sentence(directory):
    with pytest.raises(ControlError, match=r"no pyha answers at .*control\.sock: .*is it running\?"):
        ask("status")


def test_a_second_pyha_in_the_same_directory_is_refused_and_told_who_is_there(directory):
    first = ControlSocket(directory)
    with pytest.raises(FitnessError, match=rf"another pyha is running .*\(pid {os.getpid()}\); PYHA_RUNTIME_DIR"):
        ControlSocket(directory)
    first.close()
    ControlSocket(directory).close()


def test_what_a_killed_pyha_left_behind_does_not_hinder_the_next(directory):
    directory.mkdir()
    (directory / "lock").write_text("999999\n")
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(directory / "control.sock"))
    assert serving(directory, lambda: ask("hello")) == {"hello": "operator"}
    assert not (directory / "control.sock").exists()


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FitnessError, match=r"cannot use the run-time directory .*file/run: Not a directory"):
        ControlSocket(tmp_path / "file" / "run")
