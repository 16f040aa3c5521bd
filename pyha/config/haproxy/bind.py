"""`bind` lines (HAProxy's manual, section 5.1)."""

from collections.abc import Callable, Iterator
from typing import Any

from pyha.config.origin import did_you_mean, nearest

from .address import Address, AddressError, parse
from .statement import BindDraft, Section, Statement, duration, number

_LOCALHOST = {"localhost": "127.0.0.1", "localhost.localdomain": "127.0.0.1", "ip6-localhost": "::1"}

_Reader = Callable[[Section, Statement, dict[str, Any], str], None]


def _text(key: str) -> _Reader:
    def reader(section: Section, statement: Statement, data: dict[str, Any], text: str) -> None:
        if text:
            data[key] = text
        else:
            section.error(statement, f"'bind ... {key}' expects a value")
    return reader


def _count(key: str) -> _Reader:
    def reader(section: Section, statement: Statement, data: dict[str, Any], text: str) -> None:
        value = number(section, statement, text, 0, what=f"bind ... {key}")
        if value:  # 0 means the default
            data[key] = value
    return reader


def _mss(section: Section, statement: Statement, data: dict[str, Any], text: str) -> None:
    value = number(section, statement, text, 88, 32767, what="bind ... mss")
    if value is not None:
        data["mss"] = value


def _user_timeout(section: Section, statement: Statement, data: dict[str, Any], text: str) -> None:
    value = duration(section, statement, text, what="bind ... tcp-ut")
    if value is not None:
        data["tcp_ut"] = value


WITH_VALUE: dict[str, _Reader] = {
    "name": _text("name"), "interface": _text("interface"), "maxconn": _count("maxconn"), "backlog": _count("backlog"),
    "mss": _mss, "tcp-ut": _user_timeout,
}

FLAGS = {"v4v6": "v4v6", "v6only": "v6only", "transparent": "transparent",
         "accept-proxy": "accept_proxy", "tfo": "tfo", "defer-accept": "defer_accept"}

_TUNING = "pyha has no use for this tuning"
_SHARES = "pyha spreads every address over its workers by itself"
_NO_TLS = "TLS passes through untouched; its options mean nothing without 'ssl'"
_UNIX_ONLY = "that is for UNIX sockets only"

IGNORED: dict[str, tuple[int, str]] = {
    "nice": (1, _TUNING),
    "id": (1, "listeners are told apart by name"),
    "process": (1, _SHARES), "thread": (1, _SHARES), "shards": (1, _SHARES),
    "proto": (1, "the bytes are relayed whatever protocol they belong to"),
    "uid": (1, _UNIX_ONLY), "gid": (1, _UNIX_ONLY), "user": (1, _UNIX_ONLY), "group": (1, _UNIX_ONLY),
    "mode": (1, _UNIX_ONLY), "level": (1, _UNIX_ONLY), "severity-output": (1, _UNIX_ONLY), "expose-fd": (1, _UNIX_ONLY),
} | dict.fromkeys((
    "alpn", "ca-file", "ca-ignore-err", "ca-sign-file", "ca-sign-pass", "ca-verify-file", "ciphers", "ciphersuites",
    "crl-file", "crt", "crt-ignore-err", "crt-list", "curves", "ecdhe", "npn", "ssl-max-ver", "ssl-min-ver",
    "tls-ticket-keys", "verify"), (1, _NO_TLS)) | dict.fromkeys((
        "allow-0rtt", "force-sslv3", "force-tlsv10", "force-tlsv11", "force-tlsv12", "force-tlsv13",
        "generate-certificates", "no-ca-names", "no-sslv3", "no-tls-tickets", "no-tlsv10", "no-tlsv11", "no-tlsv12",
        "no-tlsv13", "prefer-client-ciphers", "strict-sni"), (0, _NO_TLS))

REFUSED: dict[str, tuple[int, str, str]] = {
    "ssl": (0, "clients would be answered in TLS here, but pyha does not terminate TLS",
            "remove 'ssl' and its options to pass TLS through to the servers, or keep this listener on a TLS proxy"),
    "accept-netscaler-cip": (1, "clients send a NetScaler header here, which pyha cannot read",
                             "let the balancer in front send plain TCP"),
    "namespace": (1, "pyha cannot listen in another network namespace", "run one pyha in each namespace"),
}

KNOWN = (*WITH_VALUE, *FLAGS, *IGNORED, *REFUSED)


def bind(section: Section, statement: Statement) -> None:
    """`bind ADDRESS[,ADDRESS...] [option...]`; a port range gives one listener a port."""
    if not statement.args:
        section.error(statement, "'bind' expects [address]:port[-port] as argument, several separated by commas",
                      "for example: bind *:6443")
        return
    options = _options(section, statement)
    for text in statement.args[0].split(","):
        try:
            address = parse(text)
            host = _host(text, address)
        except AddressError as error:
            section.error(statement, f"'bind': {error}", error.hint)
            continue
        if address.first is None or address.last is None or address.offset:
            section.error(statement, f"'bind': missing port specification in '{text}'", f"for example: {host}:6443")
            continue
        family = _family_options(host, options)
        for port in range(address.first, address.last + 1):
            _add(section, BindDraft({"host": host, "port": port} | family, statement.origin, text))


def _add(section: Section, bind: BindDraft) -> None:
    same = next((old for old in section.binds
                 if (old.data["host"], old.data["port"], old.data.get("interface"))
                 == (bind.data["host"], bind.data["port"], bind.data.get("interface"))), None) \
        if len(section.binds) < 100 else None
    if same is None:
        section.binds.append(bind)
    else:
        section.draft.warn(bind.origin, f"'bind {bind.text}' repeats line {same.origin.line}", "remove one of them",
                           ignored=True)


def _host(text: str, address: Address) -> str:
    if address.family:
        return address.host
    known = _LOCALHOST.get(address.host)
    if known is None:
        raise AddressError(f"'{text}': cannot listen on the name '{address.host}'", "write the IP address instead")
    return known


def _family_options(host: str, options: dict[str, Any]) -> dict[str, Any]:
    """Both families on `::` unless `v6only` is there: HAProxy leaves that to the kernel, whose default is both."""
    if ":" not in host:
        return {key: value for key, value in options.items() if key not in ("v4v6", "v6only")}
    return {"v6only": False} | options | ({"v4v6": False} if options.get("v6only") else {})


def _options(section: Section, statement: Statement) -> dict[str, Any]:
    data: dict[str, Any] = {}
    with_tls = "ssl" in statement.args[1:]
    words = iter(statement.args[1:])
    for word in words:
        if word in WITH_VALUE:
            WITH_VALUE[word](section, statement, data, next(words, ""))
        elif word in FLAGS:
            data[FLAGS[word]] = True
        elif word in REFUSED:
            count, reason, advice = REFUSED[word]
            _skip(words, count)
            section.error(statement, f"'bind ... {word}' is not supported: {reason}", advice)
        elif word in IGNORED:
            count, reason = IGNORED[word]
            _skip(words, count)
            if not (with_tls and reason == _NO_TLS):  # the refusal of 'ssl' says it all
                section.ignore(f"bind ... {word}", statement.origin, reason)
        else:
            section.error(statement, f"'bind {statement.args[0]}': unknown keyword '{word}'", did_you_mean(word, KNOWN))
            _skip(words, arity(nearest(word, KNOWN)))
    return data


def arity(word: str | None) -> int:
    """How many values follow an option."""
    if word in WITH_VALUE:
        return 1
    return IGNORED[word][0] if word in IGNORED else REFUSED[word][0] if word in REFUSED else 0


def _skip(words: Iterator[str], count: int) -> None:
    for _ in range(count):
        next(words, None)
