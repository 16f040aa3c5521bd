"""`balance` and `hash-type`."""

import pytest

from pyha.config.haproxy import balance
from tests.config.haproxy.reading import backend, said


@pytest.mark.parametrize("algorithm", balance.ALGORITHMS)
def test_every_algorithm_is_taken(algorithm):
    assert backend(f"balance {algorithm}")["balance"] == {"algorithm": algorithm}


@pytest.mark.parametrize(("lines", "data"), [
    ("balance", {"algorithm": "roundrobin"}), ("balance random(4)", {"algorithm": "random", "draws": 4}),
    ("balance random(4)\nbalance random", {"algorithm": "random"}),
    ("balance source\nhash-type consistent", {"algorithm": "source", "hash_type": "consistent"}),
    ("rate-limit sessions 5\nbalance first", {"algorithm": "first"})])
def test_words_become_fields(lines, data):
    assert backend(lines)["balance"] == data


def test_without_a_word_nothing_is_said():
    assert "balance" not in backend("retries 1")


@pytest.mark.parametrize("name", balance.REFUSED_ALGORITHMS)
def test_algorithms_that_look_into_the_traffic_are_refused(name):
    sentence, = said(f"balance {name}(x)" if name in ("hdr", "hash") else f"balance {name}")
    assert sentence.startswith("error: ")
    assert "use 'balance source'" in sentence


@pytest.mark.parametrize(("line", "message"), [
    ("balance leastcon", "did you mean 'leastconn'?"), ("balance random(0)", "expects one of"), ("balance first x",
    "'x'"),
    ("hash-type x", "'map-based', 'consistent'"), ("rate-limit sessions x", "expects an integer")])
def test_mistakes_are_told(line, message):
    sentence, = said(line)
    assert sentence.startswith("error: ")
    assert message in sentence


def test_zero_means_no_limit():
    assert "fullconn" not in backend("fullconn 5\nfullconn 0")
