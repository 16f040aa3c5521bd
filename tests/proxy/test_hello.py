"""ClientHellos: whole, in pieces, in several records, broken, and not one at all."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyha.proxy.hello import MORE, hello_type, read
from tests.runtime.hello_lab import client_hello, in_records, record

HELLO = client_hello("api.example.com", alpn=("h2", "http/1.1"))


def made(*extensions, version=b"\x03\x03", rest=None):
    """A hello put together by hand; `rest` takes the place of its extensions."""
    block = b"".join(kind.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body for kind, body in extensions)
    body = version + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" + b"\x01\x00"
    body += len(block).to_bytes(2, "big") + block if rest is None else rest
    return record(b"\x01" + len(body).to_bytes(3, "big") + body)


def test_name_version_and_protocol():
    hello = read(HELLO)
    assert (hello.version, hello.sni, hello.alpn) == (0x30003, "api.example.com", "h2")
    assert hello_type(HELLO) == 1


def test_without_extensions_that_matter():
    hello = read(client_hello(version=ssl.TLSVersion.TLSv1_2))
    assert (hello.sni, hello.alpn) == (None, None)
    assert read(made(rest=b"")).sni is None


def test_every_beginning_of_a_hello_may_become_one():
    for length in range(len(HELLO)):
        assert read(HELLO[:length]) is MORE
        assert hello_type(HELLO[:length]) is MORE


@pytest.mark.parametrize("size", [100, 200, 4000])
def test_a_hello_in_several_records(size):
    cut = in_records(HELLO, size)
    assert read(cut) == read(HELLO)
    assert read(cut[:-1]) is MORE


def test_one_that_is_cut_too_fine_is_not_put_together():
    assert read(in_records(HELLO, 20)) is None


def test_another_record_in_between_ends_it():
    assert read(in_records(HELLO, 200)[:205] + b"\x17\x03\x03\x00\x01x") is None
    assert read(in_records(HELLO, 200)[:205] + b"\x16\x03\x03\x00\x00") is None


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.0\r\n\r\n", b"\x16\x02\x01\x00\x05\x01aaaa", b"\x15\x03\x01\x00\x02\x02\x28",
    b"\x16\x03\x01\x00\x03\x01\x00\x00", b"\x16\x03\x01\xff\xff\x01"])
def test_what_is_no_handshake(data):
    assert hello_type(data) is None
    assert read(data) is None


def test_another_handshake_message():
    data = record(b"\x02\x00\x00\x01x")
    assert hello_type(data) == 2
    assert read(data) is None


@pytest.mark.parametrize("body", [
    b"", b"\x03\x03" + bytes(32) + b"\xff", b"\x03\x03" + bytes(32) + b"\x00\xff\xff\x00"])
def test_a_hello_that_ends_too_early(body):
    assert read(record(b"\x01" + len(body).to_bytes(3, "big") + body)) is None


@pytest.mark.parametrize("rest", [b"\x00\x06\x00\x00\x00\x09ab", b"\x00\x09\x00\x00\x00"])
def test_an_extension_that_is_longer_than_its_hello(rest):
    assert read(made(rest=rest)) is None


@pytest.mark.parametrize("content", [
    b"", b"\x00\x04\x00\x00\x05a", b"\x00\x04\x01\x00\x01a", b"\x00\x03\x00\x00\x00"])
def test_a_list_of_names_without_a_good_one(content):
    assert read(made((0, content))).sni is None


def test_an_empty_list_of_protocols_is_nonsense():
    assert read(made((16, b""))) is None


@given(st.binary(max_size=300))
def test_garbage_is_harmless(data):
    read(data)
    read(b"\x16\x03\x01\x00" + data)


@given(st.integers(0, len(HELLO) - 1), st.integers(0, 255))
def test_a_damaged_hello_is_harmless(at, value):
    damaged = bytearray(HELLO)
    damaged[at] = value
    read(bytes(damaged))
