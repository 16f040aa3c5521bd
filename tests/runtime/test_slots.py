import os
import socket

import pytest

from pyha.config.model import Bind, Config, Frontend, HttpService
from pyha.errors import FitnessError
from pyha.runtime import listening, slots


def free_port(host="127.0.0.1"):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as sock:
        sock.bind((host, 0))
        return sock.getsockname()[1]


def config(*binds, http=None):
    return Config(frontends=(Frontend(name="api", binds=binds, http=http),))


@pytest.fixture
def opened():
    everything = []
    yield everything
    for slot in everything:
        slot.close()


def test_every_worker_gets_its_own_socket_of_every_address(opened):
    first, second = Bind(host="127.0.0.1", port=free_port()), Bind(host="::1", port=free_port("::1"))
    bound = slots.bind(config(first, second), workers=3)
    opened.append(bound)
    seen = set()
    for index in range(3):
        listeners, fds = bound.of_worker(index)
        assert [(each.frontend, each.bind, each.host, each.port) for each in listeners] == [
            ("api", 0, first.host, first.port), ("api", 1, second.host, second.port)]
        seen |= {os.fstat(fd).st_ino for fd in fds}
    assert len(seen) == 6
    socket.create_connection(("127.0.0.1", first.port), timeout=5).close()
    socket.create_connection(("::1", second.port), timeout=5).close()


def test_the_page_is_answered_by_the_monitor_through_one_socket(opened):
    bind = Bind(host="127.0.0.1", port=free_port())
    bound = slots.bind(config(bind, http=HttpService(stats_uri="/")), workers=3)
    opened.append(bound)
    assert bound.of_worker(0) == ([], [])
    listeners, fds = bound.of_monitor()
    assert (listeners[0].port, len(fds)) == (bind.port, 1)


@pytest.mark.parametrize("host", ["192.0.2.77", "2001:db8::77"])
def test_an_address_that_the_node_does_not_hold_can_be_listened_on(host, opened):
    opened.append(slots.bind(config(Bind(host=host, port=18443)), workers=2))


def test_what_fits_is_kept_and_what_is_new_is_bound(opened):
    keep, drop, new = (Bind(host="127.0.0.1", port=free_port()) for _ in range(3))
    old = slots.bind(config(keep, drop), workers=2)
    bound = slots.bind(config(new, keep), workers=2, old=old)
    opened.append(bound)
    assert [bound.of_worker(index)[1][1] for index in (0, 1)] == [old.of_worker(index)[1][0] for index in (0, 1)]
    old.close(but=bound)
    socket.create_connection(("127.0.0.1", keep.port), timeout=5).close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", drop.port), timeout=5)


def test_an_address_in_use_is_named_with_its_owner_and_nothing_stays_open(opened):
    taken, free = free_port(), free_port()
    # The other program allows sharing, as haproxy does: it must not get half of our connections.
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", taken))
        other.listen()
        with pytest.raises(FitnessError) as error:
            slots.bind(config(Bind(host="127.0.0.1", port=free), Bind(host="127.0.0.1", port=taken)), workers=2)
    assert str(error.value).startswith(f"'api' cannot listen on 127.0.0.1:{taken}: the address is in use by ")
    assert f"(pid {os.getpid()})" in str(error.value)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free), timeout=5)


def test_every_address_that_cannot_be_had_is_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        ports = [sock.getsockname()[1] for sock in (one, two)]
        with pytest.raises(FitnessError) as error:
            slots.bind(config(*(Bind(host="127.0.0.1", port=port) for port in ports)), workers=1)
    assert all(f"127.0.0.1:{port}" in str(error.value) for port in ports)


def test_one_frontend_may_listen_on_all_addresses_and_on_one_of_them(opened):
    port = free_port("0.0.0.0")
    everywhere, here = Bind(host="0.0.0.0", port=port), Bind(host="127.0.0.1", port=port)
    opened.append(slots.bind(config(everywhere, here), workers=2))


def test_an_interface_that_does_not_exist_is_named():
    with pytest.raises(FitnessError, match=r"there is no interface 'nosuch0'|not permitted"):
        slots.bind(config(Bind(host="127.0.0.1", port=free_port(), interface="nosuch0")), workers=1)


def test_a_disabled_frontend_is_not_bound():
    disabled = Frontend(name="api", binds=(Bind(host="127.0.0.1", port=1),), disabled=True)
    assert slots.bind(Config(frontends=(disabled,)), workers=1).sockets == {}


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_owner_of_a_listening_address_is_found(host):
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as server:
        port, inode = server.getsockname()[1], os.fstat(server.fileno()).st_ino
        assert f"(pid {os.getpid()})" in listening.owner(host, port, set())
        assert listening.owner(host, port, {inode}) is None
        assert listening.all_ours(host, port, {inode})
        assert not listening.all_ours(host, port, set())


def test_a_socket_that_is_kept_is_set_to_what_the_new_configuration_says(opened):
    plain = Bind(host="127.0.0.1", port=free_port())
    first = slots.bind(config(plain.model_copy(update={"tcp_ut": 3000})), workers=1)
    opened.append(first)
    second = slots.bind(config(plain), workers=1, old=first)
    (before,), (after,) = first.sockets.values(), second.sockets.values()
    assert before[0] is after[0]
    assert after[0].getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
