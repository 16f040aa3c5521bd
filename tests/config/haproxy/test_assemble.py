"""The data of the model and the line of each part."""

from pyha.config.origin import locate
from tests.config.haproxy.reading import TIMEOUTS, draft_of

TEXT = f"""\
global
    log /dev/log local0
    stats socket /run/a.sock
    maxconn 100
defaults
{TIMEOUTS}    log global
    retries 2
listen api
    bind 127.0.0.1:1
    bind 127.0.0.1:2
    log 10.0.0.1 local1
    option tcplog
    balance leastconn
    option httpchk
    server a 10.0.0.1:1 check
    server b 10.0.0.2:1 check
backend other
    server a 10.0.0.1:1 check
"""


def test_a_listen_section_is_a_frontend_and_a_backend_of_one_name():
    draft = draft_of(TEXT)
    assert draft.problems == []
    assert [item["name"] for item in draft.data["frontends"]] == ["api"]
    assert [item["name"] for item in draft.data["backends"]] == ["api", "other"]
    assert draft.data["frontends"][0]["default_backend"] == "api"


def test_log_global_means_the_targets_of_the_global_section():
    frontend, = draft_of(TEXT).data["frontends"]
    assert [target["kind"] for target in frontend["log"]["targets"]] == ["unix", "udp"]
    assert frontend["log"]["format"] == "tcplog"
    backend = draft_of(TEXT).data["backends"][1]
    assert [target["kind"] for target in backend["log"]["targets"]] == ["unix"]
    assert "format" not in backend["log"]


def test_every_part_has_the_line_it_came_from():
    origins = draft_of(TEXT).origins
    for loc, line in {
        ("settings", "maxconn"): 4, ("settings", "log", 0): 2, ("settings", "stats_sockets", 0, "level"): 3,
        ("frontends", 0): 11, ("frontends", 0, "binds", 1, "port"): 13, ("frontends", 0, "timeout_client"): 6,
        ("frontends", 0, "name"): 11, ("backends", 0, "balance"): 16, ("backends", 0, "health", "steps"): 17,
        ("backends", 0, "retries"): 10, ("backends", 0, "servers", 1, "check", "inter"): 19,
        ("backends", 1, "servers", 0): 21,
    }.items():
        assert locate(origins, loc).line == line, loc


def test_nothing_gives_no_data():
    assert draft_of("").data == {}
    assert draft_of("global\n").data == {}
    assert draft_of("defaults\n    timeout client 1s\n").data == {}
