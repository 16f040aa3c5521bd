"""What agents say, and what is understood."""

import random

import pytest

from pyha.config.model import Agent
from pyha.health.agent import Report, read, script
from pyha.health.dialogue import LARGEST_ANSWER, Connect
from pyha.health.verdict import Verdict
from tests.health.conversation import Conversation, verdict

AGENT = Agent(port=9999)


def said(info, status="L7STS"):
    return Verdict(status, 0, f"via agent : {info}")


@pytest.mark.parametrize(("line", "report"), [
    ("up", Report(up=True, verdict=said("up", "L7OK"))),
    ("down", Report(up=False, verdict=said("down"))),
    ("STOPPED", Report(up=False, verdict=said("STOPPED"))),
    ("fail # disk  full", Report(up=False, verdict=said("fail (disk  full)"))),
    ("down #", Report(up=False, verdict=said("down"))),
    ("drain", Report(admin="drain")), ("Ready", Report(admin="ready")), ("maint", Report(admin="maint")),
    ("75%", Report(percent=75)), ("0%", Report(percent=0)), ("150%", Report(percent=150)),
    ("up,ready 20%\r", Report(up=True, admin="ready", percent=20, verdict=said("up", "L7OK"))),
    ("maxconn:30 50%", Report(percent=50)), ("", Report()), ("# nothing", Report()),
    ("gibberish", Report(verdict=Verdict("CHECKED", info="agent reports an error : gibberish"))),
    ("down 1000%", Report(verdict=Verdict("CHECKED", info="agent reports an error : down 1000%"))),
])
def test_a_line_is_read(line, report):
    assert read(line) == report


def test_garbage_changes_nothing_and_raises_nothing():
    dice = random.Random(1)
    for _ in range(300):
        read("".join(chr(dice.randrange(256)) for _ in range(dice.randrange(40))))


def test_it_does_not_matter_in_which_pieces_the_line_comes():
    for at in range(9):
        assert verdict(script(AGENT), b"up 50%\nxx"[:at], b"up 50%\nxx"[at:]) == Verdict("CHECKED", info="up 50%")


def test_an_agent_may_hang_up_instead_of_ending_its_line():
    assert verdict(script(AGENT), b"dra", b"in") == Verdict("CHECKED", info="drain")
    assert verdict(script(AGENT), b"drain", end=False) is None


def test_an_agent_that_says_nothing_is_an_agent_that_cannot_be_asked():
    assert verdict(script(AGENT)).status == "L7RSP"
    assert Conversation(script(AGENT)).connected().expired("exchange").status == "L7TOUT"


def test_a_line_without_end_comes_to_an_end_and_control_characters_are_left_out():
    assert verdict(script(AGENT), b"A" * LARGEST_ANSWER, end=False) is not None
    assert verdict(script(AGENT), b"u\x00p\x1b\n").info == "up"


def test_what_is_to_be_said_is_said_first():
    talk = Conversation(script(Agent(port=9999, send="hello\n"))).connected()
    assert (talk.connects, talk.said) == ([Connect(port=9999, explicit=False)], b"hello\n")
