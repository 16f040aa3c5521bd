import asyncio
import socket

import pytest

from pyha.runtime.resolver import fallback, literal, resolve


def answers(monkeypatch, *addresses):
    def getaddrinfo(*_args, **_options):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def test_addresses_are_their_own_answer():
    for text in ("10.0.0.1", "fd00::1", "fe80::1%eth0"):
        assert literal(text)
        assert asyncio.run(resolve(text)) == text
    for text in ("localhost", "10.0.0", "", "10.0.0.1:80"):
        assert not literal(text)


def test_a_name_has_the_first_address_in_the_order_of_the_system(monkeypatch):
    answers(monkeypatch, "10.0.0.2", "10.0.0.1")
    assert asyncio.run(resolve("api.example.com")) == "10.0.0.2"


def test_an_address_in_use_stays_as_long_as_it_is_among_the_answers(monkeypatch):
    answers(monkeypatch, "10.0.0.2", "10.0.0.1")
    assert asyncio.run(resolve("api.example.com", "10.0.0.1")) == "10.0.0.1"
    assert asyncio.run(resolve("api.example.com", "10.0.0.9")) == "10.0.0.2"


@pytest.mark.parametrize("error", [socket.gaierror(-2, "unknown"), OSError(5, "x"), UnicodeError("label too long")])
def test_a_name_that_does_not_resolve_is_nothing_and_no_exception(monkeypatch, error):
    def getaddrinfo(*_args, **_options):
        raise error
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert asyncio.run(resolve("nobody.invalid")) is None


@pytest.mark.parametrize(("methods", "address"), [
    ((), None), (("last", "libc", "none"), None), (("libc", "10.0.0.1", "10.0.0.2"), "10.0.0.1"),
    (("fd00::1",), "fd00::1")])
def test_init_addr_may_name_an_address_for_then(methods, address):
    assert fallback(methods) == address
