"""A reader for the HTTP/1 answers that health checks get: strict, and bounded by what the caller hands it."""

import re
from dataclasses import dataclass, field

_STATUS_LINE = re.compile(rb"HTTP/\d\.\d (?P<code>\d{3})(?: (?P<reason>[^\r\n]*))?\r?\n")
_BEGINNING = b"HTTP/"
_HEADER = re.compile(rb"(?P<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(?P<value>[^\r\n\x00]*?)[ \t]*\r?\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK = re.compile(rb"(?P<size>[0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


class Malformed(ValueError):  # noqa: N818 - a fact about bytes, not a failure of ours
    """This is not HTTP/1."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The head of a response, its body so far, and whether that is all of it."""

    code: int
    reason: str
    body: bytes
    complete: bool
    headers: tuple[tuple[str, str], ...] = field(default=(), compare=False)  # names in lower case


def read(data: bytes, *, ended: bool) -> Answer | None:
    """The final response in these bytes, None while its head is not complete. Raises Malformed; skips interim ones."""
    while True:
        if not (data.startswith(_BEGINNING) or _BEGINNING.startswith(data)):
            raise Malformed
        head_end = _HEAD_END.search(data)
        if head_end is None:
            if ended or (b"\n" in data and not _STATUS_LINE.match(data)):
                raise Malformed
            return None
        code, reason, headers = _head(data[: head_end.end()])
        rest = data[head_end.end() :]
        # 101 is final: the connection now speaks something else.
        if code >= 200 or code == 101:
            body, complete = _body(code, dict(headers), rest)
            pairs = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
            return Answer(code, reason, body, complete or ended, pairs)
        data = rest


def _head(head: bytes) -> tuple[int, str, list[tuple[bytes, bytes]]]:
    status = _STATUS_LINE.match(head)
    if status is None:
        raise Malformed
    headers: list[tuple[bytes, bytes]] = []
    position = status.end()
    while head[position:] not in (b"\r\n", b"\n"):
        header = _HEADER.match(head, position)
        if header is None:
            raise Malformed
        headers.append((header["name"].lower(), header["value"]))
        position = header.end()
    return int(status["code"]), (status["reason"] or b"").decode("latin-1").strip(), headers


def _body(code: int, headers: dict[bytes, bytes], rest: bytes) -> tuple[bytes, bool]:
    if code < 200 or code in (204, 304):
        return b"", True
    if headers.get(b"transfer-encoding", b"").lower() == b"chunked":
        return _chunks(rest)
    length = headers.get(b"content-length")
    if length is None:
        return rest, False
    if not length.isdigit():
        raise Malformed
    return rest[: int(length)], len(rest) >= int(length)


def _chunks(rest: bytes) -> tuple[bytes, bool]:
    body = b""
    position = 0
    while position < len(rest):
        chunk = _CHUNK.match(rest, position)
        if chunk is None:
            if b"\n" in rest[position:]:
                raise Malformed
            break
        size = int(chunk["size"], 16)
        if size == 0:
            return body, True
        body += rest[chunk.end() : chunk.end() + size]
        position = chunk.end() + size
        if rest[position : position + 2] == b"\r\n":
            position += 2
        elif len(rest) >= position + 2:
            raise Malformed
        else:
            break
    return body, False
