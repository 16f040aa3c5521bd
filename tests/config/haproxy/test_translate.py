"""haproxy.cfg to a draft: golden cases, every word has one, several files, and nothing that makes it raise."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyha.config.draft import Draft
from pyha.config.haproxy import (
    balance,
    bind,
    global_words,
    matrix,
    other_sections,
    reader,
    rules,
    server_options,
    stats_socket,
    treatments,
)
from pyha.config.haproxy.lexer import lines as lex
from pyha.config.haproxy.translate import translate
from pyha.config.origin import locate
from pyha.config.source import Source
from pyha.config.validate import validate
from tests.config.haproxy.golden import CASES, DIRECTORY, draft_of, expected, shown
from tests.config.haproxy.reading import TIMEOUTS, errors, sentences


@pytest.mark.parametrize("name", CASES)
def test_a_golden_case_means_what_stands_beside_it(name):
    actual = shown(draft_of(name))
    assert actual == expected(name, actual)


@pytest.mark.parametrize("name", CASES)
def test_the_data_of_a_golden_case_fits_the_model(name):
    draft = draft_of(name)
    config, objections = validate(draft.data, draft.origins)
    assert config is not None, objections


@pytest.mark.parametrize("name", CASES)
def test_every_problem_has_a_line_and_is_told_once(name):
    problems = draft_of(name).problems
    assert all(problem.origin.file == f"{name}.cfg" and problem.origin.line > 0 for problem in problems)
    assert len(set(problems)) == len(problems)
    assert [problem.origin.line for problem in problems] == sorted(problem.origin.line for problem in problems)


# -- every word has a case ---------------------------------------------------------------------------------------------


def words_of_the_cases():
    """(where, word) of everything that stands in a golden case."""
    found = set()
    for name in CASES:
        section = ""
        for line in lex(name, (DIRECTORY / f"{name}.cfg").read_text(), {}, Draft()):
            if line.words[0] in reader.SECTION_WORDS and line.words[0] not in getattr(
                    other_sections.OTHER_SECTIONS.get(section), "words", ()):
                section = line.words[0]
                found.add(("section", section))
                continue
            found |= _words(section, line)
    return found


def _words(section, line):
    if section in other_sections.OTHER_SECTIONS:
        return {(section, line.words[0]), (section, " ".join(line.words[:2]))}
    where = "global" if section == "global" else "proxy"
    statement = reader.keyword(line, global_words.PREFIXES if section == "global" else matrix.PREFIXES)
    found = {(where, statement.keyword)}
    if statement.keyword in ("bind", "server", "default-server", "stats socket"):
        found |= {(statement.keyword.removeprefix("default-"), word) for word in statement.args}
    if statement.args:
        found.add((statement.keyword, statement.args[0].partition("(")[0]))
    return found


def registered():
    """(where, word) of everything that is registered."""
    yield from (("section", word) for word in reader.SECTION_WORDS)
    yield from (("global", word) for word in global_words.KNOWN)
    yield from (("proxy", word) for word in (*reader.HANDLERS, *treatments.IGNORED, *treatments.REFUSED,
                                             *treatments.REMOVED))
    yield from (("bind", word) for word in bind.KNOWN)
    yield from (("server", word) for word in server_options.KNOWN)
    yield from (("stats socket", word) for word in stats_socket.OPTIONS)
    yield from (("balance", word) for word in balance.ALGORITHMS)
    yield from ((section, word) for section, other in other_sections.OTHER_SECTIONS.items() for word in other.words)


def test_every_registered_word_stands_in_a_golden_case():
    assert sorted(set(registered()) - words_of_the_cases()) == []


def test_every_word_of_the_manual_has_exactly_one_treatment():
    for word in matrix.PLACES:
        treated = [word in registry for registry in (reader.HANDLERS, treatments.IGNORED, treatments.REFUSED)]
        assert sum(treated) == 1, word
    assert not set(treatments.REMOVED) & set(matrix.PLACES)
    assert set(rules.HTTP_KEYWORDS) == set(rules.HTTP_REASONS)


# -- the whole ---------------------------------------------------------------------------------------------------------


def test_several_files_are_one_configuration():
    draft = translate([
        Source("a.cfg", f"global\n    maxconn 5\ndefaults\n{TIMEOUTS}", "haproxy"),
        Source("b.cfg", "frontend f\n    bind 127.0.0.1:1\n    default_backend b\n", "haproxy"),
        Source("c.cfg", "global\n    nbthread 2\nbackend b\n    server s 10.0.0.1:1 check\n", "haproxy")], {})
    assert draft.problems == []
    assert draft.data["settings"] == {"maxconn": 5, "nbthread": 2}
    assert draft.data["frontends"][0]["timeout_client"] == 1000
    assert str(locate(draft.origins, ("frontends", 0, "timeout_client"))) == "a.cfg:4"
    assert str(locate(draft.origins, ("frontends", 0, "binds", 0, "port"))) == "b.cfg:2"
    assert str(locate(draft.origins, ("backends", 0, "servers", 0, "host"))) == "c.cfg:4"
    assert str(locate(draft.origins, ("settings", "nbthread"))) == "c.cfg:2"


def test_a_section_ends_with_its_file_only_when_another_begins():
    draft = translate([Source("a.cfg", "global\n", "haproxy"), Source("b.cfg", "    maxconn 7\n", "haproxy")], {})
    assert draft.data == {"settings": {"maxconn": 7}}


def test_the_environment_of_the_caller_is_left_alone():
    environment = {"A": "1"}
    translate([Source("a.cfg", "global\n    setenv A 2\n    setenv B 3\n    unsetenv A\n", "haproxy")], environment)
    assert environment == {"A": "1"}


def test_haproxys_own_variables_are_there():
    text = 'global\n    description "${HAPROXY_CFGFILES} ${HAPROXY_LOCALPEER}"\n'
    draft = translate([Source("a.cfg", text, "haproxy"), Source("b.cfg", "", "haproxy")], {"HOSTNAME": "node1"})
    assert draft.data["settings"]["description"] == "a.cfg;b.cfg node1"


def test_ten_mistakes_give_ten_sentences_with_their_lines():
    text = (
        "global\n    maxcon 2000\ndefaults\n    mode tcp\n    timeout connect 5parsecs\n    timeout client 30s\n"
        "    timeout server 30s\nfrontend api\n    bind 127.0.0.1:99999\n    default_backend mastres\nbackend masters\n"
        "    balance fastest\n    server m1 127.0.0.1:6443 chekc\n    server m2 127.0.0.1:6443 weight 1000\n"
        "    optoin tcp-check\n    retries lots\n    http-chek expect status 200")
    draft = translate([Source("h.cfg", text, "haproxy")], {})
    assert [problem.origin.line for problem in draft.problems if problem.fatal] == [
        2, 5, 9, 10, 12, 13, 14, 15, 16, 17, 17]
    for word in ("maxconn", "masters", "check", "option", "http-check"):
        assert f"did you mean '{word}'?" in " ".join(errors(draft)), word


def test_a_listener_without_anything_else_has_warnings_only():
    said = sentences(translate([Source("h.cfg", "listen x\n    bind 127.0.0.1:1\n", "haproxy")], {}))
    assert [sentence.partition(";")[0] for sentence in said] == [
        "warning: missing timeouts for listen 'x': 'timeout client'",
        "warning: listen 'x' has no server, so every connection to it is closed"]


# -- fuzz --------------------------------------------------------------------------------------------------------------

_PIECES = """
    if unless { } ! or TRUE FALSE nbsrv(b) lt 1 0 10s -5 http tcp a b 127.0.0.1:80 :::80 [::1]:1-3 10.0.0.1 from no
    default %ci %[src] ' " \\ ${A} "${A[*]}" 200-399 999999999999999999999 é status .if .else .endif src defined(A)
    user:password /uri random(2) random(0) consistent \\x4 ² +1000 a:+1 660 \0
"""
_WORDS = sorted({word for _, words in registered() for word in words.split()} | set(_PIECES.split()))
_LINE = st.lists(st.sampled_from(_WORDS) | st.text(max_size=6), min_size=1, max_size=6).map(" ".join)
_LINES = st.lists(_LINE, max_size=30)


@settings(max_examples=300, deadline=None)
@given(_LINES, st.booleans())
def test_no_text_makes_it_raise(lines, ended):
    text = "\n".join(lines) + ("\n" if ended else "")
    draft = translate([Source("f.cfg", text, "haproxy")], {"A": "x y"})
    if not errors(draft):
        config, objections = validate(draft.data, draft.origins)
        assert config is not None, (text, objections)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["global", "defaults", "listen l", "frontend f", "backend b", "defaults d"]), _LINES)
def test_no_section_makes_it_raise(section, lines):
    head = f"defaults\n{TIMEOUTS}backend b\n    server s 10.0.0.1:1 check\n"
    text = f"{head}{section}\n" + "".join(f"    {line}\n" for line in lines)
    draft = translate([Source("f.cfg", text, "haproxy")], {})
    if not errors(draft):
        config, objections = validate(draft.data, draft.origins)
        assert config is not None, (lines, objections)
