"""Just enough HTTP/1 to answer for a statistics page: reading the head of a request, and the answers themselves.

Pure: the head comes in as bytes, answers go out as bytes. Everything odd is refused with 400, as HAProxy does it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyha.errors import DecodeError

LARGEST_HEAD = 8 * 1024
"""Bytes of a request's head; more is refused."""

LARGEST_BODY = 64 * 1024
"""Bytes of a body that are read and thrown away so that the connection can go on; after more it is closed."""

HEAD_END = b"\r\n\r\n"

_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rf"({_NAME}) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])")
_HEADER = re.compile(rf"({_NAME}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_ORIGIN = re.compile(r"https?://[^/?]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Request:
    """The head of a request. `target` begins with the path, whatever form it came in; header names in lower case."""

    method: str
    target: str
    minor: int = 1
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def keep_alive(self) -> bool:
        """The client would like to ask again on this connection, and it is safe to let it."""
        if "transfer-encoding" in self.headers or self.body_length > LARGEST_BODY:
            return False
        words = {word.strip().lower() for word in self.headers.get("connection", "").split(",")}
        return "close" not in words if self.minor else "keep-alive" in words

    @property
    def body_length(self) -> int:
        """Bytes that follow the head."""
        return int(self.headers.get("content-length", "0"))


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; `close`: the connection ends after it, whatever the client wants."""

    code: int
    reason: str
    body: bytes = b""
    content_type: str = "text/html"
    headers: tuple[tuple[str, str], ...] = ()
    close: bool = False

    def encode(self, request: Request) -> bytes:
        """The bytes: without a body for HEAD, which otherwise gets the same head."""
        lines = [
            f"HTTP/1.1 {self.code} {self.reason}",
            f"content-length: {len(self.body)}",
            "cache-control: no-cache",
            f"content-type: {self.content_type}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        if self.close or not request.keep_alive:
            lines.append("connection: close")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")
        return head if request.method == "HEAD" else head + self.body


def page(title: str, sentence: str) -> bytes:
    """The few words that come with a status code."""
    return f"<html><body><h1>{title}</h1>\n{sentence}\n</body></html>\n".encode()


def _last_words(code: int, reason: str, sentence: str) -> bytes:
    body = page(f"{code} {reason}", sentence)
    # HAProxy sends these two from a fixed text, spelled like this.
    head = (f"HTTP/1.1 {code} {reason}\r\nContent-length: {len(body)}\r\nCache-Control: no-cache\r\n"
            "Connection: close\r\nContent-Type: text/html\r\n\r\n")
    return head.encode() + body


BAD_REQUEST = _last_words(400, "Bad request", "Your browser sent an invalid request.")
REQUEST_TIMEOUT = _last_words(408, "Request Time-out", "Your browser didn't send a complete request in time.")


def parse(head: bytes) -> Request:
    """Read everything before the empty line. Raises DecodeError("bad-request")."""
    first, *rest = head.decode("latin-1").split("\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise DecodeError("bad-request", "expected METHOD TARGET HTTP/1.1")
    headers: dict[str, str] = {}
    for text in rest:
        header = _HEADER.fullmatch(text)
        if header is None:
            raise DecodeError("bad-request", "expected NAME: VALUE")
        name = header[1].lower()
        if name in headers and name in ("content-length", "host", "authorization"):
            raise DecodeError("bad-request", f"{name} twice")
        headers[name] = f"{headers[name]}, {header[2]}" if name in headers else header[2]
    if not re.fullmatch(r"[0-9]{1,18}", headers.get("content-length", "0")):
        raise DecodeError("bad-request", "content-length is not a number")
    target = line[2]
    if origin := _ORIGIN.match(target):
        target = target[origin.end():] or "/"
    return Request(line[1], target, int(line[3]), headers)
