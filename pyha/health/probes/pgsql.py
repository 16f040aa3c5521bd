"""`option pgsql-check user NAME`: a start-up message is answered with an authentication request.

HAProxy's manual, section 4.2; PostgreSQL's frontend/backend protocol 3.0, StartupMessage and AuthenticationOk and its
relatives. No password is sent: that the server asks for one shows that it lives.
"""

import re

from pyha.config.model import Check, HealthDialogue
from pyha.health.dialogue import Expect, Script, Send
from pyha.health.verdict import Verdict

from .content import ContentExpected
from .remarks import Remarks
from .steps import first_connect
from .template import template

_NO_ERROR = Remarks(error_status="L7RSP", on_error=template("%[res.payload(6,0)]"))
_KNOWN = Remarks(error_status="L7STS", on_success=template("PostgreSQL server is ok"),
                 on_error=template("PostgreSQL unknown error"))


def startup(user: str) -> bytes:
    """The start-up message."""
    body = b"\x00\x03\x00\x00" + b"user\0" + user.encode() + b"\0\0"
    return (len(body) + 4).to_bytes(4, "big") + body


def script(health: HealthDialogue, check: Check) -> Script:
    """Connect, introduce ourselves, be asked for a password (or not)."""
    asks = re.compile(rb"^52000000[A-Z0-9]{2}000000(00|02|03|04|05|06|07|09|0A)")
    steps = (
        first_connect(check),
        Send(startup(health.user)),
        Expect(ContentExpected("expect regex", 3, regex=re.compile(rb"^E"), negate=True, min_recv=5,
                               remarks=_NO_ERROR)),
        Expect(ContentExpected("expect binary regex", 4, regex=asks, of_hexadecimal=True, min_recv=9, remarks=_KNOWN)),
    )
    return Script(steps, passed=Verdict("L7OK"))
