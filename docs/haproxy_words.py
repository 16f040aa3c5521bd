"""The words of haproxy.cfg, from the registries of pyha/config/haproxy."""

from collections.abc import Mapping

from words import Page, Row, Table, Treatment

from pyha.config.haproxy import (
    balance,
    bind,
    conditions,
    global_words,
    matrix,
    other_sections,
    reader,
    rules,
    server_options,
    stats_page,
    stats_socket,
    stick,
    treatments,
)
from pyha.config.haproxy.criteria import MATCHES
from pyha.config.haproxy.statement import Handler, accepted
from pyha.config.samples import ALIASES, CONVERTERS, FETCHES

INTRODUCTION = """
What becomes of each word of a haproxy.cfg (the language of HAProxy 2.6). A word that is in none of these lists is
refused, as haproxy does, with the nearest word that exists. Every message begins with `file:line`, and all of them come
at once.
"""

_SECTIONS = ("defaults", "frontend", "listen", "backend")

_NO_WAIT = "nothing waits for the first bytes of a server"
_RULE = "`accept`, `reject`, `silent-drop`, `track-sc0` to `track-sc2`, `sc-inc-gpc0`, `sc-inc-gpc1`; samples below"
_STICK = "any sample below; tables are shared by all workers"
_HTTP_CHECK = "all but log-format strings, headers and variables"

# What a handler does with a word in part or in whole, where the registry alone does not tell.
REMARKS: Mapping[str, tuple[Treatment, str]] = {
    "acl": ("translated", "samples, converters and ways to compare below; `-i`, `-m`, `-f`"),
    "balance": ("translated", ", ".join(balance.ALGORITHMS) + "; refused: " + ", ".join(balance.REFUSED_ALGORITHMS)),
    "bind": ("translated", "TCP over IPv4 and IPv6; options below"),
    "default-path": ("translated", "`current` only"),
    "default-server": ("translated", "options below"),
    "error-log-format": ("without effect", "every session is logged in the format of `log-format`"),
    "http-check expect": ("translated", _HTTP_CHECK),
    "http-check send": ("translated", _HTTP_CHECK),
    "log": ("translated", "UNIX sockets, UDP, stdout, stderr, `fd@N`; no rings, no TCP"),
    "log-format": ("translated", "expressions and what belongs to HTTP are logged as `-`"),
    "log-format-sd": ("without effect", "every session is logged in the format of `log-format`"),
    "mode": ("translated", "`http` for listeners that answer themselves; with servers they relay TCP, with a warning"),
    "monitor fail": ("translated", "conditions on numbers of usable servers (`nbsrv`)"),
    "nbproc": ("without effect", "HAProxy dropped it in 2.5; `nbthread` says how many workers there are"),
    "nbthread": ("translated", "the number of workers, at most 64"),
    "option httplog": ("translated", "as `option tcplog`"),
    "option httpslog": ("translated", "as `option tcplog`"),
    "option redispatch": ("translated", "at the last retry"),
    "server": ("translated", "options below"),
    "stats admin": ("translated", "conditions TRUE and LOCALHOST; anything finer means nobody"),
    "stats http-request": ("refused", "the page would be open to more people than it should"),
    "stats scope": ("refused", "the page would show proxies that it should not"),
    "stats socket": ("translated", "UNIX sockets; options below"),
    "stick match": ("translated", _STICK),
    "stick on": ("translated", _STICK),
    "stick store-request": ("translated", _STICK),
    "stick-table": ("translated", "types ip, ipv6, integer, string; stores " + ", ".join(stick.COUNTERS)),
    "tcp-request connection": ("translated", _RULE),
    "tcp-request content": ("translated", _RULE),
    "tcp-request inspect-delay": ("translated", "the first bytes are peeked at and stay in the socket"),
    "tcp-request session": ("translated", _RULE),
    "tcp-response content": ("refused", "`accept` and actions that only take notes have no effect"),
    "tcp-response inspect-delay": ("without effect", _NO_WAIT),
    "use_backend": ("translated", "samples below; refused: HTTP, and names made of expressions"),
}


def page() -> Page:
    """The page."""
    return Page("haproxy-words.md", "Words of haproxy.cfg", INTRODUCTION, (
        Table("Sections", _sections()),
        Table("The global section", _global()),
        Table("defaults, frontend, listen, backend", _proxies()),
        Table("Options of `bind`", _options(bind.WITH_VALUE, bind.FLAGS, bind.IGNORED, bind.REFUSED)),
        Table("Options of `server` and `default-server`",
              _options(server_options.VALUES, server_options.FLAGS, server_options.IGNORED, server_options.REFUSED)),
        Table("Options of `stats socket`", tuple(Row(word, "", "translated") for word in stats_socket.OPTIONS)),
        Table("Samples of ACLs and rules", _samples()),
        Table("Converters of samples", tuple(Row(word, "", "translated") for word in CONVERTERS)),
        Table("Ways to compare (`-m`)", tuple(Row(word, "", "translated") for word in MATCHES)),
        Table("Conditional lines", tuple(Row(word, "", "translated") for word in conditions.DIRECTIVES)),
    ))


def _samples() -> tuple[Row, ...]:
    own = [Row(word, "", "translated", "the first bytes of the client" if fetch.content else "")
           for word, fetch in FETCHES.items()]
    return (*own, *(Row(word, "", "translated", f"`{name}`") for word, name in ALIASES.items()))


def _handled(word: str, where: str, handler: Handler) -> Row:
    if word in REMARKS:
        return Row(word, where, *REMARKS[word])
    return Row(word, where, "fulfilled" if handler is accepted else "translated")


def _sections() -> tuple[Row, ...]:
    own = [Row(word, "", "translated") for word in ("global", *_SECTIONS)]
    others = [Row(word, "", "refused" if other.advice else "without effect",
                  "; ".join(filter(None, (other.reason, other.advice))))
              for word, other in other_sections.OTHER_SECTIONS.items()]
    return (*own, *others)


def _global() -> tuple[Row, ...]:
    return (
        *(_handled(word, "", handler) for word, handler in global_words.KEYWORDS.items()),
        *(Row(word, "", "translated", "for `${NAME}` on the lines that follow") for word in global_words.ENVIRONMENT),
        *(Row(word, "", "without effect", reason) for word, reason in global_words.IGNORED.items()),
        *(Row(word, "", "without effect", global_words.TUNING_REASON) for word in global_words.TUNING))


def _proxies() -> tuple[Row, ...]:
    rows = []
    for word, places in matrix.PLACES.items():
        where = ", ".join(section for section in _SECTIONS if section in places)
        if word in rules.HTTP_REASONS:
            rows.append(Row(word, where, "refused", rules.HTTP_REASONS[word] + "; in TCP mode without effect"))
        elif word in stats_page.REFUSED:
            rows.append(Row(word, where, *REMARKS[word]))
        elif word in reader.HANDLERS:
            rows.append(_handled(word, where, reader.HANDLERS[word]))
        elif word in treatments.REFUSED:
            rows.append(Row(word, where, "refused", "; ".join(treatments.REFUSED[word])))
        else:
            rows.append(Row(word, where, "without effect", treatments.IGNORED[word]))
    return (*rows, *(Row(word, "", "gone", advice) for word, advice in treatments.REMOVED.items()))


def _options(values: Mapping[str, object], flags: Mapping[str, object], ignored: Mapping[str, tuple[int, str]],
             refused: Mapping[str, tuple[int, str, str]]) -> tuple[Row, ...]:
    return (
        *(Row(word, "", "translated") for word in (*values, *flags)),
        *(Row(word, "", "without effect", reason) for word, (_, reason) in ignored.items()),
        *(Row(word, "", "refused", f"{reason}; {advice}") for word, (_, reason, advice) in refused.items()))
