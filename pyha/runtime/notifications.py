"""Tells the operator's programs and people of changes of state: keepalived.conf(5), notify, notify_fifo, smtp_alert."""

import asyncio
import contextlib
import grp
import logging
import os
import pwd
import socket
from collections.abc import Sequence

from pyha.config.vrrp_model import Fifo, Identity, Notify, NotifyUser, Vrrp
from pyha.errors import FitnessError
from pyha.runtime import mail, scripts
from pyha.runtime.scripts import Notifier
from pyha.vrrp.effects import State

_log = logging.getLogger("pyha.vrrp")
_WORDS = {State.ACTIVE: "MASTER", State.BACKUP: "BACKUP", State.FAULT: "FAULT", State.INITIALIZE: "STOP"}
_SUBJECTS = {"INSTANCE": "VRRP Instance", "GROUP": "VRRP Group"}
_HEARD_LOWER = "MASTER_RX_LOWER_PRI"


def commands(notify: Notify, kind: str, name: str, state: State, priority: int) -> list[Sequence[str]]:
    """The argument lists to run: the script for this state as configured, then `notify` with four words appended.

    `kind` is INSTANCE or GROUP; a group has priority 0.
    """
    return [argv for _field, argv in _commands(notify, kind, name, _WORDS[state], priority)]


def _commands(notify: Notify, kind: str, name: str, word: str, priority: int) -> list[tuple[str, tuple[str, ...]]]:
    specific: tuple[str, ...] = getattr(notify, word.lower())
    found = [(word.lower(), specific)] if specific else []
    if notify.any:
        found.append(("any", (*notify.any, kind, name, word, str(priority))))
    return found


def _user(notify: Notify, script: str) -> NotifyUser | None:
    return next((user for user in notify.users if user.script == script), None)


class Pipe:
    """A named pipe with a line for every change. A reader that is slow or absent costs it lines and us nothing."""

    def __init__(self, config: Fifo) -> None:
        """Raises OSError when it cannot be made or opened."""
        self.config = config
        self._made = False
        with contextlib.suppress(FileExistsError):
            os.mkfifo(config.path, 0o600)
            self._made = True
        # For reading, too: so it opens without a reader, and a reader that goes does not end it.
        self._fd = os.open(config.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        if config.owner is not None:
            group = config.owner.group
            entry = pwd.getpwnam(config.owner.user)
            os.fchown(self._fd, entry.pw_uid, grp.getgrnam(group).gr_gid if group else entry.pw_gid)

    def write(self, line: str) -> None:
        """Write a line, or lose it."""
        try:
            os.write(self._fd, f"{line}\n".encode())
        except BlockingIOError:
            _log.warning("%s is full: nobody reads it", self.config.path)
        except OSError as error:
            _log.warning("cannot write to %s: %s", self.config.path, error.strerror)

    def close(self) -> None:
        """Close, and remove what was made."""
        os.close(self._fd)
        if self._made:
            with contextlib.suppress(OSError):
                os.unlink(self.config.path)  # noqa: PTH108 - the model has it as text


class Notifications:
    """All ways to tell. Nothing here raises or blocks, whatever scripts, pipes and mail servers do."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._notifier = Notifier(loop)
        self._vrrp = Vrrp()
        self._pipes: dict[Fifo, Pipe] = {}
        self._mails: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether any script still runs, or a mail is on its way."""
        return self._notifier.busy or bool(self._mails)

    def configure(self, vrrp: Vrrp) -> None:
        """Have these pipes, and read these settings, from now on."""
        self._vrrp = vrrp
        wanted = [fifo for fifo in (vrrp.fifo, vrrp.vrrp_fifo) if fifo is not None]
        for fifo in [fifo for fifo in self._pipes if fifo not in wanted]:
            self._pipes.pop(fifo).close()
        for fifo in wanted:
            if fifo not in self._pipes:
                try:
                    self._pipes[fifo] = Pipe(fifo)
                except (OSError, KeyError) as error:
                    _log.error("cannot open the pipe %s: %s", fifo.path, error)
                    continue
                if fifo.script:
                    self._run((*fifo.script, fifo.path), fifo.script_user)

    def changed(self, notify: Notify, kind: str, name: str, state: State, priority: int) -> None:
        """A virtual router (INSTANCE) or a sync group (GROUP, with priority 0) has another state."""
        self._tell(notify, kind, name, _WORDS[state], priority)
        if notify.smtp and state in (State.ACTIVE, State.BACKUP, State.FAULT):
            self._mail(f"{_SUBJECTS[kind]} {name} - Entering {_WORDS[state]} state", state)

    def deleted(self, notify: Notify, name: str, priority: int) -> None:
        """A virtual router is in the configuration no more."""
        if notify.deleted or notify.says_deleted:
            self._tell(notify, "INSTANCE", name, "DELETED", priority)

    def heard_lower(self, notify: Notify, name: str, priority: int) -> None:
        """An Active router heard one of lower priority."""
        if notify.rx_lower_pri:
            self._run(notify.rx_lower_pri, _user(notify, "rx_lower_pri"))
        self._write(f'INSTANCE "{name}" {_HEARD_LOWER} {priority}')

    def priority_changed(self, notify: Notify, name: str, state: State, priority: int) -> None:
        """The effective priority is another one."""
        if notify.priority_changes:
            self._write(f'INSTANCE "{name}" {"MASTER" if state is State.ACTIVE else "BACKUP"}_PRIORITY {priority}')

    def repeat(self, kind: str, name: str, state: State, priority: int) -> None:
        """Say again what is, to the FIFOs, after a reload."""
        if self._vrrp.fifo_on_reload:
            self._write(f'{kind} "{name}" {_WORDS[state]} {priority}')

    def close(self) -> None:
        """Close the pipes."""
        for pipe in self._pipes.values():
            pipe.close()
        self._pipes.clear()

    def _tell(self, notify: Notify, kind: str, name: str, word: str, priority: int) -> None:
        self._write(f'{kind} "{name}" {word} {priority}')
        for field, argv in _commands(notify, kind, name, word, priority):
            self._run(argv, _user(notify, field))

    def _write(self, line: str) -> None:
        for pipe in self._pipes.values():
            pipe.write(line)

    def _run(self, argv: Sequence[str], user: Identity | NotifyUser | None) -> None:
        try:
            who = scripts.identity(self._vrrp, *((user.user, user.group) if user else ()))
        except FitnessError as error:
            _log.error("notify script %s is not run: %s", argv[0], error)
            return
        if self._vrrp.script_security and (reason := scripts.insecure(argv, who)):
            _log.error("notify script %s is not run: %s", argv[0], reason)
            return
        self._notifier.run(argv, who)

    def _mail(self, subject: str, state: State) -> None:
        smtp = self._vrrp.smtp
        if not smtp.to or (state is State.FAULT and not smtp.faults):
            return
        host = self._vrrp.router_id or socket.gethostname()
        body = {State.ACTIVE: "The virtual addresses are here now.",
                State.BACKUP: "The virtual addresses are not here (any more).",
                State.FAULT: "Something that the virtual addresses need is missing here."}[state]
        task = self._loop.create_task(mail.send(smtp, f"[{host}] {subject}", body))
        self._mails.add(task)
        task.add_done_callback(self._mails.discard)
