"""The lines themselves, with examples that a real haproxy wrote."""

from dataclasses import replace

import pytest

from pyha.config.model import LogPolicy, LogTarget
from pyha.proxy import logformat, logline
from pyha.proxy.record import Dates, Record, date

RECORD = Record(
    client=("127.0.0.1", 35236), frontend="ok", backend="be_echo", server="s1", accepted=1795420444.5237,
    utc_offset=0, queued=1, connect=0, total=95, bytes_in=5, bytes_out=7, code="--", process_sessions=1,
    frontend_sessions=2, backend_sessions=3, server_sessions=4, retries=0, redispatched=False, server_queue=0,
    backend_queue=0, bound=("10.0.0.9", 443), source=("10.0.0.9", 4711), target=("::1", 6443), pid=255,
    hostname="vm", number=3, logged=2,
)  # fmt: skip
TARGETS = (LogTarget(kind="stdout"),)


def formatted(text, **changes):
    return logformat.compile_format(text)(replace(RECORD, **changes))


def test_tcplog():
    assert logline.tcplog(RECORD) == (
        "127.0.0.1:35236 [23/Nov/2026:07:54:04.523] ok be_echo/s1 1/0/95 7 -- 1/2/3/4/0 0/0")


def test_a_connection_that_ended_before_there_was_a_session():
    assert logline.failed_line(("127.0.0.1", 37978), 1795420444.5237, "l/2", "Timeout") == (
        "127.0.0.1:37978 [23/Nov/2026:07:54:04.523] l/2: Timeout")


def test_tcplog_of_a_session_that_goes_on():
    line = logline.tcplog(replace(RECORD, asap=True, total=0, bytes_out=0))
    assert line.endswith("be_echo/s1 1/0/+0 +0 -- 1/2/3/4/0 0/0")


def test_tcplog_of_a_redispatched_session():
    assert logline.tcplog(replace(RECORD, retries=1, redispatched=True)).endswith(" -- 1/2/3/4/+1 0/0")


def test_the_format_that_the_manual_gives_for_tcplog_is_tcplog():
    text = "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"
    for record in (RECORD, replace(RECORD, asap=True), replace(RECORD, retries=2, redispatched=True)):
        assert logformat.compile_format(text)(record) == logline.tcplog(record)


def test_the_line_at_the_beginning():
    assert logline.connect_line(("127.0.0.1", 52994), ("127.0.0.1", 18702), "plainlog") == (
        "Connect from 127.0.0.1:52994 to 127.0.0.1:18702 (plainlog/TCP)")


@pytest.mark.parametrize(("text", "expected"), [
    ("%fi:%fp %bi:%bp %si:%sp", "10.0.0.9:443 10.0.0.9:4711 ::1:6443"),
    ("%{+Q}s %{+Q}B %{+Q}r", '"s1" 7 ""'),
    ("%{+Q}o %s %{-Q}b", '"s1" be_echo'),
    ("%{+X}ci %{+X}cp %{+X}pid %{+X}si", "7F000001 89A4 00FF " + "0" * 31 + "1"),
    ("%U %Td %Th %ST %tsc %H %pid %rt %lc %ms %Ts", "5 94 0 0 ---- vm 255 3 2 523 1795420444"),
    ("%T %Tl", "23/Nov/2026:07:54:04 +0000 23/Nov/2026:07:54:04 +0000"),
    ("100%%  sure   %s!", "100% sure s1!"),
    ("%[src] %[dst_port] %[hdr(x)] %HM", "127.0.0.1 443 - -"),
    ("a % b", "a % b"),
    ("%{+E}s", "s1"),
])  # fmt: skip
def test_log_format(text, expected):
    assert formatted(text) == expected


def test_what_is_unknown_is_a_dash():
    nothing = {"bound": ("", 0), "source": ("", 0), "target": ("", 0)}
    assert formatted("%fi:%fp %bi:%bp %{+X}si:%sp %Td", **nothing, connect=-1) == "-:- -:- -:- -1"


def test_time_zones():
    assert formatted("%Tl %trg", utc_offset=-12600) == "23/Nov/2026:04:24:04 -0330 23/Nov/2026:07:54:04 +0000"


def test_escapes():
    assert formatted("%{+E}s", server='a"b]c') == r"a\"b\]c"


def test_a_variable_that_does_not_exist():
    with pytest.raises(ValueError, match="no variable '%zz'"):
        logformat.compile_format("%zz")


def test_what_a_format_needs_to_ask_of_sockets():
    assert logformat.needs("%fi", "fi", "fp")
    assert logformat.needs("%[dst]", "fi", "fp")
    assert not logformat.needs("%ci %s", "fi", "fp")
    assert not logformat.needs("%[dst]", "bi")


def test_which_formatter_a_policy_wants():
    assert logline.formatter(LogPolicy(format="tcplog")) is None
    assert logline.formatter(LogPolicy(targets=TARGETS)) is None
    assert logline.formatter(LogPolicy(targets=TARGETS, format="tcplog")) is logline.tcplog
    custom = logline.formatter(LogPolicy(targets=TARGETS, format="custom", custom="%s"))
    assert custom is not None
    assert custom(RECORD) == "s1"


@pytest.mark.parametrize(("policy", "session", "expected"), [
    ({}, {}, 6),
    ({"dontlognull": True}, {"silent": True}, None),
    ({"dontlognull": True}, {}, 6),
    ({}, {"silent": True}, 6),
    ({"dontlog_normal": True}, {}, None),
    ({"dontlog_normal": True}, {"code": "cD"}, 6),
    ({"dontlog_normal": True}, {"retries": 1}, 6),
    ({"dontlog_normal": True}, {"redispatched": True}, 6),
    ({"separate_errors": True}, {}, 6),
    ({"separate_errors": True}, {"code": "SC"}, 3),
])  # fmt: skip
def test_levels(policy, session, expected):
    said = {"code": "--", "retries": 0, "redispatched": False, "silent": False} | session
    code, retries = said.pop("code"), said.pop("retries")
    assert logline.level(LogPolicy(**policy), code, retries, **said) == expected


def test_dates_are_remembered_for_a_second():
    dates = Dates()
    assert dates.at(0) == dates.at(0) == date(0) == "01/Jan/1970:00:00:00"
    assert dates.at(1) == "01/Jan/1970:00:00:01"
