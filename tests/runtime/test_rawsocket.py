import socket
from ipaddress import ip_address

import pytest

from pyha.runtime import rawsocket
from pyha.runtime.rawsocket import GROUPS, AdvertSocket, FrameSocket
from tests.netns.lab import Lab, wait_until

pytestmark = pytest.mark.root
SOURCES = {4: "10.99.0.1", 6: "fe80::ff:fe99:1"}
PEERS = {4: "10.99.0.2", 6: "fe80::ff:fe99:2"}


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        for number in (1, 2):
            lab.node(f"n{number}", f"10.99.0.{number}/24")
        yield lab


def index_of(node) -> int:
    with node.inside():
        return socket.if_nametoindex("eth0")


def opened(node, version: int) -> AdvertSocket:
    with node.inside():
        sock = AdvertSocket(version)
        assert sock.join({(GROUPS[version], socket.if_nametoindex("eth0"))}) == []
    return sock


@pytest.mark.parametrize("version", [4, 6])
def test_a_multicast_arrives_with_all_that_is_to_be_checked(lab, version):
    one, two = lab.nodes
    sender, receiver = opened(one, version), opened(two, version)
    source, group = ip_address(SOURCES[version]), GROUPS[version]
    sender.send(b"hello", interface=index_of(one), source=source, destination=group)
    got = wait_until(receiver.receive, "the datagram arrives")
    assert got == rawsocket.Datagram(b"hello", source, group, 255, index_of(two))
    assert receiver.receive() is None
    assert sender.receive() is None, "our own multicast came back"
    sender.close()
    receiver.close()


@pytest.mark.parametrize("version", [4, 6])
def test_a_unicast_arrives_with_ttl_255(lab, version):
    one, two = lab.nodes
    sender, receiver = opened(one, version), opened(two, version)
    source, peer = ip_address(SOURCES[version]), ip_address(PEERS[version])
    sender.send(b"hello", interface=index_of(one), source=source, destination=peer)
    got = wait_until(receiver.receive, "the datagram arrives")
    assert (got.source, got.destination, got.ttl, got.interface) == (source, peer, 255, index_of(two))
    sender.close()
    receiver.close()


def test_the_header_is_keepalived_s(lab):
    one, two = lab.nodes
    sender, receiver = opened(one, 4), opened(two, 4)
    sender.send(b"hello", interface=index_of(one), source=ip_address("10.99.0.1"), destination=GROUPS[4])
    data = wait_until(lambda: _raw(receiver), "the datagram arrives")
    assert data[1] == 0xC0, "type of service"
    assert data[6] & 0x40 == 0, "don't fragment"
    sender.close()
    receiver.close()


def _raw(sock: AdvertSocket) -> bytes:
    try:
        return sock.sock.recv(2048)
    except BlockingIOError:
        return b""


def test_a_group_that_was_left_is_not_heard_any_more(lab):
    one, two = lab.nodes
    sender, receiver = opened(one, 4), opened(two, 4)
    other = ip_address("224.0.0.199")
    receiver.join({(other, index_of(two))})
    for group in (GROUPS[4], other):
        sender.send(b"x", interface=index_of(one), source=ip_address("10.99.0.1"), destination=group)
    assert wait_until(receiver.receive, "the datagram arrives").destination == other
    assert receiver.receive() is None
    sender.close()
    receiver.close()


def test_joining_on_an_interface_that_is_not_there_is_told_and_tried_again(lab):
    receiver = opened(lab.nodes[1], 4)
    wanted = {(GROUPS[4], 9999)}
    assert receiver.join(wanted) == ["cannot join 224.0.0.18 on interface 9999: No such device"]
    assert receiver.join(wanted) == ["cannot join 224.0.0.18 on interface 9999: No such device"]
    receiver.close()


def test_a_source_that_is_not_ours_is_an_error(lab):
    sender = opened(lab.nodes[0], 4)
    with pytest.raises(OSError):  # the words depend on the routes
        sender.send(b"x", interface=index_of(lab.nodes[0]), source=ip_address("10.99.0.77"), destination=GROUPS[4])
    sender.close()


def test_frames_go_out_as_they_are(lab):
    one, two = lab.nodes
    with two.inside():
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x88B5))  # for local experiments
        tap.bind(("eth0", 0x88B5))
        tap.settimeout(10)
    with one.inside():
        frames = FrameSocket()
    frame = bytes.fromhex("ffffffffffff02000099000188b5") + b"hello".ljust(46, b"\0")
    frames.send("eth0", frame)
    assert tap.recv(2048) == frame
    with pytest.raises(OSError, match="No such device"):
        frames.send("eth9", frame)
    frames.close()
    tap.close()


@pytest.mark.parametrize("data", [b"", b"\x45" + bytes(10), b"\x4f" + bytes(30), b"\x41" + bytes(30)])
def test_a_header_that_is_cut_off_is_no_datagram(data):
    control = (socket.IPPROTO_IP, 8, bytes(12))
    assert rawsocket._datagram4(data, [control], 112) is None


def test_without_its_control_messages_it_is_no_datagram():
    assert rawsocket._datagram4(b"\x45" + bytes(30), [], 112) is None
    assert rawsocket._datagram6(b"x", [], "fe80::1%eth0") is None


@pytest.mark.root
def test_a_receive_buffer_is_as_large_as_was_asked_for():
    sock = rawsocket.AdvertSocket(4)
    sock.enlarge(1 << 20)
    assert sock.sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) == 2 << 20  # the kernel doubles it
    sock.close()
