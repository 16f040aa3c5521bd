"""`$NAME=`, `~SEQ`, `~LST` and `@id`; the examples are those of keepalived's manual."""

import pytest

from pyha.config.draft import Draft
from pyha.config.keepalived.definitions import Definitions
from pyha.config.keepalived.reading import read
from pyha.config.keepalived.sequences import SequenceError, sequence
from pyha.config.source import Source
from tests.config.keepalived.reading import Files, draft_of, sentences


def lines(text, config_id="main", environment=None):
    draft = Draft()
    found, _ = read(Source("/etc/k/k.conf", text, "keepalived"), Files(), environment or {}, config_id, draft)
    assert draft.problems == []
    return [line.text for line in found]


def test_a_definition_is_replaced_when_it_is_used():
    assert lines("$ADDRESS_BASE=10.2.${ADDRESS_BASE_SUB}\n$ADDRESS_BASE_SUB=0\n${ADDRESS_BASE}.100/32\n"
                 "$ADDRESS_BASE_SUB=10\n${ADDRESS_BASE}.100/32\n") == ["10.2.0.100/32", "10.2.10.100/32"]


def test_what_is_not_defined_stays_as_it_is():
    assert lines('$A=1\nscript "echo ${UNDEFINED} $B $A $AB"\n') == ['script "echo ${UNDEFINED} $B 1 $AB"']


def test_conditions_choose_lines_and_definitions():
    text = "@main $P=240\n@^main $P=200\npriority $P\n$IF=@main\n$IF state MASTER\n@backup nopreempt\n"
    assert lines(text) == ["priority 240", "state MASTER"]
    assert lines(text, "backup") == ["priority 200", "nopreempt"]
    assert lines(text, "") == ["priority 200"]


def test_a_definition_of_several_lines_is_used_again_and_again_and_may_define():
    text = "$X= \\\n  a ${N} { \\\n  $M=${N} # why \\\n  b $M \\\n  }\n$N=1\n$X\n$N=2\n$X\n"
    assert lines(text) == ["a 1", "{", "b 1", "}", "a 2", "{", "b 2", "}"]


def test_built_in_names():
    text = "a ${_PWD} ${_INSTANCE} ${_HASH}b ${_BANG} ${_ENV VIP} ${_ENV NONE}"
    assert lines(text, environment={"VIP": "10.0.0.1"}) == ["a /etc/k main #b ! 10.0.0.1"]
    assert lines("${_UNKNOWN} ${_PWD x}") == ["${_UNKNOWN} ${_PWD x}"]


def test_a_random_number_is_another_on_another_node_but_the_same_after_a_reload():
    text = "a ${_RANDOM 10 5000000}\n"
    assert lines(text) == lines(text) != lines(text, "other")
    assert lines("random_seed 5\n" + text)[1] != lines("random_seed 6\n" + text)[1]
    assert 0 <= int(lines("${_RANDOM}")[0]) <= 32767
    assert lines("${_RANDOM 7 7} ${_RANDOM 5 1} ${_RANDOM x}") == ["7 ${_RANDOM 5 1} ${_RANDOM x}"]


@pytest.mark.parametrize("text", ["$A=${A}x\n${A}\n", "$A=${B}${B}\n$B=${A}${A}\n${A}\n", "$A=$A\n" * 3 + "x $A y\n"])
def test_what_replaces_itself_ends_with_a_sentence(text):
    assert all("never end" in sentence or "unknown keyword" in sentence for sentence in sentences(draft_of(text)))


@pytest.mark.parametrize(("text", "found"), [
    ("~SEQ(S, 0, 3) ip 10.0.${S}.1", ["ip 10.0.0.1", "ip 10.0.1.1", "ip 10.0.2.1", "ip 10.0.3.1"]),
    ("~SEQx(S, 0x90, 0x10, 0xc0) ${S}", ["90", "a0", "b0", "c0"]),
    ("~SEQ(S, 2) $S", ["1", "2"]), ("~SEQ(S, -2) $S", ["-1", "-2"]), ("~SEQ(S, 3, 1) $S", ["3", "2", "1"]),
    ("~SEQ(A, 1, 2) ~SEQ(B, 7, 8) ${A}${B}", ["17", "18", "27", "28"]),
    ("~LST({IP, IP1}, {10,1},{20,4}) 192.168.${IP}.${IP1}", ["192.168.10.1", "192.168.20.4"]),
    ("~LST(IP, 1, 2) ~SEQ(IP1, 5, 6) ${IP}${IP1}", ["15", "16", "25", "26"]),
    ("x { ~SEQ(S, 1, 2) $S\n}", ["x", "{", "1", "2", "}"]),
])
def test_a_line_may_stand_for_many(text, found):
    assert lines(text) == found


@pytest.mark.parametrize("text", [
    "~SEQ(", "~SEQ()", "~SEQ(A)", "~SEQ(1, 2)", "~SEQ(A, x)", "~SEQ(A, 1, 0, 5)", "~SEQ(A, 1, -1, 5)",
    "~SEQ(A, 1, 100000)", f"~SEQ(A, {'9' * 5000})", "~LST(A)", "~LST({A, B}, {1})", "~LST()"])
def test_a_repetition_that_cannot_be_understood_is_told(text):
    with pytest.raises(SequenceError):
        sequence(text)
    assert [sentence.split(":")[0] for sentence in sentences(draft_of(text + "\n"))] == ["error"]


def test_more_lines_than_anybody_needs_are_an_error():
    text = "~SEQ(A, 1, 1000) ~SEQ(B, 1, 1000) x\n"
    assert any("more than 200000 lines" in sentence for sentence in sentences(draft_of(text)))


def test_a_definition_needs_a_name():
    definitions = Definitions("", {})
    assert not definitions.define("$1=2")
    assert not definitions.define("$A =2")
    assert definitions.define("$A=")
    assert definitions.replace_once("x $A y", "f:1") == "x  y"
