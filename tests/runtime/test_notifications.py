import asyncio
import os
import stat

import pytest

from pyha.config.vrrp_model import Fifo, Notify, Smtp, Vrrp
from pyha.runtime.notifications import Notifications, Pipe, commands
from pyha.vrrp.effects import State


async def until(condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


def notify(path, *fields: str, **more: object) -> Notify:
    return Notify.model_validate({field: ["/bin/sh", "-c", f'echo {field} "$@" >> {path}', "x"] for field in fields}
                                 | more)


def run(vrrp: Vrrp, play) -> None:
    async def main() -> None:
        notifications = Notifications(asyncio.get_running_loop())
        notifications.configure(vrrp)
        try:
            await play(notifications)
            await until(lambda: not notifications.busy)
        finally:
            notifications.close()

    asyncio.run(main())


ROOT = {"script_user": "root"}


@pytest.mark.parametrize(("state", "expected"), [
    (State.ACTIVE, [("m", "1"), ("a", "INSTANCE", "VI", "MASTER", "100")]),
    (State.BACKUP, [("a", "INSTANCE", "VI", "BACKUP", "100")]),
    (State.INITIALIZE, [("a", "INSTANCE", "VI", "STOP", "100")]),
])
def test_scripts_get_what_keepalived_gives_them(state, expected):
    assert commands(Notify(master=("m", "1"), any=("a",)), "INSTANCE", "VI", state, 100) == expected


@pytest.mark.root
def test_scripts_run_for_changes_for_deletion_and_for_lesser_routers(tmp_path):
    out = tmp_path / "out"

    async def play(notifications: Notifications) -> None:
        heard = notify(out, "master", "any", "rx_lower_pri", "deleted")
        notifications.changed(heard, "INSTANCE", "VI", State.ACTIVE, 100)
        notifications.heard_lower(heard, "VI", 100)
        notifications.deleted(heard, "VI", 100)
        notifications.deleted(Notify(), "VI", 100)

    run(Vrrp.model_validate(ROOT), play)
    assert sorted(out.read_text().splitlines()) == [
        "any INSTANCE VI DELETED 100", "any INSTANCE VI MASTER 100", "deleted", "master", "rx_lower_pri"]


@pytest.mark.root
def test_a_script_with_a_user_of_its_own_runs_as_that_user(tmp_path):
    tmp_path.chmod(0o777)
    out = tmp_path / "out"

    async def play(notifications: Notifications) -> None:
        script = ["/bin/sh", "-c", f"umask 0; id -un >> {out}"]
        notifications.changed(Notify.model_validate({
            "master": script, "users": [{"script": "master", "user": "nobody"}]}), "INSTANCE", "VI", State.ACTIVE, 1)
        notifications.changed(Notify.model_validate({
            "master": script, "users": [{"script": "master", "user": "no-such-user"}]}), "INSTANCE", "V", State.ACTIVE,
            1)

    for parent in (tmp_path.parent, tmp_path.parent.parent):
        parent.chmod(0o755)
    run(Vrrp.model_validate(ROOT), play)
    assert out.read_text() == "nobody\n"


def test_a_pipe_gets_a_line_for_every_change_and_goes_with_us(tmp_path):
    path = tmp_path / "fifo"
    lines: list[str] = []

    async def play(notifications: Notifications) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        notifications.changed(Notify(), "INSTANCE", "VI_1", State.ACTIVE, 150)
        notifications.changed(Notify(), "GROUP", "G", State.FAULT, 0)
        notifications.heard_lower(Notify(), "VI_1", 150)
        lines.extend(os.read(fd, 4096).decode().splitlines())
        os.close(fd)

    run(Vrrp(fifo=Fifo(path=str(path))), play)
    assert lines == ['INSTANCE "VI_1" MASTER 150', 'GROUP "G" FAULT 0', 'INSTANCE "VI_1" MASTER_RX_LOWER_PRI 150']
    assert not path.exists()


def test_a_pipe_that_nobody_reads_loses_lines_and_never_blocks(tmp_path, caplog):
    pipe = Pipe(Fifo(path=str(tmp_path / "fifo")))
    for _ in range(5000):
        pipe.write("x" * 100)
    pipe.close()
    assert "nobody reads it" in caplog.text


def test_a_pipe_that_was_there_stays_and_one_that_cannot_be_made_is_told(tmp_path, caplog):
    path = tmp_path / "fifo"
    os.mkfifo(path)

    async def play(notifications: Notifications) -> None:
        notifications.configure(Vrrp(fifo=Fifo(path=str(tmp_path / "none" / "fifo"))))

    run(Vrrp(fifo=Fifo(path=str(path))), play)
    assert path.exists()
    assert "cannot open the pipe" in caplog.text


@pytest.mark.root
def test_a_pipe_s_script_is_started_with_its_path(tmp_path):
    out, path = tmp_path / "out", tmp_path / "fifo"

    async def play(notifications: Notifications) -> None:
        await until(out.exists)

    script = ("/bin/sh", "-c", f'echo "$1" > {out}', "x")
    run(Vrrp.model_validate({**ROOT, "vrrp_fifo": {"path": str(path), "script": script}}), play)
    assert out.read_text() == f"{path}\n"


class MailServer:
    """As much of RFC 5321 as it takes to receive a mail."""

    def __init__(self, refuse: str = "") -> None:
        self.said: list[str] = []
        self.mails: list[str] = []
        self._refuse = refuse

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220-welcome\r\n220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            self.said.append(line)
            if self._refuse and line.startswith(self._refuse):
                writer.write(b"550 no\r\n")
            elif line == "DATA":
                writer.write(b"354 go on\r\n")
                self.mails.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 ok\r\n")
            else:
                writer.write(b"250 ok\r\n")
        writer.close()


def mailed(server: MailServer, *states: State, **smtp: object) -> None:
    async def main() -> None:
        listening = await asyncio.start_server(server, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        notifications = Notifications(asyncio.get_running_loop())
        notifications.configure(Vrrp(router_id="lb1", smtp=Smtp.model_validate(
            {"to": ["a@x.example", "b@x.example"], "sender": "k@x.example", "port": port, **smtp})))
        for state in states:
            notifications.changed(Notify(smtp=True), "INSTANCE", "VI_1", state, 100)
        await until(lambda: not notifications.busy)
        notifications.close()
        listening.close()

    asyncio.run(main())


def test_a_mail_says_who_became_what():
    server = MailServer()
    mailed(server, State.ACTIVE, helo="lb1.x.example")
    assert server.said[:5] == ["HELO lb1.x.example", "MAIL FROM:<k@x.example>", "RCPT TO:<a@x.example>",
                               "RCPT TO:<b@x.example>", "DATA"]
    assert "Subject: [lb1] VRRP Instance VI_1 - Entering MASTER state\r\n" in server.mails[0]
    assert "To: a@x.example, b@x.example\r\n" in server.mails[0]


def test_faults_are_mailed_unless_told_otherwise_and_stops_never():
    server = MailServer()
    mailed(server, State.FAULT, State.INITIALIZE, faults=False)
    assert server.mails == []
    mailed(server, State.FAULT, State.INITIALIZE)
    assert len(server.mails) == 1


def test_a_server_that_refuses_is_told_in_the_log(caplog):
    mailed(MailServer(refuse="RCPT"), State.ACTIVE)
    assert "it answers '550 no'" in caplog.text


def test_a_server_that_is_not_there_is_told_in_the_log(caplog):
    mailed(MailServer(), State.ACTIVE, port=1)
    assert "cannot send mail by 127.0.0.1 port 1" in caplog.text


def test_a_server_that_says_nothing_is_given_up(caplog):
    async def silent(reader, writer) -> None:
        await reader.read()
        writer.close()

    mailed(silent, State.ACTIVE, timeout=100)
    assert "does not answer" in caplog.text
