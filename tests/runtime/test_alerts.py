"""Mails about servers: what goes out, to whom, and that a mail server which does not answer delays nothing."""

import pytest

from pyha.config.model import EmailAlert, HealthDialogue, Mailer
from tests.runtime.monitor_lab import MonitorProcess, backend, config
from tests.runtime.standins import HEAD_END, Refusing, Standin, silent, status
from tests.runtime.worker_lab import wait_for


def mail_server(talk):
    """Takes every mail."""
    talk.say(b"220 mail.example.com\r\n")
    data = b""
    in_text = False
    while chunk := talk.sock.recv(4096):
        talk.heard += chunk
        data += chunk
        while b"\r\n" in data:
            line, _, data = data.partition(b"\r\n")
            if in_text:
                if line != b".":
                    continue
                in_text = False
            elif line == b"DATA":
                in_text = True
                talk.say(b"354 go on\r\n")
                continue
            elif line == b"QUIT":
                talk.say(b"221 bye\r\n")
                return
            talk.say(b"250 ok\r\n")


class Mood:
    def __init__(self):
        self.code = 200

    def __call__(self, talk):
        if talk.read_until(HEAD_END):
            talk.say(status(self.code, "Mood"))


@pytest.fixture
def monitor(tmp_path):
    with MonitorProcess(tmp_path) as process:
        yield process


def watched(port, *mailers, **options):
    alert = EmailAlert(mailers=tuple(Mailer(name=f"m{port}", host="127.0.0.1", port=port) for port in mailers),
                       sender="lb@example.com", to="ops@example.com", myhostname="lb1.example.com", **options)
    return backend(port, health=HealthDialogue(kind="http")).model_copy(update={"email_alert": alert})


def test_what_is_severe_enough_is_mailed_through_every_mailer(monitor):
    mood = Mood()
    with Standin(mood) as server, Standin(mail_server) as one, Standin(mail_server) as two:
        monitor.configure(config(watched(server.port, one.port, two.port)))
        monitor.checked()
        mood.code = 500
        monitor.wait_for("DOWN")
        for mailer in (one, two):
            heard = wait_for(lambda mailer=mailer: next((mail for mail in mailer.heard if b"is DOWN" in mail), None),
                             "the mail")
            assert heard.split(b"\r\n")[:3] == [b"HELO lb1.example.com", b"MAIL FROM:<lb@example.com>",
                                                b"RCPT TO:<ops@example.com>"]
            assert b"[HAProxy Alert] Server be/s is DOWN" in heard.replace(b"\r\n ", b" ")
        mood.code = 200
        monitor.wait_for("UP")
        mood.code = 500
        monitor.wait_for("DOWN")
        wait_for(lambda: sum(b"is DOWN" in mail for mail in one.heard) == 2, "the second mail")
        assert not any(b"is UP" in mail for mail in one.heard)


def test_with_level_notice_it_is_told_that_all_is_well_again(monitor):
    mood = Mood()
    mood.code = 500
    with Standin(mood) as server, Standin(mail_server) as mailer:
        monitor.configure(config(watched(server.port, mailer.port, level="notice")))
        monitor.wait_for("DOWN")
        mood.code = 200
        wait_for(lambda: any(b"is UP" in mail for mail in mailer.heard), "the mail")


def test_mailers_that_are_silent_or_gone_delay_no_check_and_are_told(monitor):
    mood = Mood()
    gone = Refusing()
    with Standin(mood) as server, Standin(silent) as quiet:
        monitor.configure(config(watched(server.port, quiet.port, gone.port, timeout=300)))
        for _ in range(3):
            mood.code = 500
            monitor.wait_for("DOWN")
            mood.code = 200
            monitor.wait_for("UP")
        wait_for(lambda: any("does not answer" in line for line in monitor.log), "the complaint about the silent one")
        assert any("cannot send mail" in line for line in monitor.log)
    gone.close()


def test_not_more_than_some_mails_wait_for_a_slow_mailer(monitor):
    mood = Mood()
    mood.code = 500
    with Standin(mood) as server, Standin(silent) as quiet:
        backends = [watched(server.port, quiet.port, timeout=1500).model_copy(update={"name": f"be{number}"})
                    for number in range(60)]
        monitor.configure(config(*backends))
        wait_for(lambda: any("mails were not sent" in line for line in monitor.log), "the end of the jam")
        assert quiet.accepted <= 60
