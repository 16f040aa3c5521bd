"""Rules: `use_backend`, `tcp-request`, `tcp-response`, and those that look into HTTP (HAProxy's manual, section 4.2).

They are kept until all sections are known (decisions.py). What cannot be done is refused where it stands, because a
rule that is not obeyed lets in whom it should keep out, or leads clients to the wrong servers.
"""

from collections.abc import Collection
from typing import Final

from pyha.config.origin import did_you_mean

from .acl import Condition, condition, truth
from .statement import Handler, Section, Statement, duration, no_more
from .treatments import HTTP

_COUNTS = frozenset({"sc-inc-gpc0", "sc-inc-gpc1", "track-sc0", "track-sc1", "track-sc2"})
_DECIDED = ("accept", "reject", "silent-drop", *sorted(_COUNTS))
"""What becomes rules of the model."""

_NOTES = frozenset({
    "capture", "do-resolve", "sc-add-gpc", "sc-inc-gpc", "sc-set-gpt", "sc-set-gpt0", "set-log-level", "set-nice",
    "set-priority-class", "set-priority-offset", "set-var", "set-var-fmt", "unset-var"})
"""Actions that only take notes, or order a queue; what reads the notes is a rule of its own."""

_TCP_ACTS = {
    "close": "connections that it should end would go on",
    "expect-netscaler-cip": "clients send a NetScaler header first, which pyha cannot read",
    "expect-proxy": "a header can be expected by 'tcp-request connection expect-proxy layer4' only",
    "ot-group": "the traffic would not be traced",
    "reject": "clients that it should keep out would get in",
    "send-spoe-group": "an agent decides about the connection, and pyha does not ask it",
    "set-bandwidth-limit": "the rate of bytes would not be limited",
    "set-dst": "clients would reach another address",
    "set-dst-port": "clients would reach another port",
    "set-mark": "packets would take another route",
    "set-src": "servers would see another address",
    "set-src-port": "servers would see another port",
    "set-tos": "packets would get another priority in the network",
    "silent-drop": "clients that it should keep out would get in",
    "switch-mode": "clients would be spoken to in HTTP",
    "use-service": "a service of haproxy answers the clients, and pyha does not have it",
}
TCP_ACTIONS: Final = (*_TCP_ACTS, *sorted(_NOTES), *_DECIDED, "content", "connection", "session", "inspect-delay")

_FIREWALL = "let the firewall of this machine (nftables) decide who may connect"

_HTTP_ACTIONS = frozenset({
    "add-acl", "add-header", "allow", "auth", "cache-store", "cache-use", "del-acl", "del-header", "del-map", "deny",
    "disable-l7-retry", "early-hint", "normalize-uri", "ot-group", "redirect", "reject", "replace-header",
    "replace-path", "replace-pathq", "replace-uri", "replace-value", "return", "send-spoe-group", "set-dst",
    "set-dst-port", "set-header", "set-map", "set-mark", "set-method", "set-path", "set-pathq", "set-query", "set-src",
    "set-src-port", "set-status", "set-timeout", "set-tos", "set-uri", "silent-drop", "strict-mode", "tarpit",
    "use-service", "wait-for-body", "wait-for-handshake", "set-fc-mark", "set-fc-tos",
    "set-bandwidth-limit"}) | _NOTES | _COUNTS
_HTTP_HARMLESS = _NOTES | _COUNTS | {"disable-l7-retry", "strict-mode", "wait-for-body", "wait-for-handshake"}


def _action(text: str) -> str:
    return text.partition("(")[0]


# -- TCP rules ---------------------------------------------------------------------------------------------------------


def tcp_rule(section: Section, statement: Statement) -> None:
    """`tcp-request connection|session|content ACTION ... [if|unless ...]`, `tcp-response content ACTION ...`."""
    name = _action(statement.arg(0))
    subject, good = _trailing_condition(section, statement)
    if name not in _DECIDED and name not in _NOTES and name not in _TCP_ACTS and not name.startswith("lua."):
        what = f"got '{name}'" if name else "nothing follows"
        section.error(statement, f"'{statement.keyword}' expects an action such as accept or reject, {what}",
                      did_you_mean(name, (*_DECIDED, *_NOTES, *_TCP_ACTS)))
    elif not good or truth(subject) is False:
        return
    elif (name in _DECIDED and statement.keyword.startswith("tcp-request ")) or _expects_header(statement):
        section.extend("tcp_rules", (statement, subject), statement.origin)
    elif name == "accept":
        section.ignore(f"{statement.keyword} accept", statement.origin, "whatever no rule rejects is accepted")
    elif name in _NOTES or name in _COUNTS:
        section.ignore(f"{statement.keyword} {name}", statement.origin, "what it notes is read by rules only, and "
                       "those are refused where they stand")
    else:
        why = _TCP_ACTS.get(name, "Lua is not run")
        section.error(statement, f"'{statement.keyword} {name}' is not supported: {why}",
                      _FIREWALL if name in ("reject", "silent-drop") else "")


def _expects_header(statement: Statement) -> bool:
    return statement.keyword == "tcp-request connection" and list(statement.args[:2]) == ["expect-proxy", "layer4"]


def inspect_delay(section: Section, statement: Statement) -> None:
    """`tcp-request inspect-delay TIME`: how long to wait for bytes that content rules want to see."""
    delay = duration(section, statement, statement.arg(0))
    if delay is None or not no_more(section, statement, 1):
        return
    if statement.keyword == "tcp-request inspect-delay":
        section.put("inspect_delay", delay, statement.origin)
    else:
        section.ignore(statement.keyword, statement.origin, "nothing waits for the first bytes of a server")


def _trailing_condition(section: Section, statement: Statement) -> tuple[Condition | None, bool]:
    """The condition at the end of a rule, and whether it could be read."""
    at = next((index for index, word in enumerate(statement.args) if word in ("if", "unless")), None)
    if at is None:
        return None, True
    subject = condition(section, statement, statement.args[at:])
    return subject, subject is not None


# -- choosing a backend ------------------------------------------------------------------------------------------------


def use_backend(section: Section, statement: Statement) -> None:
    """`use_backend NAME [if|unless ...]`: kept until it is known whether the section relays anything."""
    if not statement.args:
        section.error(statement, "'use_backend' expects the name of a backend as argument")
        return
    subject = None
    if len(statement.args) > 1:
        subject = condition(section, statement, statement.args[1:])
        if subject is None:
            section.put("use_backend_broken", True, statement.origin)
            return
    if truth(subject) is not False:
        section.extend("use_backend", (statement, subject), statement.origin)


def chosen_backend(section: Section, known: Collection[str]) -> tuple[str, Statement] | None:
    """The backend that a `use_backend` without condition names; those with one are checked on the way."""
    for (statement, subject), _ in section.get("use_backend", ()):
        name = statement.args[0]
        if name not in known and "%[" not in name:
            section.error(statement, f"'use_backend': there is no backend '{name}'", did_you_mean(name, known))
        elif truth(subject):
            if "%[" not in name:
                return name, statement
            section.error(statement, f"'use_backend {name}': a backend cannot be named by an expression "
                          "yet",
                          "write 'default_backend' with its name")
        elif "%[" in name:
            section.error(statement, f"'use_backend {name}': a backend cannot be named by an expression yet",
                          "write one 'use_backend' line for each backend")
    return None


def candidates(section: Section, known: Collection[str]) -> list[str]:
    """The backends that conditions lead to."""
    return [statement.args[0] for (statement, _), _ in section.get("use_backend", ()) if statement.args[0] in known]


# -- rules that look into HTTP -----------------------------------------------------------------------------------------


def http_rule(section: Section, statement: Statement) -> None:
    """`http-request ACTION ...` and its relatives: what becomes of it depends on the mode, which is known later."""
    name = _action(statement.arg(0))
    if name in _HTTP_ACTIONS or name.startswith(("lua.", "track-sc", "sc-")):
        section.http_rules.append(statement)
        return
    got = f"got '{name}'" if name else "nothing follows"
    section.error(statement, f"'{statement.keyword}' expects an action such as deny or set-header, {got}",
                  did_you_mean(name, _HTTP_ACTIONS))


def http_word(section: Section, statement: Statement) -> None:
    """Other words that change HTTP messages: judged with the rules."""
    section.http_rules.append(statement)


_WORDS = {
    "cookie": ("clients would not stay with their server", "use 'balance source'"),
    "http-after-response": ("answers would not be changed as it says", "let the servers do it"),
    "http-request": ("it decides about HTTP requests, which pyha does not read",
                     "let the servers do it, or put a web proxy beside pyha for this listener"),
    "http-response": ("answers would not be changed as it says", "let the servers do it"),
    "option checkcache": ("answers would not be inspected", "remove it"),
    "option forwardfor": ("the servers would not be told the address of the client",
                          "remove it if they can do without"),
    "option originalto": ("the servers would not be told the address that the client came to",
                          "remove it if they can do without"),
    "redirect": ("clients would not be redirected", "let the servers do it"),
    "unique-id-header": ("the servers would not get the header", "remove it if they can do without"),
}
HTTP_KEYWORDS: Final[dict[str, Handler]] = {
    word: http_rule if word.startswith("http-") else http_word for word in _WORDS}
HTTP_REASONS: Final = {word: f"in HTTP mode: {reason}" for word, (reason, _) in _WORDS.items()}
"""In HTTP mode they are refused, in TCP mode they have no effect, as in HAProxy."""

_ANSWERED = ("http-after-response", "http-request", "http-response", "redirect")


def judge_http_rules(section: Section, *, relays: bool) -> None:
    """Refuse what changes HTTP traffic in HTTP mode; in TCP mode it has no effect. `relays`: servers stand behind."""
    for index, statement in enumerate(section.http_rules):
        action = _action(statement.arg(0)) if statement.keyword.startswith("http-") else ""
        word = f"{statement.keyword} {action}".rstrip()
        if not section.is_http() or action in _HTTP_HARMLESS or not (relays or statement.keyword in _ANSWERED):
            if index < section.inherited_rules:  # the same sentence for every heir; told once
                section.draft.warn(statement.origin, f"'{word}' has no effect: {HTTP}", ignored=True)
            else:
                section.ignore(word, statement.origin, HTTP)
        else:
            reason, advice = _WORDS[statement.keyword]
            hint = f"write 'mode tcp' if TLS passes through here; else {advice}" if relays else advice
            if "prometheus-exporter" in statement.args:
                hint = "remove it; an exporter can read ';csv' of the page that 'stats uri' names"
            section.error(statement, f"'{word}' is not supported in HTTP mode: {reason}", hint)
