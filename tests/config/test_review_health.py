import pytest

from pyha.config.model import Agent, Backend, Check, Config, Server
from pyha.config.review_health import tracking

CHECKED = {"check": Check()}


def problems(**servers):
    """What is said about servers of backend `be`: name -> options."""
    config = Config(backends=(Backend(name="be", servers=tuple(
        Server(name=name, host="127.0.0.1", port=1, **options) for name, options in servers.items())),))
    return [message for _, message, _ in tracking(config)]


def test_a_server_may_track_one_that_is_checked_directly_or_along_a_chain():
    agent = {"agent": Agent(port=1)}
    assert problems(a=CHECKED, b={"track": "a"}, c={"track": "be/b"}, d=agent, e={"track": "d"}) == []


@pytest.mark.parametrize(("servers", "message"), [
    ({"a": {"track": "x"}}, "there is no server 'be/x'"), ({"a": {}, "b": {"track": "a"}}, "'be/a' is not checked"),
    ({"a": CHECKED, "b": CHECKED | {"track": "a"}}, "it is checked itself"), ({"a": {"track": "a"}}, "in a circle"),
    ({"a": CHECKED, "b": {"track": "other/a"}}, "there is no server 'other/a'"),
])
def test_what_cannot_be_tracked_is_told(servers, message):
    found, = problems(**servers)
    assert message in found


def test_everybody_in_a_circle_is_told():
    assert len(problems(a={"track": "b"}, b={"track": "c"}, c={"track": "a"})) == 3
