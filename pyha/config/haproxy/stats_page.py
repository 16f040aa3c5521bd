"""What a listener in HTTP mode answers itself: `stats ...`, `monitor-uri`, `monitor fail` (the manual, section 4.2)."""

from typing import Any, Final

from .acl import condition, too_few_servers, truth
from .statement import Handler, Section, Statement, duration, no_more, word_argument

DEFAULT_URI: Final = "/haproxy?stats"
_PREFIX = "stats_"


def _own(handler: Handler) -> Handler:
    """The first `stats` word of a section makes it forget what `defaults` said about the page, as in HAProxy."""
    def with_own_page(section: Section, statement: Statement) -> None:
        if "stats_page" in section.inherited:
            section.drop(*[key for key in section.values if key.startswith(_PREFIX)])
        section.put("stats_page", True, statement.origin)
        handler(section, statement)
    return with_own_page


def _enable(section: Section, statement: Statement) -> None:
    no_more(section, statement, 0)


def _flag(key: str) -> Handler:
    def handler(section: Section, statement: Statement) -> None:
        section.put(key, True, statement.origin)
    return handler


def _word(key: str, expected: str) -> Handler:
    def handler(section: Section, statement: Statement) -> None:
        text = word_argument(section, statement, expected)
        if text is not None:
            section.put(key, text, statement.origin)
    return handler


def _uri(section: Section, statement: Statement) -> None:
    text = word_argument(section, statement, "an URI prefix")
    if text is not None and not text.startswith("/"):
        section.warn(statement, f"'stats uri {text}': no request can match it", f"write '/{text}'")
    if text is not None:
        section.put("stats_uri", text, statement.origin)


def _auth(section: Section, statement: Statement) -> None:
    text = word_argument(section, statement, "user:password")
    if text is not None and ":" not in text:
        section.error(statement, f"'stats auth' expects user:password, got '{text}'")
    elif text is not None:
        section.extend("stats_auth", text, statement.origin)


def _refresh(section: Section, statement: Statement) -> None:
    text = statement.arg(0)
    value = duration(section, statement, f"{text}s" if text.isdigit() else text)  # here a bare number counts seconds
    if value is not None and no_more(section, statement, 1):
        section.put("stats_refresh", value, statement.origin)


def _show_node(section: Section, statement: Statement) -> None:
    section.put("stats_show_node", statement.arg(0), statement.origin)


def _show_desc(section: Section, statement: Statement) -> None:
    section.put("stats_show_desc", " ".join(statement.args), statement.origin)


def _admin(section: Section, statement: Statement) -> None:
    """Who may change something on the page: everybody, this machine, or nobody. Anything finer means nobody."""
    subject = condition(section, statement, statement.args)
    if subject is None:
        return
    value = truth(subject)
    level = "always" if value else "never"
    if value is None:
        local = subject.text in ("if LOCALHOST", "if { src 127.0.0.1/8 ::1 }", "if { src 127.0.0.1 }")
        level = "localhost" if local else "never"
        if not local:
            section.ignore("stats admin", statement.origin, "only the conditions TRUE and LOCALHOST are evaluated; "
                           "the page only shows, and changes nothing")
    section.put("stats_admin", level, statement.origin)


def _scope(section: Section, statement: Statement) -> None:
    section.error(statement, "'stats scope' is not supported: the page would show proxies that it should not",
                  "remove it if the page may show all of them")


def _http_request(section: Section, statement: Statement) -> None:
    section.error(statement, "'stats http-request' is not supported: the page would be open to more people than it "
                  "should",
                  "use 'stats auth', or bind the page to 127.0.0.1")


def _monitor_uri(section: Section, statement: Statement) -> None:
    text = word_argument(section, statement, "an URI")
    if text is not None:
        section.put("monitor_uri", text, statement.origin)


def _monitor_fail(section: Section, statement: Statement) -> None:
    """`monitor fail if { nbsrv(backend) lt 1 }` and other ways to write it."""
    subject = condition(section, statement, statement.args)
    if subject is None:
        return
    pairs = [] if truth(subject) is False else too_few_servers(subject)
    if pairs is None:
        section.extend("monitor_when", (statement, subject), statement.origin)
        return
    for pair in pairs:
        section.extend("monitor_fail", pair, statement.origin)


KEYWORDS: Final[dict[str, Handler]] = {
    "monitor fail": _monitor_fail,
    "monitor-uri": _monitor_uri,
} | {f"stats {word}": _own(handler) for word, handler in {
    "admin": _admin,
    "auth": _auth,
    "enable": _enable,
    "hide-version": _flag("stats_hide_version"),
    "realm": _word("stats_realm", "a realm"),
    "refresh": _refresh,
    "show-desc": _show_desc,
    "show-legends": _flag("stats_show_legends"),
    "show-node": _show_node,
    "uri": _uri,
}.items()}

REFUSED: Final[dict[str, Handler]] = {"stats http-request": _http_request, "stats scope": _scope}
"""Refused wherever they stand, because the page would show more, or to more people."""

_FIELDS = ("stats_realm", "stats_refresh", "stats_hide_version", "stats_admin", "stats_show_node", "stats_show_desc",
           "stats_show_legends")


def service(section: Section, page: Section, settings: Section) -> dict[str, Any]:
    """The HttpService of a listener; `page` is the section whose `stats` words count: its own, or its backend's."""
    data: dict[str, Any] = {}
    if section.get("monitor_uri"):
        data["monitor_uri"] = section.get("monitor_uri")
    if section.get("monitor_fail"):
        data["monitor_fail"] = list(dict.fromkeys(pair for pair, _ in section.get("monitor_fail")))
    if page.get("stats_page"):
        data["stats_uri"] = page.get("stats_uri", DEFAULT_URI)
        data |= {key: page.get(key) for key in _FIELDS if key in page.values}
        if page.get("stats_auth"):
            data["stats_auth"] = [text for text, _ in page.get("stats_auth")]
        if data.get("stats_show_node") == "":
            data["stats_show_node"] = settings.get("node", "")
        if data.get("stats_show_desc") == "":
            data["stats_show_desc"] = settings.get("description", "")
    return data
