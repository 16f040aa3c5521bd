"""Sends one mail over SMTP (RFC 5321) without blocking: the process that does so has addresses to hold."""

import asyncio
import logging
import socket
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid

from pyha.config.vrrp_model import Smtp
from pyha.units import seconds

_log = logging.getLogger("pyha.vrrp")
_LONGEST_REPLY = 50  # lines


async def send(smtp: Smtp, subject: str, body: str) -> None:
    """Send it to everybody in `smtp.to`. What goes wrong is logged."""
    try:
        async with asyncio.timeout(seconds(smtp.timeout)):
            await _talk(smtp, subject, body)
    except TimeoutError:
        _log.warning("the mail server %s port %d does not answer", smtp.server, smtp.port)
    except (OSError, ValueError, asyncio.IncompleteReadError) as error:
        _log.warning("cannot send mail by %s port %d: %s", smtp.server, smtp.port, error)


async def _talk(smtp: Smtp, subject: str, body: str) -> None:
    hostname = smtp.helo or socket.gethostname()
    sender = smtp.sender or f"keepalived@{hostname}"
    reader, writer = await asyncio.open_connection(smtp.server, smtp.port)
    try:
        await _reply(reader, "220")
        for line, expected in (
            (f"HELO {hostname}", "250"), (f"MAIL FROM:<{sender}>", "250"),
            *((f"RCPT TO:<{address}>", "25") for address in smtp.to), ("DATA", "354"),
        ):
            writer.write(f"{line}\r\n".encode())
            await _reply(reader, expected)
        lines = _message(sender, smtp.to, subject, body).splitlines()
        # RFC 5321 section 4.5.2: a line that begins with a dot gets another one.
        writer.write(b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines))
        writer.write(b".\r\n")
        await _reply(reader, "250")
        writer.write(b"QUIT\r\n")
        await writer.drain()
    finally:
        writer.close()


def _message(sender: str, to: tuple[str, ...], subject: str, body: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["From"], message["To"], message["Subject"] = sender, ", ".join(to), subject
    message["Message-ID"] = make_msgid(domain="pyha")
    message.set_content(body)
    return message.as_bytes()


async def _reply(reader: asyncio.StreamReader, expected: str) -> None:
    for _line in range(_LONGEST_REPLY):
        line = (await reader.readuntil(b"\n")).decode(errors="replace").strip()
        if line[3:4] != "-":  # the last line of an answer
            if not line.startswith(expected):
                raise ValueError(f"it answers '{line}'")
            return
    raise ValueError("it answers without end")
