import pytest

from pyha.config.model import Check, HealthDialogue
from pyha.health.probes.ldap import script
from pyha.health.verdict import Verdict
from tests.health.conversation import verdict

CHECK = script(HealthDialogue(kind="ldap"), Check())
NOT_LDAP = Verdict("L7RSP", info="Not LDAPv3 protocol")


@pytest.mark.parametrize(("answer", "expected"), [
    ("300c02010161070a010004000400", Verdict("L7OK", info="Success")),
    ("3084000000100201016184000000070a010004000400", Verdict("L7OK", info="Success")),
    ("300c02010161070a013104000400",
     Verdict("L7STS", 49, "See RFC: http://tools.ietf.org/html/rfc4511#section-4.1.9")),
    ("300c02010165070a010004000400", NOT_LDAP), ("300c020101610702010004000400", NOT_LDAP),
    ("485454502f312e3020343030204261640d0a", NOT_LDAP), ("30060201016102ff0a010004000400", NOT_LDAP),
    ("300c0201", Verdict("L7RSP")), ("30", Verdict("L7RSP")), ("3084000000", Verdict("L7RSP")),
    ("3030020101610000000000000000", Verdict("L7RSP")), ("300402010161ffffffffffffffff", NOT_LDAP),
    ("", Verdict("L7RSP", info="TCPCHK got an empty response at step 2")),
])
def test_answers_to_a_bind(answer, expected):
    assert verdict(CHECK, bytes.fromhex(answer)) == expected
