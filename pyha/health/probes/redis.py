"""`option redis-check`: PING is answered with +PONG (HAProxy's manual, section 4.2; RESP, redis.io)."""

from pyha.config.model import Check, HealthDialogue
from pyha.health.dialogue import Expect, Script, Send
from pyha.health.verdict import Verdict

from .content import ContentExpected
from .remarks import Remarks
from .steps import first_connect
from .template import template

_PING = b"*1\r\n$4\r\nPING\r\n"
_WORDS = Remarks(error_status="L7STS", on_success=template("Redis server is ok"),
                 on_error=template("%[res.payload(0,0),cut_crlf]"))


def script(_health: HealthDialogue, check: Check) -> Script:
    """Connect, ask, look for +PONG."""
    pong = ContentExpected("expect string '+PONG'", 2, b"+PONG\r\n", remarks=_WORDS)
    return Script((first_connect(check), Send(_PING), Expect(pong)), passed=Verdict("L7OK"))
