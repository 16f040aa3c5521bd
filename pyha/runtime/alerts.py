"""Mails about servers (`email-alert`). They are sent aside: a mail server that is slow keeps no check from running."""

import asyncio
import logging

from pyha.config.model import Backend
from pyha.config.vrrp_model import Smtp
from pyha.health.wording import Line
from pyha.runtime import mail
from pyha.runtime.syslog import LEVELS

log = logging.getLogger("pyha.monitor")

_MOST = 50  # mails under way; when a whole site goes down, more would only come too late


class Alerts:
    """What is logged about servers goes out by mail, too, where that is asked for."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._dropped = 0

    def send(self, backend: Backend, line: Line) -> None:
        """Mail this line if it is severe enough."""
        alert = backend.email_alert
        if alert is None or LEVELS[line.level] > LEVELS[alert.level]:
            return
        for mailer in alert.mailers:
            if len(self._tasks) >= _MOST:
                self._dropped += 1
                continue
            smtp = Smtp(to=(alert.to,), sender=alert.sender, server=mailer.host, port=mailer.port,
                        helo=alert.myhostname, timeout=alert.timeout)
            task = asyncio.get_running_loop().create_task(mail.send(smtp, f"[HAProxy Alert] {line.text}", line.text))
            self._tasks.add(task)
            task.add_done_callback(self._sent)

    def close(self) -> None:
        """Send no more, and do not wait for what is under way."""
        for task in self._tasks:
            task.cancel()

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if self._dropped and not self._tasks:
            log.warning("%d mails were not sent, because %d were under way", self._dropped, _MOST)
            self._dropped = 0
        if not task.cancelled() and task.exception() is not None:
            log.error("a mail could not be sent", exc_info=task.exception())
