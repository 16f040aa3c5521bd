"""Whatever the file says: a draft that fits the model or an error with its line, never an exception, never for ever."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pyha.config.keepalived.top import TOP
from pyha.config.keepalived.vocabulary import Vocabulary
from pyha.config.review import review
from pyha.config.validate import validate
from tests.config.keepalived.reading import CASES, DIRECTORY, Files, draft_of, errors


def vocabulary_words(vocabulary):
    yield from vocabulary.known
    for keyword in vocabulary.keywords.values():
        if isinstance(keyword.block, Vocabulary):
            yield from vocabulary_words(keyword.block)


ODD = ["", "{", "}", "{ ", " }", '"', "'", "\\", "#", "!", "@", "@^", "~SEQ(A,1,3)", "~LST({A,B},{1,2})", "$A=", "$A",
       "${A}", "$X= \\\n", "\0", "\ufeff", "\r", "\u2028", "\x1c", "\u0665", "0", "-1", "255", "256", "1e5", "0x10",
       "9" * 5000, "0.5", "10.0.0.1", "10.0.0.1/24", "10.0.0.1/99", "::1", "fe80::1%eth0", "224.0.0.18", "ff02::12",
       "eth0", "VI_1", "weight", "reverse", "dev", "via", "nexthop", "table", "default", "include", "include a",
       "include *", "all", "inet6", "lock", "or",
       "MASTER", "PASS", "00:00:5e:00:01", "vmac_with_a_name_that_is_long"]
LINES = [line for name in CASES for line in (DIRECTORY / f"{name}.conf").read_text().splitlines()]
WORDS = sorted({*vocabulary_words(TOP), *ODD})


def holds(text):
    files = Files()
    files.files = {"a": "include k.conf\n}", "b": "interface eth0\n}\nx {"}
    draft = draft_of(text, files=files)
    config, objections = validate(draft.data, draft.origins)
    if config is None:
        known = [problem for problem in objections if not problem.message.endswith("is missing")]
        assert errors(draft), objections
        assert not known, known
    else:
        review(config, draft.origins)
    assert len(set(draft.problems)) == len(draft.problems)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read(text):
    holds(text)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=5).map(" ".join), max_size=30).map("\n".join))
def test_any_order_of_known_words_is_read(text):
    holds(text)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=60).map("\n".join))
def test_lines_of_good_files_in_any_order_are_read(text):
    holds(text)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CASES), st.data())
def test_a_good_file_with_something_odd_in_it_is_read(name, data):
    lines = (DIRECTORY / f"{name}.conf").read_text().splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(lines) - 1))
        odd = data.draw(st.sampled_from(WORDS))
        words = lines[position].split(" ")
        place = data.draw(st.integers(0, len(words)))
        lines[position] = " ".join([*words[:place], odd, *words[place + data.draw(st.integers(0, 1)):]])
    holds("\n".join(lines))
