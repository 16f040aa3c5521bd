"""Room for clients: `maxconn` and `rate-limit sessions`."""

from pyha.balance import UNLIMITED
from pyha.config.model import Frontend
from pyha.proxy.frontend import FrontendState


def state(workers=1, **options):
    found = FrontendState("f")
    found.configure(Frontend(name="f", **options), 0, workers)
    return found


def test_no_more_than_maxconn_at_a_time():
    front = state(maxconn=2)
    assert [front.admit() for _ in range(3)] == [True, True, False]
    assert (front.leave(1, 2), front.leave(3, 4)) == (True, False)
    assert (front.bytes_in, front.bytes_out, front.max_sessions, front.total) == (4, 6, 2, 2)


def test_no_more_than_so_many_sessions_a_second():
    front = state(rate_limit_sessions=4, workers=2)
    assert front.room(10.0) == 2
    front.pace.add(10.0, 3)
    assert front.room(10.1) == 0
    assert front.room(12.0) == 2


def test_without_a_limit_there_is_room():
    assert state().room(0.0) == UNLIMITED
