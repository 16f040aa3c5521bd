"""`option smtpchk`: a greeting, HELO or EHLO, QUIT, each answered with 2xx (manual, section 4.2; RFC 5321)."""

import re

from pyha.config.model import Check, HealthDialogue
from pyha.health.dialogue import Expect, Script, Send
from pyha.health.verdict import Verdict

from .content import ContentExpected
from .remarks import Remarks
from .steps import first_connect
from .template import expression, template

_LINE = template("%[res.payload(0,0),cut_crlf]")
_TEXT = template("%[res.payload(4,0),ltrim(' '),cut_crlf]")
_CODE = expression("res.payload(0,3)")
_IS_SMTP = Remarks(error_status="L7RSP", on_error=_LINE)
_GREETING = Remarks(error_status="L7STS", on_error=_TEXT, code=_CODE)
_ANSWER = Remarks(error_status="L7STS", on_error=_TEXT, on_success=_TEXT, code=_CODE)


def script(health: HealthDialogue, check: Check) -> Script:
    """Connect, be greeted, greet, leave."""
    steps = (
        first_connect(check),
        Expect(ContentExpected("expect regex", 2, regex=re.compile(rb"^[0-9]{3}[ \r]"), min_recv=4, whole_line=True,
                               remarks=_IS_SMTP)),
        Expect(ContentExpected("expect regex", 3, regex=re.compile(rb"^2[0-9]{2}[ \r]"), min_recv=4, whole_line=True,
                               remarks=_GREETING)),
        Send(f"{health.hello}\r\n".encode()),
        # RFC 5321 section 4.2.1: the lines of a long answer have a hyphen after the code, the last one has none.
        Expect(ContentExpected("expect regex", 5, regex=re.compile(rb"^(2[0-9]{2}-[^\r]*\r\n)*2[0-9]{2}[ \r]"),
                               whole_line=True, remarks=_ANSWER)),
        Send(b"QUIT\r\n"),
        Expect(ContentExpected("expect regex", 7, regex=re.compile(rb"^2[0-9]{2}[- \r]"), min_recv=4, whole_line=True,
                               remarks=_ANSWER)),
    )
    return Script(steps, passed=Verdict("L7OK"))
