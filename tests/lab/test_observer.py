"""Netlink messages taken apart."""

import socket
import struct

from hypothesis import given
from hypothesis import strategies as st
from observer import changes


def message(kind, *attributes):
    """One netlink message about an address; attributes are (type, value)."""
    body = struct.pack("=BBBBI", socket.AF_INET, 24, 0, 0, 2)
    for number, value in attributes:
        body += struct.pack("=HH", 4 + len(value), number) + value + b"\0" * (-len(value) % 4)
    return struct.pack("=IHHII", 16 + len(body), kind, 0, 0, 0) + body


ONE, TWO = socket.inet_aton("10.0.0.1"), socket.inet_aton("10.0.0.2")


def test_addresses_that_come_and_go_are_found_in_one_delivery():
    data = message(20, (1, ONE), (2, ONE), (3, b"ens160\0")) + message(21, (2, TWO))
    assert list(changes(data)) == [(True, ONE), (False, TWO)]


def test_other_messages_are_skipped():
    assert list(changes(message(16, (2, ONE)) + message(3) + message(20, (2, ONE)))) == [(True, ONE)]


def test_a_message_without_a_local_address_says_nothing():
    assert list(changes(message(20, (1, ONE)))) == []


@given(st.binary(max_size=200))
def test_garbage_ends_quietly(data):
    list(changes(data))
    list(changes(message(20, (2, ONE)) + data))


@given(st.binary(max_size=60))
def test_garbage_inside_a_message_does_not_hide_the_next(body):
    padded = body + b"\0" * (-len(body) % 4)
    broken = struct.pack("=IHHII", 24 + len(padded), 20, 0, 0, 0) + b"\0" * 8 + padded
    assert list(changes(broken + message(21, (2, TWO))))[-1] == (False, TWO)
