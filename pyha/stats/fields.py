"""Every column of the statistics, one row each, in the order of HAProxy 2.6 (management manual, section 9.1).

Programs that read `;csv` find their columns by name or by position, so both are HAProxy's. A column that pyha has
nothing to say about is there and empty, or 0 where HAProxy itself shows 0 for a feature that is not used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import attrgetter

from .row import CheckRow, Row

Value = int | str | None
_KINDS = {"f": "frontend", "b": "backend", "s": "server"}
_TYPES = {"frontend": 0, "backend": 1, "server": 2}


@dataclass(frozen=True, slots=True)
class Field:
    """A column: its name, the kinds of row that have it (f, b, s), and how to get its value."""

    name: str
    kinds: str
    get: Callable[[Row], Value]

    def of(self, row: Row) -> Value:
        """The value, or None where it does not apply."""
        return self.get(row) if any(_KINDS[kind] == row.kind for kind in self.kinds) else None


def _of(attribute: str) -> Callable[[Row], Value]:
    get: Callable[[Row], Value] = attrgetter(attribute)
    return get


def _zero(_row: Row) -> Value:
    return 0


def _always(value: Value) -> Callable[[Row], Value]:
    return lambda _row: value


def _checked(get: Callable[[CheckRow], Value]) -> Callable[[Row], Value]:
    """For servers that are checked and not in maintenance: HAProxy hides what an old check said."""
    return lambda row: get(row.check) if row.check and not row.status.startswith("MAINT") else None


def _agent(get: Callable[[CheckRow], Value]) -> Callable[[Row], Value]:
    """For servers beside which an agent is asked, in maintenance too: it may be the agent's."""
    return lambda row: get(row.agent) if row.agent else None


def _counted(attribute: str) -> Callable[[Row], Value]:
    """For servers that are checked, in maintenance too."""
    return lambda row: getattr(row.check, attribute) if row.check else None


def _http(get: Callable[[Row], Value]) -> Callable[[Row], Value]:
    return lambda row: get(row) if row.mode == "http" else None


def _requests(attribute: str) -> Callable[[Row], Value]:
    """HTTP requests; a frontend in mode tcp has counted none, a backend does not count."""
    def get(row: Row) -> Value:
        if row.mode == "http":
            return int(getattr(row, attribute))
        return 0 if row.kind == "frontend" else None
    return get


def _responses(index: int) -> Callable[[Row], Value]:
    return _http(lambda row: row.responses[index])


def _downs(row: Row) -> Value:
    return row.downs if row.kind == "backend" else _counted("downs")(row)


def _unproven(row: Row) -> Value:
    """`need_conn_est`: 1 for a checked server whose status still rests on its checks alone."""
    return int(row.check is not None and row.total == 0 and not row.status.startswith("MAINT"))


_H2 = (
    "h2_headers_rcvd", "h2_data_rcvd", "h2_settings_rcvd", "h2_rst_stream_rcvd", "h2_goaway_rcvd",
    "h2_detected_conn_protocol_errors", "h2_detected_strm_protocol_errors", "h2_rst_stream_resp", "h2_goaway_resp",
    "h2_open_connections", "h2_backend_open_streams", "h2_total_connections", "h2_backend_total_streams",
)
_H1 = (
    "h1_open_connections", "h1_open_streams", "h1_total_connections", "h1_total_streams", "h1_bytes_in",
    "h1_bytes_out", "h1_spliced_bytes_in", "h1_spliced_bytes_out",
)

FIELDS: tuple[Field, ...] = (
    Field("pxname", "fbs", _of("proxy")),
    Field("svname", "fbs", _of("name")),
    Field("qcur", "bs", _of("queued")),
    Field("qmax", "bs", _zero),
    Field("scur", "fbs", _of("sessions")),
    Field("smax", "fbs", _of("sessions_max")),
    Field("slim", "fbs", _of("sessions_limit")),
    Field("stot", "fbs", _of("total")),
    Field("bin", "fbs", _of("bytes_in")),
    Field("bout", "fbs", _of("bytes_out")),
    Field("dreq", "fb", _of("denied")),
    Field("dresp", "fbs", _zero),
    Field("ereq", "f", _of("failed")),
    Field("econ", "bs", _of("connect_failures")),
    Field("eresp", "bs", _zero),
    Field("wretr", "bs", _of("retries")),
    Field("wredis", "bs", _of("redispatches")),
    Field("status", "fbs", _of("status")),
    Field("weight", "bs", _of("weight")),
    Field("act", "bs", _of("active")),
    Field("bck", "bs", _of("backup")),
    Field("chkfail", "s", _counted("failures")),
    Field("chkdown", "bs", _downs),
    Field("lastchg", "bs", _of("since")),
    Field("downtime", "bs", _of("downtime")),
    Field("qlimit", "s", _of("queue_limit")),
    Field("pid", "fbs", _always(1)),
    Field("iid", "fbs", _of("iid")),
    Field("sid", "fbs", _of("sid")),
    Field("throttle", "", _zero),
    Field("lbtot", "bs", _of("total")),
    Field("tracked", "s", lambda row: row.tracked or None),
    Field("type", "fbs", lambda row: _TYPES[row.kind]),
    Field("rate", "fbs", _of("rate")),
    Field("rate_lim", "f", _zero),
    Field("rate_max", "fbs", _of("rate_max")),
    Field("check_status", "s", _checked(lambda check: check.status)),
    Field("check_code", "s", _checked(lambda check: check.code)),
    Field("check_duration", "s", _checked(lambda check: check.duration_ms)),
    Field("hrsp_1xx", "fbs", _responses(0)),
    Field("hrsp_2xx", "fbs", _responses(1)),
    Field("hrsp_3xx", "fbs", _responses(2)),
    Field("hrsp_4xx", "fbs", _responses(3)),
    Field("hrsp_5xx", "fbs", _responses(4)),
    Field("hrsp_other", "fbs", _responses(5)),
    Field("hanafail", "", _zero),
    Field("req_rate", "f", _requests("rate")),
    Field("req_rate_max", "f", _requests("rate_max")),
    Field("req_tot", "fb", _requests("total")),
    Field("cli_abrt", "bs", _zero),
    Field("srv_abrt", "bs", _zero),
    Field("comp_in", "fb", _zero),
    Field("comp_out", "fb", _zero),
    Field("comp_byp", "fb", _zero),
    Field("comp_rsp", "fb", _zero),
    Field("lastsess", "bs", _of("last_session")),
    Field("last_chk", "s", _checked(lambda check: check.info)),
    Field("last_agt", "s", _agent(lambda agent: agent.info)),
    Field("qtime", "bs", _zero),
    Field("ctime", "bs", _zero),
    Field("rtime", "bs", _zero),
    Field("ttime", "bs", _zero),
    Field("agent_status", "s", _agent(lambda agent: agent.status)),
    Field("agent_code", "s", _agent(lambda agent: agent.code)),
    Field("agent_duration", "s", _agent(lambda agent: agent.duration_ms)),
    Field("check_desc", "s", _checked(lambda check: check.description)),
    Field("agent_desc", "s", _agent(lambda agent: agent.description)),
    Field("check_rise", "s", _checked(lambda check: check.rise)),
    Field("check_fall", "s", _checked(lambda check: check.fall)),
    Field("check_health", "s", _checked(lambda check: check.health)),
    Field("agent_rise", "s", _agent(lambda agent: agent.rise)),
    Field("agent_fall", "s", _agent(lambda agent: agent.fall)),
    Field("agent_health", "s", _agent(lambda agent: agent.health)),
    Field("addr", "s", _of("address")),
    Field("cookie", "", _zero),
    Field("mode", "fbs", _of("mode")),
    Field("algo", "b", _of("algorithm")),
    Field("conn_rate", "f", _of("rate")),
    Field("conn_rate_max", "f", _of("rate_max")),
    Field("conn_tot", "f", _of("total")),
    Field("intercepted", "f", _http(_of("total"))),
    Field("dcon", "f", _zero),
    Field("dses", "f", _zero),
    Field("wrew", "fbs", _zero),
    Field("connect", "bs", _of("total")),
    Field("reuse", "bs", _zero),
    Field("cache_lookups", "fb", _http(_zero)),
    Field("cache_hits", "fb", _http(_zero)),
    Field("srv_icur", "s", _zero),
    Field("src_ilim", "", _zero),
    Field("qtime_max", "bs", _zero),
    Field("ctime_max", "bs", _zero),
    Field("rtime_max", "bs", _zero),
    Field("ttime_max", "bs", _zero),
    Field("eint", "fbs", _zero),
    Field("idle_conn_cur", "s", _zero),
    Field("safe_conn_cur", "s", _zero),
    Field("used_conn_cur", "s", _zero),
    Field("need_conn_est", "s", _unproven),
    Field("uweight", "bs", _of("weight")),
    Field("agg_server_status", "b", _zero),
    Field("agg_server_check_status", "b", _zero),
    Field("agg_check_status", "b", _zero),
    Field("-", "fbs", _always("-")),
    Field("ssl_sess", "fbs", _zero),
    Field("ssl_reused_sess", "fbs", _zero),
    Field("ssl_failed_handshake", "fbs", _zero),
    *(Field(name, "fb", _zero) for name in (*_H2, *_H1)),
)
