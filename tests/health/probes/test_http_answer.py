import random

import pytest

from pyha.health.probes.http_answer import Answer, Malformed, read


def answer(data, ended=False):
    return read(data, ended=ended)


def test_the_head_alone_is_an_answer():
    assert answer(b"HTTP/1.1 200 OK\r\n\r\n") == Answer(200, "OK", b"", complete=False)


@pytest.mark.parametrize("data", [
    b"", b"H", b"HTTP/", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nA: b\r\n"])
def test_half_a_head_is_waited_for_and_is_nothing_when_the_end_comes(data):
    assert answer(data) is None
    with pytest.raises(Malformed):
        answer(data, ended=True)


@pytest.mark.parametrize("data", [
    b"SSH-2.0-OpenSSH_9\r\n", b"HTTX", b"\x15\x03\x01", b"HTTP/1.1 abc\r\n", b"HTTP/1.1 2000 OK\r\n\r\n",
    b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/11 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: b\x00c\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
def test_what_is_no_http_is_malformed_as_soon_as_that_is_clear(data):
    with pytest.raises(Malformed):
        answer(data)


def test_lone_line_feeds_and_a_missing_reason_are_read():
    assert answer(b"HTTP/1.0 204\nA: b\n\n") == Answer(204, "", b"", complete=True)


@pytest.mark.parametrize(("data", "body", "complete"), [
    (b"Content-Length: 5\r\n\r\nhel", b"hel", False), (b"Content-Length: 5\r\n\r\nhello", b"hello", True),
    (b"Content-Length: 5\r\n\r\nhello, more", b"hello", True), (b"\r\nuntil the end", b"until the end", False)])
def test_bodies_have_a_length_or_last_until_the_end(data, body, complete):
    head = b"HTTP/1.1 200 OK\r\n" + data
    assert answer(head) == Answer(200, "OK", body, complete)
    assert answer(head, ended=True) == Answer(200, "OK", body, complete=True)


@pytest.mark.parametrize("code", [204, 304])
def test_some_answers_have_no_body_whatever_they_say(code):
    found = answer(b"HTTP/1.1 %d X\r\nContent-Length: 5\r\n\r\n" % code)
    assert (found.body, found.complete) == (b"", True)


def test_interim_answers_are_skipped_but_switching_protocols_is_final():
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    assert answer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok).code == 200
    assert answer(b"HTTP/1.1 100 Continue\r\n\r\n") is None
    assert answer(b"HTTP/1.1 101 Switching Protocols\r\n\r\n") == Answer(101, "Switching Protocols", b"", complete=True)


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(("data", "body", "complete"), [
    (b"", b"", False), (b"5", b"", False), (b"5\r\nhel", b"hel", False), (b"5\r\nhello", b"hello", False),
    (b"5\r\nhello\r", b"hello", False), (b"5\r\nhello\r\n", b"hello", False),
    (b"5;x=y\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world", True), (b"0\r\n\r\n", b"", True)])
def test_chunks_are_put_together(data, body, complete):
    assert answer(CHUNKED + data) == Answer(200, "OK", body, complete)


@pytest.mark.parametrize("data", [b"xyz\r\nhello", b"5\r\nhelloXX", b"123456789\r\nx"])
def test_what_is_no_chunk_is_malformed(data):
    with pytest.raises(Malformed):
        answer(CHUNKED + data)


def test_bytes_flipped_at_random_are_read_or_refused_never_more():
    dice = random.Random(1)
    good = CHUNKED + b"5\r\nhello\r\n0\r\n\r\n"
    for _ in range(3000):
        data = bytearray(good)
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        for ended in (False, True):
            try:
                found = read(bytes(data), ended=ended)
            except Malformed:
                continue
            assert found is None or 100 <= found.code <= 999
