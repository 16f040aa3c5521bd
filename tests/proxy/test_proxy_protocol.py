import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyha.proxy.proxy_protocol import MOST, SIGNATURE, Header, HeaderError, crc32c, read, written

ALIEN, INVALID, UNHANDLED = "does not look like", "an invalid PROXY", "unhandled protocol"
FOUR = ("192.0.2.1", 4711), ("198.51.100.7", 6443)
SIX = ("2001:db8::1", 4711, 0, 0), ("2001:db8::2", 6443, 0, 0)


def binary(command=0x21, family=0x11, body=bytes(12)):
    return SIGNATURE + struct.pack("!BBH", command, family, len(body)) + body


def test_version_1_is_the_line_that_haproxy_sends():
    assert written("v1", (), *FOUR) == b"PROXY TCP4 192.0.2.1 198.51.100.7 4711 6443\r\n"
    assert written("v1", (), *SIX) == b"PROXY TCP6 2001:db8::1 2001:db8::2 4711 6443\r\n"
    assert written("v1", (), ("::ffff:127.0.0.1", 1, 0, 0), ("::ffff:127.0.0.1", 2, 0, 0)) == (
        b"PROXY TCP6 ::ffff:127.0.0.1 ::ffff:127.0.0.1 1 2\r\n")
    assert written("v1", (), ("fe80::1%eth0", 1, 0, 2), ("fe80::2%eth0", 2, 0, 2)) == (
        b"PROXY TCP6 fe80::1 fe80::2 1 2\r\n")


def test_version_2_is_what_haproxy_sends():
    # Recorded from haproxy 2.6.12: 127.0.0.1:35570 to 127.0.0.1:18998.
    ends = ("127.0.0.1", 35570), ("127.0.0.1", 18998)
    plain = b"\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x0c\x7f\x00\x00\x01\x7f\x00\x00\x01\x8a\xf2J6"
    summed = b"\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x13\x7f\x00\x00\x01\x7f\x00\x00\x01\x8a\xf2J6\x03\x00\x04)\x05@T"
    tls = b"\r\n\r\n\x00\r\nQUIT\n!\x11\x00\x14\x7f\x00\x00\x01\x7f\x00\x00\x01\x8a\xf2J6 \x00\x05" + bytes(5)
    assert written("v2", (), *ends) == plain
    assert written("v2", ("crc32c",), *ends) == summed
    assert written("v2", ("ssl",), *ends) == tls
    assert written("v2", (), *SIX)[12:16] == b"\x21\x21\x00\x24"


def test_addresses_of_two_families_become_ipv6():
    assert written("v1", (), FOUR[0], SIX[1]) == b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 4711 6443\r\n"
    assert written("v1", (), SIX[0], FOUR[1]) == b"PROXY TCP6 2001:db8::1 ::ffff:198.51.100.7 4711 6443\r\n"


def test_the_checksum_is_that_of_rfc_3720():
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("options", [(), ("crc32c",), ("ssl", "crc32c")])
@pytest.mark.parametrize("ends", [FOUR, SIX])
def test_what_is_written_is_read_wherever_it_is_split(version, options, ends):
    header = written(version, options, *ends)
    assert [read(header[:size]) for size in range(len(header))] == [None] * len(header)
    expected = Header(len(header), ends[0][:2], ends[1][:2])
    assert read(header) == expected
    assert read(header + b"\x16\x03\x01") == expected


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN ffff:: ffff:: 1 2\r\n", binary(0x20, 0),
                                    binary(0x20, 0x11, b"xx"), binary(0x21, 0x31, bytes(216)), binary(0x21, 0, b"")])
def test_some_headers_leave_the_addresses_as_they_are(header):
    assert read(header + b"hello") == Header(len(header))


@pytest.mark.parametrize(("data", "reason"), [
    (b"GET / HTTP/1.1\r\n", ALIEN), (b"\x16\x03\x01", ALIEN), (b"PROXX", ALIEN), (b"\r\n\r\nX", ALIEN),
    (binary(0x11), ALIEN),
    (b"PROXY TCP5 1 2 3 4\r\n", UNHANDLED), (b"PROXY UDP4 192.0.2.1 192.0.2.2 3 4\r\n", UNHANDLED),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 3\r\n", INVALID), (b"PROXY TCP4 192.0.2.1 192.0.2.2 3 4 5\r\n", INVALID),
    (b"PROXY TCP4 192.0.2.1  192.0.2.2 3 4\r\n", INVALID), (b"PROXY TCP4 192.0.2.1 192.0.2.2 3 4\n", INVALID),
    (b"PROXY TCP4 ::1 192.0.2.2 3 4\r\n", INVALID), (b"PROXY TCP6 fe80::1%lo ::2 3 4\r\n", INVALID),
    (b"PROXY TCP4 192.0.2.\xff 192.0.2.2 3 4\r\n", INVALID), (b"PROXY TCP4 192.0.2.1 192.0.2.2 3 65536\r\n", INVALID),
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 -3 4\r\n", INVALID), (b"PROXY TCP4 192.0.2.1 192.0.2.2 000003 4\r\n", INVALID),
    (b"PROXY UNKNOWN " + b"x" * 93, INVALID),
    (binary(0x22), INVALID), (binary(body=bytes(11)), INVALID), (binary(family=0x21, body=bytes(35)), INVALID),
    (binary(body=bytes(MOST)), INVALID),
    (binary(body=bytes(12) + b"\x04\x00"), INVALID), (binary(body=bytes(12) + b"\x04\x00\x02x"), INVALID),
    (binary(body=bytes(12) + b"\x03\x00\x04abcd"), INVALID), (binary(body=bytes(12) + b"\x03\x00\x00"), INVALID),
])  # fmt: skip
def test_anything_else_is_refused_in_haproxys_words(data, reason):
    with pytest.raises(HeaderError, match=reason):
        read(data)


def test_extensions_that_mean_nothing_here_are_passed_over():
    header = binary(body=bytes(12) + b"\x04\x00\x03abc" + b"\x01\x00\x00")
    assert read(header) == Header(len(header), ("0.0.0.0", 0), ("0.0.0.0", 0))


NOISE = st.one_of(
    st.binary(max_size=300),
    st.builds(lambda rest: b"PROXY " + rest, st.binary(max_size=120)),
    st.builds(lambda kind, rest: b"PROXY TCP" + kind + rest + b"\r\n", st.sampled_from([b"4 ", b"6 "]),
              st.text("0123456789abcdef:. ", max_size=60).map(str.encode)),
    st.builds(binary, st.sampled_from([0x20, 0x21, 0x22, 0x31]), st.sampled_from([0, 0x11, 0x12, 0x21, 0x31]),
              st.binary(max_size=80)),
)  # fmt: skip


@given(NOISE, st.binary(max_size=20))
def test_noise_raises_nothing_else_and_nothing_behind_a_header_is_read(data, behind):
    try:
        header = read(data)
    except HeaderError:
        return
    if header is not None:
        assert header.size <= len(data)
        # Its own bytes are all that decide.
        assert read(data[:header.size]) == header
        assert read(data[:header.size] + behind) == header
        assert read(data[:header.size - 1]) is None
