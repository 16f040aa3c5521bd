import random

import pytest

from pyha.errors import DecodeError
from pyha.stats.http import BAD_REQUEST, LARGEST_BODY, REQUEST_TIMEOUT, Request, Response, page, parse


def test_a_request_is_read():
    assert parse(b"GET /stats;csv HTTP/1.1\r\nHost: x\r\nAccept:  a/b \r\naccept:c") == Request(
        "GET", "/stats;csv", 1, {"host": "x", "accept": "a/b, c"})


@pytest.mark.parametrize(("target", "path"), [
    ("/", "/"), ("http://example.com/stats", "/stats"), ("HTTPS://h:1?x", "?x"), ("http://h", "/"), ("*", "*")])
def test_the_target_begins_with_the_path_whatever_form_it_came_in(target, path):
    assert parse(f"GET {target} HTTP/1.0".encode()).target == path


@pytest.mark.parametrize("head", [
    b"", b"GET", b"GET /", b"GET / HTTP/2.0", b"GET / HTTP/1.2", b"GET  / HTTP/1.1", b" GET / HTTP/1.1",
    b"G(T / HTTP/1.1", b"GET /\x00 HTTP/1.1", b"GET /a b HTTP/1.1", b"GET / HTTP/1.1\r\nno colon",
    b"GET / HTTP/1.1\r\n: empty", b"GET / HTTP/1.1\r\nspace : x", b"GET / HTTP/1.1\r\n folded: x",
    b"GET / HTTP/1.1\r\nA: b\x00", b"GET / HTTP/1.1\r\nA: b\nc: d", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b",
    b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1", b"GET / HTTP/1.1\r\nContent-Length: -1",
    b"GET / HTTP/1.1\r\nContent-Length: x", b"GET / HTTP/1.1\r\nContent-Length: " + b"9" * 19,
    b"GET / HTTP/1.1\r\nAuthorization: a\r\nauthorization: b", b"\x16\x03\x01\x02\x00\x01"])
def test_everything_odd_is_refused(head):
    with pytest.raises(DecodeError) as caught:
        parse(head)
    assert caught.value.reason == "bad-request"


def test_garbage_is_read_or_refused_never_more():
    dice = random.Random(7)
    for _ in range(5000):
        head = bytearray(b"GET /stats HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nConnection: close")
        for _ in range(dice.randrange(1, 6)):
            head[dice.randrange(len(head))] = dice.randrange(256)
        try:
            request = parse(bytes(head))
        except DecodeError:
            continue
        assert request.body_length >= 0


@pytest.mark.parametrize(("minor", "headers", "keeps"), [
    (1, {}, True), (1, {"connection": "Close"}, False), (1, {"connection": "te, close"}, False), (0, {}, False),
    (0, {"connection": "Keep-Alive"}, True), (1, {"content-length": str(LARGEST_BODY)}, True),
    (1, {"content-length": str(LARGEST_BODY + 1)}, False), (1, {"transfer-encoding": "chunked"}, False)])
def test_a_connection_goes_on_when_the_client_wants_and_it_is_safe(minor, headers, keeps):
    assert Request("GET", "/", minor, headers).keep_alive == keeps


def test_an_answer_is_haproxys_to_the_byte():
    response = Response(200, "OK", page("200 OK", "Service ready."))
    assert response.encode(Request("GET", "/", 0)) == (
        b"HTTP/1.1 200 OK\r\ncontent-length: 58\r\ncache-control: no-cache\r\ncontent-type: text/html\r\n"
        b"connection: close\r\n\r\n<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n")


def test_head_gets_the_same_head_and_no_body():
    response = Response(200, "OK", b"body", headers=(("refresh", "5"),))
    whole, head = response.encode(Request("GET", "/")), response.encode(Request("HEAD", "/"))
    assert whole == head + b"body"
    assert head.endswith(b"refresh: 5\r\n\r\n")
    assert b"content-length: 4\r\n" in head


def test_an_answer_after_which_the_connection_ends_says_so():
    assert b"connection: close\r\n" in Response(401, "Unauthorized", close=True).encode(Request("GET", "/"))
    assert b"connection: close" not in Response(200, "OK").encode(Request("GET", "/"))


@pytest.mark.parametrize("last_words", [BAD_REQUEST, REQUEST_TIMEOUT])
def test_last_words_have_the_length_that_they_claim(last_words):
    head, _, body = last_words.partition(b"\r\n\r\n")
    assert f"Content-length: {len(body)}".encode() in head
