"""What rules can look at: HAProxy's sample fetches (its manual, section 7.3) that mean something without a server.

One registry for everybody: the translators read it, the model is checked against it, and pyha/proxy/fetches.py has a
function for every name in it.
"""

from typing import Final, Literal, NamedTuple

SampleType = Literal["bool", "int", "ip", "str", "bin"]
Argument = Literal["", "backend", "server", "frontend", "table", "slot", "value", "pair"]


class Fetch(NamedTuple):
    """`argument`: what stands in the parentheses. `content`: it looks at the first bytes of the client."""

    type: SampleType
    argument: Argument = ""
    content: bool = False


_COUNTS = """conn_cnt conn_cur conn_rate sess_cnt sess_rate get_gpc0 inc_gpc0 clr_gpc0 gpc0_rate get_gpc1 inc_gpc1
             clr_gpc1 gpc1_rate kbytes_in kbytes_out"""
COUNTERS: Final = {name: Fetch("int", "slot") for name in _COUNTS.split()} | {"tracked": Fetch("bool", "slot")}
"""What a table counts: each stands as `sc_NAME(slot[,table])` and as `src_NAME([table])`."""

FETCHES: Final[dict[str, Fetch]] = {
    "always_false": Fetch("bool"),
    "always_true": Fetch("bool"),
    "avg_queue": Fetch("int", "backend"),
    "be_conn": Fetch("int", "backend"),
    "be_conn_free": Fetch("int", "backend"),
    "bool": Fetch("bool", "value"),
    "connslots": Fetch("int", "backend"),
    "dst": Fetch("ip"),
    "dst_port": Fetch("int"),
    "fe_conn": Fetch("int", "frontend"),
    "int": Fetch("int", "value"),
    "nbsrv": Fetch("int", "backend"),
    "queue": Fetch("int", "backend"),
    "rand": Fetch("int", "value"),
    "req.len": Fetch("int", content=True),
    "req.payload": Fetch("bin", "pair", content=True),
    "req.ssl_alpn": Fetch("str", content=True),
    "req.ssl_hello_type": Fetch("int", content=True),
    "req.ssl_sni": Fetch("str", content=True),
    "req.ssl_ver": Fetch("int", content=True),
    "src": Fetch("ip"),
    "src_port": Fetch("int"),
    "srv_conn": Fetch("int", "server"),
    "srv_conn_free": Fetch("int", "server"),
    "srv_is_up": Fetch("bool", "server"),
    "srv_queue": Fetch("int", "server"),
    "srv_weight": Fetch("int", "server"),
    "str": Fetch("str", "value"),
    "table_avl": Fetch("int", "table"),
    "table_cnt": Fetch("int", "table"),
    "wait_end": Fetch("bool", content=True),
} | {f"sc_{name}": fetch for name, fetch in COUNTERS.items()} \
  | {f"src_{name}": Fetch(fetch.type, "table") for name, fetch in COUNTERS.items() if name != "tracked"}

ALIASES: Final = {
    "payload": "req.payload", "req_len": "req.len", "req_ssl_hello_type": "req.ssl_hello_type",
    "req_ssl_sni": "req.ssl_sni", "req_ssl_ver": "req.ssl_ver",
}
"""Other names for the same; `sc0_NAME` is `sc_NAME(0)`."""

CONVERTERS: Final[dict[str, tuple[int, int]]] = {
    "add": (1, 1), "bool": (0, 0), "div": (1, 1), "field": (2, 2), "ipmask": (1, 2), "length": (0, 0), "lower": (0, 0),
    "mod": (1, 1), "mul": (1, 1), "not": (0, 0), "sub": (1, 1), "upper": (0, 0),
}
"""Name of a converter -> how many arguments it takes (section 7.3.1)."""
