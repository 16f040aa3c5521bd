"""The registries: what they promise about each other, whatever words are added."""

import re
from pathlib import Path

import pytest

from pyha.config.haproxy import (
    bind,
    global_words,
    matrix,
    other_sections,
    proxy_words,
    reader,
    server_options,
    stats_page,
    treatments,
)
from tests.config.haproxy.reading import draft_of, sentences

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"


def test_no_word_of_the_global_section_has_two_treatments():
    assert len(set(global_words.KNOWN)) == len(global_words.KNOWN)


def test_what_may_be_negated_is_known():
    assert set(matrix.PLACES) >= matrix.NEGATABLE
    assert set(global_words.KNOWN) >= global_words.NEGATABLE


def test_translated_words_have_a_place_in_the_manual():
    assert set(proxy_words.KEYWORDS) | set(stats_page.KEYWORDS) <= set(matrix.PLACES)


@pytest.mark.parametrize("registry", [treatments.IGNORED, global_words.IGNORED,
                                      {word: reason for word, (_, reason) in bind.IGNORED.items()},
                                      {word: reason for word, (_, reason) in server_options.IGNORED.items()}])
def test_every_word_without_effect_has_a_reason_that_reads_as_one_sentence(registry):
    for word, reason in registry.items():
        assert reason, word
        assert reason == reason.strip(" .;"), word


@pytest.mark.parametrize("name", sorted(set(other_sections.OTHER_SECTIONS) - {"mailers"}))
def test_other_sections_are_told_once_and_their_words_are_known(name):
    other = other_sections.OTHER_SECTIONS[name]
    sentence, = sentences(draft_of(f"{name} x\n" + "".join(f"    {word} y\n" for word in other.words)))
    assert sentence.startswith("error: " if other.advice else "ignored: ")
    assert other.reason in sentence


@pytest.mark.corpus
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="no reference here")
def test_every_keyword_that_haproxy_lists_has_a_treatment():
    """`haproxy -dKall` lists the keywords of its modules: global ones, options, bind and server options."""
    text = (REFERENCE / "haproxy-keywords-2.6.12.txt").read_text()
    words = text.partition("# List of registered configuration keywords")[2].partition("# List of registered CLI")[0]
    sections = re.split(r"\n(?=\w)", words)
    listed = {section.split("\n")[0]: section.split("\n")[1:] for section in sections}
    assert [word for line in listed["global"] if (word := line.strip())
            and word not in global_words.KNOWN and word not in global_words.PREFIXES] == []
    unknown = []
    for line in listed["listen"]:
        rule = re.match(r"\t(bind <addr>|server <name> <addr>|option)(?: ssl)? (\S+)", line)
        if rule:
            kind, word = rule.groups()
            if kind == "option":
                known = f"option {word}" in matrix.PLACES
            else:
                known = word in (bind.KNOWN if kind.startswith("bind") else server_options.KNOWN) or word == "ssl"
            unknown += [] if known else [line]
        elif " " not in line.strip() and line.strip():
            word = line.strip()
            unknown += [] if word in {*matrix.PREFIXES, *matrix.PLACES, *treatments.REMOVED} else [line]
    assert unknown == []


@pytest.mark.corpus
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="no reference here")
def test_every_word_of_real_configurations_is_known():
    rows = [line.split("\t") for line in (REFERENCE / "haproxy-directives.tsv").read_text().splitlines()[1:]]
    for kind, section, word, *_ in rows:
        first = word.split(" ")[0]
        if kind == "section":
            assert word in reader.SECTION_WORDS
        elif kind == "server-option":
            assert first in server_options.KNOWN, word
        elif kind == "bind-option":
            assert first in bind.KNOWN, word
        elif kind == "directive" and section == "global":
            assert first in global_words.KNOWN or " ".join(word.split(" ")[:2]) in global_words.KNOWN, word
        elif kind == "directive" and section in reader.PROXIES:
            assert first in matrix.PLACES or " ".join(word.split(" ")[:2]) in matrix.PLACES, word
