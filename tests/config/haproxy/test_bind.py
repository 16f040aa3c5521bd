"""`bind` lines."""

import pytest

from pyha.config.haproxy import bind
from tests.config.haproxy.reading import frontend, said


def binds(line):
    return frontend(f"bind {line}")["binds"]


def test_a_port_range_gives_one_listener_a_port():
    assert [item["port"] for item in binds("10.0.0.1:30000-33000")] == list(range(30000, 33001))


def test_several_addresses_share_their_options():
    assert binds("10.0.0.1:1,10.0.0.2:2 name x maxconn 5") == [
        {"host": "10.0.0.1", "port": 1, "name": "x", "maxconn": 5}, {"host": "10.0.0.2", "port": 2, "name": "x",
        "maxconn": 5}]


@pytest.mark.parametrize(("line", "data"), [
    (":::1", {"v6only": False}), (":::1 v6only", {"v6only": True, "v4v6": False}),
    (":::1 v4v6", {"v6only": False, "v4v6": True}),
    ("10.0.0.1:1 v4v6", {}), ("10.0.0.1:1 interface eth0 backlog 9 transparent",
                              {"interface": "eth0", "backlog": 9, "transparent": True})])
def test_options_become_fields(line, data):
    item = binds(line)[0]
    assert {key: value for key, value in item.items() if key not in ("host", "port")} == data


def test_the_backlog_of_the_section_is_the_default():
    assert [item["backlog"] for item in frontend("backlog 5\nbind :1\nbind :2 backlog 7")["binds"]] == [5, 7]


def test_the_value_of_a_misspelt_word_is_no_word():
    assert said("bind :2 maxcnn 100 name x") == [
        "error: 'bind :2': unknown keyword 'maxcnn'; did you mean 'maxconn'?"]


@pytest.mark.parametrize("word", bind.REFUSED)
def test_what_changes_what_clients_get_is_refused_with_advice(word):
    sentence = said(f"bind :2 {word} 1")[0]
    assert sentence.startswith(f"error: 'bind ... {word}' is not supported: ")
    assert bind.REFUSED[word][2] in sentence


@pytest.mark.parametrize("word", bind.IGNORED)
def test_what_is_without_effect_is_told_with_its_reason(word):
    count, reason = bind.IGNORED[word]
    assert said(f"bind :2 {word} " + "x " * count) == [f"ignored: 'bind ... {word}' has no effect: {reason}"]


def test_a_repeated_address_is_told():
    assert said("bind 127.0.0.1:1") == ["ignored: 'bind 127.0.0.1:1' repeats line 6; remove one of them"]


def test_ssl_is_told_once_and_not_with_its_options():
    assert len(said("bind :2 ssl crt /x alpn h2")) == 1
