import ssl

import pytest

from pyha.config.model import Check, HealthDialogue
from pyha.health.probes.tls import client_hello, script
from pyha.health.verdict import Verdict
from tests.health.conversation import Conversation, verdict

HELLO = script(HealthDialogue(kind="ssl-hello"), Check())


@pytest.mark.parametrize(("answer", "expected"), [
    (b"\x16", Verdict("L6OK")), (b"\x15\x03\x01\x00\x02\x02\x46", Verdict("L6OK")), (b"HTTP/1.1 400", Verdict("L6RSP")),
    (b"\x17\x03\x03", Verdict("L6RSP")), (b"", Verdict("L6RSP", info="TCPCHK got an empty response at step 2"))])
def test_the_first_byte_tells_whether_it_is_tls(answer, expected):
    assert verdict(HELLO, answer) == expected


def test_it_says_hello_and_waits():
    talk = Conversation(HELLO).connected()
    assert (talk.said, talk.verdict) == (client_hello(), None)


@pytest.mark.parametrize("versions", [
    (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2), (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3),
    (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)])
def test_openssl_answers_the_hello_with_a_server_hello_not_with_an_alert(versions, tmp_path):
    from tests.runtime.standins import Certificates

    context = Certificates(tmp_path).server("server")
    context.minimum_version, context.maximum_version = versions
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    incoming.write(client_hello())
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    answer = outgoing.read()
    assert answer[0] == 0x16
    assert answer[5] == 2  # ServerHello (RFC 8446 section 4)
