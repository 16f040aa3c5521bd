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
    "redis": b"+PONG\r\n",
    "pgsql": bytes.fromhex("520000000800000000"),
    "ldap": bytes.fromhex("300c02010161070a010004000400"),
    "mysql": b"\x0a\x00\x00\x00\x0a8.0.35\x00ab" + b"\x07\x00\x00\x02\x00\x00\x00\x02\x00\x00\x00",
    "apiserver": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
}
"""An answer of a healthy server. A new kind of check needs one here."""


TURNS = {"smtp": (b"220 ready\r\n", b"250-me\r\n250 you\r\n", b"221 bye\r\n")}
"""What a server says that speaks several times; a part counts only after the question that it answers."""


def turns(kind):
    return TURNS.get(kind, (GOOD.get(kind, b""),))


def script(kind, check=CHECK):
    return PROBES[kind](HealthDialogue(kind=kind, user="me"), check)


@pytest.fixture(params=sorted(set(PROBES) - {"external"}))
def kind(request):
    return request.param


def after(kind, *, at, rest=True):
    """The conversation when a healthy server says `at` bytes, and then, if wanted, the rest."""
    talk = Conversation(script(kind)).connected()
    for turn in turns(kind):
        talk.hears(turn[:at])
        if at < len(turn) and not rest:
            return talk
        if turn[at:]:
            talk.hears(turn[at:])
        at = max(0, at - len(turn))
    return talk


def test_a_healthy_server_passes(kind):
    assert verdict(script(kind), *turns(kind)).passed


def test_it_does_not_matter_in_which_pieces_the_answer_comes(kind):
    whole = verdict(script(kind), *turns(kind))
    for at in range(sum(map(len, turns(kind)))):
        assert after(kind, at=at).closed().verdict == whole
    assert verdict(script(kind), *(bytes([byte]) for turn in turns(kind) for byte in turn)) == whole


def test_an_answer_cut_off_anywhere_has_a_verdict(kind):
    for at in range(sum(map(len, turns(kind)))):
        assert after(kind, at=at, rest=False).closed().verdict.status in DESCRIPTIONS


def test_nothing_but_the_end_of_the_connection_is_a_failure_where_an_answer_is_expected(kind):
    assert verdict(script(kind)).passed == (turns(kind) == (b"",))


def test_silence_ends_in_a_timeout(kind):
    talk = Conversation(script(kind)).connected()
    assert (talk.verdict or talk.expired("exchange")).status in ("L4OK", "L6TOUT", "L7TOUT")


def test_garbage_has_a_verdict_and_raises_nothing(kind):
    dice = random.Random(kind)
    for _ in range(300):
        garbage = dice.randbytes(dice.randrange(1, 60))
        talk = after(kind, at=dice.randrange(sum(map(len, turns(kind))) + 1), rest=False)
        assert talk.hears(garbage).closed().verdict.status in DESCRIPTIONS


def test_an_endless_answer_comes_to_an_end(kind):
    assert verdict(script(kind), b"A" * LARGEST_ANSWER, end=False) is not None


def test_the_connection_goes_where_the_server_line_says(kind):
    check = Check(host="10.0.0.9", port=99, tls=Tls(verify="none"))
    first = Conversation(script(kind, check)).connects[0]
    assert first == Connect(host="10.0.0.9", port=99, tls=Tls(verify="none"), explicit=False)
