"""The kernel relays what arrives at paired sockets, tells of much, and stops when asked to."""

import os
import select
import socket
import subprocess
import sys
import textwrap

import pytest

from pyha.runtime.bpf import TOLD_AFTER, Maps, cookie
from tests.runtime.worker_lab import ROOT

pytestmark = [
    pytest.mark.root,
    pytest.mark.root,
]


@pytest.fixture
def maps():
    made = Maps.create()
    yield made
    made.close()


@pytest.fixture
def line():
    """Two connections: (far end, near end) each. The near ends are what is joined."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ends = []
        for _ in range(2):
            far = socket.create_connection(listening.getsockname())
            near, _ = listening.accept()
            far.settimeout(10)
            ends.append((far, near))
        yield ends
        for far, near in ends:
            far.close()
            near.close()


def read(sock, count):
    data = b""
    while len(data) < count:
        data += sock.recv(count - len(data))
    return data


def test_what_waited_and_what_comes_is_carried_both_ways(maps, line):
    (one, near_one), (two, near_two) = line
    one.sendall(b"early")
    maps.pair(near_one, near_two)
    maps.start(near_one)
    maps.start(near_two)
    one.sendall(b" and late")
    two.sendall(b"answer")
    assert read(two, 14) == b"early and late"
    assert read(one, 6) == b"answer"


def test_one_direction_can_be_stopped_and_what_comes_then_stays_in_the_queue(maps, line):
    (one, near_one), (two, near_two) = line
    maps.pair(near_one, near_two)
    maps.start(near_one)
    maps.start(near_two)
    maps.stop(near_one)
    one.sendall(b"stays")
    two.sendall(b"carried")
    assert read(one, 7) == b"carried"
    near_one.settimeout(10)
    assert near_one.recv(100) == b"stays"
    maps.start(near_one)
    one.sendall(b"again")
    assert read(two, 5) == b"again"


def test_a_socket_that_sent_much_is_told_of_by_its_cookie(maps, line):
    (one, near_one), (two, near_two) = line
    maps.pair(near_one, near_two)
    maps.start(near_one)
    assert maps.told() == set()
    for _ in range(TOLD_AFTER // 65536 + 1):
        one.sendall(bytes(65536))
        read(two, 65536)
    assert select.select([maps.ring], [], [], 10)[0]
    assert maps.told() == {cookie(near_one)}
    assert maps.told() == set()
    assert not select.select([maps.ring], [], [], 0)[0]


def test_a_socket_that_has_its_fin_is_refused(maps, line):
    (one, near_one), (_, near_two) = line
    one.shutdown(socket.SHUT_WR)
    assert near_one.recv(1) == b""
    with pytest.raises(OSError, match="not supported"):
        maps.pair(near_one, near_two)


def test_full_maps_refuse_and_leave_nothing_behind(line):
    small = Maps.create(entries=1)
    (one, near_one), (_, near_two) = line
    with pytest.raises(OSError):  # E2BIG or ENOMEM, as the kernel likes
        small.pair(near_one, near_two)
    one.sendall(b"still here")
    assert near_one.recv(100) == b"still here"
    small.close()


def test_a_process_without_any_privilege_uses_the_maps_that_it_was_handed(maps, line):
    (one, near_one), (two, near_two) = line
    code = textwrap.dedent("""
        import socket, sys
        from pyha.runtime.bpf import Maps
        targets, active, ring, one, two = map(int, sys.argv[1:])
        maps, socks = Maps(targets, active, ring), [socket.socket(fileno=fd) for fd in (one, two)]
        maps.pair(*socks)
        for sock in socks:
            maps.start(sock)
        print(sorted(maps.told()), open("/proc/self/status").read().split("CapEff:")[1].split()[0])
    """)
    fds = [*maps.fds, near_one.fileno(), near_two.fileno()]
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all",
               sys.executable, "-c", code, *map(str, fds)]  # fmt: skip
    done = subprocess.run(command, pass_fds=fds, capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"})  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["[]", "0000000000000000"]
    one.sendall(b"carried")  # we hold the sockets and the maps: the process that joined them is gone
    assert read(two, 7) == b"carried"
