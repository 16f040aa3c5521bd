"""The words of the global section."""

import pytest

from pyha.config.haproxy import global_words
from tests.config.haproxy.reading import draft_of, said


@pytest.mark.parametrize(("line", "key", "value"), [
    ("maxconn 5", "maxconn", 5), ("nbthread 4", "nbthread", 4), ("nbthread 100", "nbthread", 64),
    ("log-tag x", "log_tag", "x"),
    ("log-send-hostname", "log_send_hostname", ""), ("log-send-hostname h", "log_send_hostname", "h"),
    ("stats timeout 1m", "stats_timeout", 60_000), ("hard-stop-after 1h", "hard_stop_after", 3_600_000),
    ("spread-checks 5", "spread_checks", 5), ("user u", "user", "u"), ("uid 5", "user", "5"), ("group g", "group", "g"),
    ("gid 5", "group", "5"), ("chroot /x", "chroot", "/x"), ("pidfile /p", "pidfile", "/p"), ("node n", "node", "n"),
    ("description a b", "description", "a b")])
def test_a_word_becomes_a_field(line, key, value):
    assert draft_of(f"global\n    {line}\n").data["settings"] == {key: value}


@pytest.mark.parametrize("line", ["daemon", "master-worker", "default-path current", "ca-base /x", "crt-base /x"])
def test_what_pyha_fulfils_is_silent(line):
    draft = draft_of(f"global\n    {line}\n")
    assert (draft.data, draft.problems) == ({}, [])


@pytest.mark.parametrize("word", [*global_words.IGNORED, *sorted(global_words.TUNING)])
def test_words_without_effect_give_their_reason(word):
    reason = global_words.IGNORED.get(word, global_words.TUNING_REASON)
    assert said(f"{word} x", "global") == [f"ignored: '{word}' has no effect: {reason}"]


@pytest.mark.parametrize("line", ["no strict-limits", "default numa-cpu-mapping", "no busy-polling"])
def test_switching_off_what_has_no_effect_is_silent(line):
    assert said(line, "global") == []


@pytest.mark.parametrize(("line", "message"), [
    ("maxcon 5", "did you mean 'maxconn'?"), ("maxconn", "expects an integer of at least 1"),
    ("nbthread 0", "between 1 and"),
    ("tune.bufsiz 1", "did you mean 'tune.bufsize'?"), ("spread-checks 51", "between 0 and 50"),
    ("user", "the name of a user"),
    ("log-send-hostname a b", "unexpected argument 'b'"), ("nbproc x", "at least 1"),
    ("ssl-server-verify x", "'none', 'required'"), ("default-path parent", "is not supported"),
    ("no maxconn", "cannot stand"),
    ("stats sokcet /x", "did you mean 'socket'?"), ("stats", "expects one of"), ("hard-stop-after x", "is not a time")])
def test_mistakes_are_told(line, message):
    sentence, = said(line, "global")
    assert sentence.startswith("error: ")
    assert message in sentence


def test_nbproc_of_old_files_is_taken_with_a_warning():
    assert said("nbproc 1", "global")[0].startswith("ignored: 'nbproc' has no effect: HAProxy dropped it in 2.5")
