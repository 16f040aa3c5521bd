import pytest

from pyha.health.dialogue import LARGEST_ANSWER, Conclude, Connect, Dialogue, Expect, Script, Send
from pyha.health.verdict import Verdict
from tests.health.conversation import Conversation

WON, LOST, PASSED = Verdict("L7OK", 200), Verdict("L7RSP", info="no"), Verdict("L4OK")


class Word:
    """Expects a word."""

    def __init__(self, word, verdict=WON):
        self.word, self.verdict = word, verdict
        self.label = f"expect {word.decode()}"

    def judge(self, data, *, ended):
        if self.word in data:
            return self.verdict
        return LOST if ended else None


def script(*steps, **options):
    return Script((Connect(explicit=False), *steps), passed=PASSED, **options)


def test_a_connection_alone_is_a_check():
    dialogue = Dialogue(script())
    assert dialogue.start() == [Connect(explicit=False)]
    assert dialogue.connected() == [Conclude(PASSED)]
    assert dialogue.concluded == PASSED


def test_it_asks_and_waits_for_the_answer():
    dialogue = Dialogue(script(Send(b"PING"), Expect(Word(b"PONG"))))
    dialogue.start()
    assert dialogue.connected() == [Send(b"PING")]
    assert dialogue.received(b"PO") == []
    assert dialogue.received(b"NG") == [Conclude(WON)]


def test_a_check_that_ends_with_a_question_passes_when_it_is_sent():
    assert Conversation(script(Send(b"a"), Send(b"b"))).connected().verdict == PASSED


def test_an_answer_may_satisfy_several_expectations():
    other = Verdict("L7OK", 201)
    talk = Conversation(script(Expect(Word(b"one")), Expect(Word(b"two", other)))).connected()
    assert talk.hears(b"one two").verdict == other


def test_the_first_expectation_that_fails_ends_it():
    talk = Conversation(script(Expect(Word(b"one", LOST)), Send(b"more"))).connected()
    assert talk.hears(b"one").verdict == LOST
    assert talk.said == b""


def test_a_conditional_pass_ends_it_before_later_steps():
    finish = Verdict("L7OKC", 404)
    talk = Conversation(script(Expect(Word(b"404", finish)), Expect(Word(b"never")))).connected()
    assert talk.hears(b"404").verdict == finish


def test_what_came_before_a_question_is_not_its_answer():
    talk = Conversation(script(Send(b"a"), Expect(Word(b"hi")), Send(b"b"), Expect(Word(b"hi")))).connected()
    talk.hears(b"hi hi")
    assert (talk.said, talk.verdict) == (b"ab", None)
    assert talk.hears(b"hi").verdict == WON


def test_a_second_connection_forgets_the_first():
    second = Connect(port=2)
    talk = Conversation(script(Expect(Word(b"hi")), second, Expect(Word(b"hi")))).connected().hears(b"hi")
    assert talk.connects[-1] == second
    talk.connected()
    assert talk.verdict is None
    assert talk.hears(b"hi").verdict == WON


def test_the_end_of_the_connection_ends_an_expectation():
    assert Conversation(script(Expect(Word(b"hi")))).connected().hears(b"h").closed().verdict == LOST


def test_no_more_is_read_than_haproxy_reads():
    talk = Conversation(script(Expect(Word(b"hi")))).connected()
    assert talk.hears(b"x" * (LARGEST_ANSWER - 1)).verdict is None
    assert talk.hears(b"xxhi").verdict == LOST


def test_what_is_reported_after_the_end_or_when_nothing_is_expected_changes_nothing():
    dialogue = Dialogue(script(Expect(Word(b"hi"))))
    dialogue.start()
    assert dialogue.received(b"early") == dialogue.closed() == []
    dialogue.connected()
    dialogue.received(b"hi")
    assert dialogue.received(b"more") == dialogue.closed() == []
    assert dialogue.concluded == WON


@pytest.mark.parametrize(("stage", "status", "late"), [
    ("connect", "L4CON", "L4TOUT"), ("handshake", "L6RSP", "L6TOUT"), ("exchange", "SOCKERR", "L7TOUT")])
def test_failures_and_lateness_are_named_by_their_layer(stage, status, late):
    assert Conversation(script()).failed(stage, "Connection refused") == Verdict(status, info="Connection refused")
    assert Conversation(script()).expired(stage) == Verdict(late)


def test_a_kind_of_check_says_what_silence_means():
    assert Conversation(script(silence="L6TOUT")).expired("exchange") == Verdict("L6TOUT")


@pytest.mark.parametrize(("steps", "events", "where"), [
    ((), 0, " at initial connection step of tcp-check"),
    ((Connect(),), 1, " at step 1 of tcp-check (connect)"),
    ((Connect(port=99),), 1, " at step 1 of tcp-check (connect port 99)"),
    ((Send(b"a"), Expect(Word(b"b"))), 1, " at step 2 of tcp-check (expect b)"),
])
def test_a_numbered_check_says_at_which_step_it_was(steps, events, where):
    talk = Conversation(script(*steps, numbered=True))
    for _ in range(events):
        talk.connected()
    assert talk.failed("connect", "refused").info == f"refused{where}"


def test_an_explicit_first_connection_counts_as_step_one():
    explicit = Script((Connect(), Send(b"a"), Expect(Word(b"b"))), passed=PASSED, numbered=True)
    assert Conversation(explicit).connected().expired("exchange").info == " at step 3 of tcp-check (expect b)"


def test_steps_name_themselves():
    assert (Send(b"x").label, Expect(Word(b"w")).label) == ("send", "expect w")
