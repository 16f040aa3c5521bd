"""What every kind of check must stand, over the registry: a new one in PROBES is tested here without further ado."""

import random

import pytest

from pyha.config.model import Check, HealthDialogue, Tls
from pyha.health.dialogue import LARGEST_ANSWER, Connect
from pyha.health.probes import PROBES
from pyha.health.verdict import DESCRIPTIONS
from tests.health.conversation import Conversation, verdict

CHECK = Check()
GOOD = {
    "tcp": b"",
    "http": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Odd: \xff\r\n\r\nhello",
    "ssl-hello": bytes.fromhex("160303000402000000"),
}
"""An answer of a healthy server. A new kind of check needs one here."""


def script(kind, check=CHECK):
    return PROBES[kind](HealthDialogue(kind=kind), check)


@pytest.fixture(params=sorted(PROBES))
def kind(request):
    return request.param


def test_a_healthy_server_passes(kind):
    assert verdict(script(kind), GOOD[kind]).passed


def test_it_does_not_matter_in_which_pieces_the_answer_comes(kind):
    whole = verdict(script(kind), GOOD[kind])
    for at in range(len(GOOD[kind])):
        assert verdict(script(kind), GOOD[kind][:at], GOOD[kind][at:]) == whole
    assert verdict(script(kind), *(GOOD[kind][at:at + 1] for at in range(len(GOOD[kind])))) == whole


def test_an_answer_cut_off_anywhere_has_a_verdict(kind):
    for at in range(len(GOOD[kind])):
        assert verdict(script(kind), GOOD[kind][:at]).status in DESCRIPTIONS


def test_nothing_but_the_end_of_the_connection_is_a_failure_where_an_answer_is_expected(kind):
    assert verdict(script(kind)).passed == (GOOD[kind] == b"")


def test_silence_ends_in_a_timeout(kind):
    talk = Conversation(script(kind)).connected()
    assert (talk.verdict or talk.expired("exchange")).status in ("L4OK", "L6TOUT", "L7TOUT")


def test_garbage_has_a_verdict_and_raises_nothing(kind):
    dice = random.Random(kind)
    for _ in range(300):
        garbage = dice.randbytes(dice.randrange(1, 60))
        kept = GOOD[kind][:dice.randrange(len(GOOD[kind]) + 1)]
        assert verdict(script(kind), kept + garbage).status in DESCRIPTIONS


def test_an_endless_answer_comes_to_an_end(kind):
    assert verdict(script(kind), b"A" * LARGEST_ANSWER, end=False) is not None


def test_the_connection_goes_where_the_server_line_says(kind):
    check = Check(host="10.0.0.9", port=99, tls=Tls(verify="none"))
    first = Conversation(script(kind, check)).connects[0]
    assert first == Connect(host="10.0.0.9", port=99, tls=Tls(verify="none"), explicit=False)
