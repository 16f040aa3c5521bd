"""`server` and `default-server` lines."""

import pytest

from pyha.config.haproxy import server_options
from tests.config.haproxy.reading import backend, said


def servers(lines, **more):
    return backend(lines, **more)["servers"]


def test_default_server_adds_up_and_the_line_of_the_server_wins():
    found = servers("default-server inter 5s rise 4\ndefault-server fall 7\nserver a 10.0.0.1:1 check inter 1s\n"
                    "default-server no-check\nserver b 10.0.0.2:1")
    assert {key: found[0]["check"][key] for key in ("inter", "rise", "fall")} == {"inter": 1000, "rise": 4, "fall": 7}
    assert "check" not in found[1]


def test_the_base_of_certificates_goes_before_relative_names():
    check = servers("server a 10.0.0.1:1 check check-ssl ca-file ca.pem crt /c.pem",
                    before="global\n    ca-base /etc/ssl/\n    crt-base /etc/private\n")[0]["check"]
    assert (check["tls"]["ca_file"], check["tls"]["crt"]) == ("/etc/ssl/ca.pem", "/c.pem")


def test_a_tls_check_that_verifies_needs_a_ca():
    sentence, = said("server a 10.0.0.1:1 check check-ssl")
    assert sentence == ("error: server 'api/a': its check verifies the certificate (the default), but no CA file is "
                        "given; add 'ca-file /path/ca.crt', or 'verify none' to trust any certificate")
    assert said("server a 10.0.0.1:1 check check-ssl", before="global\n    ssl-server-verify none\n") == []
    assert said("server a 10.0.0.1:1 check-ssl") == []


def test_a_check_needs_a_port_somewhere():
    assert said("server a 10.0.0.1 check")[0].startswith("error: server 'api/a' has neither service port nor check")
    assert said("server a 10.0.0.1 check port 80") == []
    assert said("option tcp-check\ntcp-check connect port 80\nserver a 10.0.0.1 check") == []


@pytest.mark.parametrize(("address", "place"), [
    ("10.0.0.1:80", {"host": "10.0.0.1", "port": 80}), ("10.0.0.1", {"host": "10.0.0.1"}),
    ("10.0.0.1:+1000", {"host": "10.0.0.1", "port_offset": 1000}), ("10.0.0.1:-5", {"host": "10.0.0.1",
    "port_offset": -5}),
    ("api.example.com:6443", {"host": "api.example.com", "port": 6443}),
    ("2409:8080:5801:824f:2::12:6443", {"host": "2409:8080:5801:824f:2::12", "port": 6443})])
def test_the_address_of_a_server(address, place):
    assert servers(f"server a {address}") == [{"name": "a", **place}]


def test_two_servers_of_one_name_are_an_error_with_the_line_of_the_first():
    assert said("server a 10.0.0.1:1 check\nserver a 10.0.0.2:1 check") == [
        "error: listen 'api': another server named 'a' was already defined at line 7; use distinct names"]


@pytest.mark.parametrize("word", server_options.REFUSED)
def test_what_changes_what_clients_get_is_refused_with_advice(word):
    count, reason, advice = server_options.REFUSED[word]
    assert said(f"server a 10.0.0.1:1 check {word} " + "x " * count) == [
        f"error: 'server api/a': '{word}' is not supported: {reason}; {advice}"]


@pytest.mark.parametrize("word", server_options.IGNORED)
def test_what_is_without_effect_is_told_with_its_reason(word):
    count, reason = server_options.IGNORED[word]
    assert said(f"server a 10.0.0.1:1 check {word} " + "x " * count) == [
        f"ignored: 'server ... {word}' has no effect: {reason}"]


def test_several_servers_with_the_same_word_are_told_once():
    assert len(said("server a 10.0.0.1:1 check tfo\nserver b 10.0.0.1:1 check tfo")) == 1


def test_the_value_of_a_misspelt_word_is_no_word():
    assert said("server a 10.0.0.1:1 check wieght 100") == [
        "error: 'server api/a': unknown keyword 'wieght'; did you mean 'weight'?"]
