"""Rules to the model, once all sections are known: `tcp-request`, `use_backend`, `use-server`, `stick`, `stick-table`.

HAProxy's manual, section 4.2. What cannot be evaluated is refused where it stands, because a rule that is not obeyed
lets in whom it should keep out, or leads clients to the wrong servers.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyha.config.origin import did_you_mean

from .acl import Condition, truth
from .criteria import Reference, Scope, Trouble, criterion, sample
from .statement import Section, Statement

Known = Mapping[str, Mapping[str, Section]]
"""The sections by what they are: `backend` and `frontend`, a `listen` being in both."""

_BY_STAGE = {"tcp-request connection": "connection", "tcp-request session": "session",
             "tcp-request content": "content"}


# -- conditions --------------------------------------------------------------------------------------------------------


def condition(section: Section, statement: Statement, subject: Condition, known: Known) -> dict[str, Any] | None:
    """A Condition's data; None after a problem was reported."""
    scope = Scope(section, [], [])
    try:
        data: dict[str, Any] = {"alternatives": [
            [{"any_of": [criterion(scope, words) for words in term.expressions]}
             | ({"negated": True} if term.negated else {}) for term in terms] for terms in subject.alternatives]}
    except Trouble as trouble:
        hint = trouble.hint
        if subject.looks_into_http():
            hint = "it looks into HTTP, which is not read; where TLS passes through it never matches: then remove it"
        section.error(statement, f"'{statement.keyword}': condition '{subject.text}': {trouble}", hint)
        return None
    for text in scope.warnings:
        section.warn(statement, f"'{statement.keyword}': {text}", "write '--' after it if that is intended")
    if not _exist(section, statement, scope.references, known):
        return None
    return data | ({"unless": True} if subject.unless else {})


def _exist(section: Section, statement: Statement, references: Iterable[Reference], known: Known) -> bool:
    good = True
    for reference in references:
        choices: Iterable[str]
        if reference.kind == "table":
            tables = {name for sections in known.values() for name, other in sections.items()
                      if other.get("stick_table")}
            here, choices = reference.name in tables, tables
        elif reference.kind == "server":
            backend, _, server = reference.name.partition("/")
            choices = [item.name for item in known["backend"][backend].servers] if backend in known["backend"] else []
            here = server in choices
        else:
            choices = known[reference.kind]
            here = reference.name in choices
        if not here:
            good = False
            word = {"table": "'stick-table' in a section"}.get(reference.kind, reference.kind)
            name = reference.name.rpartition("/")[2]
            section.error(statement, f"'{statement.keyword}': there is no {word} named '{reference.name}'"
                          if reference.kind == "table" else
                          f"'{statement.keyword}': there is no {word} '{reference.name}'", did_you_mean(name, choices))
    return good


def _guarded(section: Section, statement: Statement, subject: Condition | None, known: Known) -> dict[str, Any] | None:
    """`{"when": ...}`, empty where it always applies; None after a problem, or when it never does."""
    value = truth(subject)
    if value is True or subject is None:
        return {}
    if value is False:
        return None
    data = condition(section, statement, subject, known)
    return None if data is None else {"when": data}


# -- tcp-request -------------------------------------------------------------------------------------------------------


def tcp_rules(section: Section, known: Known) -> dict[str, Any]:
    """The `connection`, `session`, `content` and `inspect_delay` of a section."""
    found: dict[str, Any] = {}
    for (statement, subject), _ in section.get("tcp_rules", ()):
        guard = _guarded(section, statement, subject, known)
        rule = None if guard is None else _rule(section, statement, known)
        if guard is not None and rule is not None:
            found.setdefault(_BY_STAGE[statement.keyword], []).append(rule | guard)
    delay = section.get("inspect_delay")
    for stage in list(found):
        waits = stage == "content" and delay
        if not waits and all(rule["action"] == "accept" for rule in found[stage]):
            del found[stage]
            section.ignore(f"tcp-request {stage} accept", _origin(section, stage), "whatever no rule rejects is "
                           "accepted")
    if delay and "content" in found:
        found["inspect_delay"] = delay
    elif delay:
        section.ignore("tcp-request inspect-delay", section.where["inspect_delay"], "no 'tcp-request content' rule "
                       "waits for the first bytes of a connection")
    return found


def _origin(section: Section, stage: str) -> Any:  # noqa: ANN401 - an Origin
    return next(statement.origin for (statement, _), _ in section.get("tcp_rules")
                if _BY_STAGE[statement.keyword] == stage)


def _rule(section: Section, statement: Statement, known: Known) -> dict[str, Any] | None:
    word = statement.arg(0)
    action, _, slot = word.partition("(")
    if action in ("accept", "reject", "silent-drop", "expect-proxy"):
        return {"action": action}
    if action.startswith("sc-inc-"):
        number = slot.rstrip(")")
        if number not in ("0", "1", "2"):
            section.error(statement, f"'{statement.keyword} {word}': expected a counter such as {action}(0)")
            return None
        return {"action": action.removeprefix("sc-")} | ({"slot": int(number)} if number != "0" else {})
    keyed = _keyed(section, statement, statement.args[1:], known)
    number = action.removeprefix("track-sc")
    return None if keyed is None else {"action": "track"} | ({"slot": int(number)} if number != "0" else {}) | keyed


def _keyed(section: Section, statement: Statement, words: Sequence[str], known: Known) -> dict[str, Any] | None:
    """`SAMPLE [table NAME]`, before a condition."""
    words = words[:next((at for at, word in enumerate(words) if word in ("if", "unless")), len(words))]
    what = f"'{statement.keyword} {statement.arg(0)}'"
    if len(words) not in (1, 3) or (len(words) == 3 and words[1] != "table"):
        section.error(statement, f"{what} expects what to look at, and perhaps 'table' and its name",
                      "for example: tcp-request connection track-sc0 src")
        return None
    scope = Scope(section, [], [])
    try:
        data, _ = sample(scope, words[0])
    except Trouble as trouble:
        section.error(statement, f"{what}: {trouble}", trouble.hint)
        return None
    table = scope.refer("table", words[2] if len(words) == 3 else section.name)
    return {"sample": data, "table": table} if _exist(section, statement, scope.references, known) else None


# -- backends and servers ----------------------------------------------------------------------------------------------


def backend_choices(section: Section, known: Known) -> list[dict[str, Any]]:
    """The `use_backend` lines with a condition that come before one without."""
    found = []
    for (statement, subject), _ in section.get("use_backend", ()):
        name = statement.args[0]
        if truth(subject):
            break
        if name in known["backend"] and (guard := _guarded(section, statement, subject, known)) is not None:
            found.append({"backend": name} | guard)
    return found


def monitor_conditions(section: Section, known: Known) -> list[dict[str, Any]]:
    """The `monitor fail` lines that are more than too few servers; nothing but their numbers can be compared."""
    found = []
    for (statement, subject), _ in section.get("monitor_when", ()):
        data = condition(section, statement, subject, known)
        samples = [criterion["sample"]["fetch"] for terms in ({} if data is None else data).get("alternatives", ())
                   for term in terms for criterion in term["any_of"]]
        if data is not None and not set(samples) <= {"always_false", "always_true", "nbsrv"}:
            section.error(statement, f"'monitor fail {subject.text}' is not supported: only numbers of usable servers "
                          "can be compared", "for example: monitor fail if { nbsrv(masters) lt 1 }")
        elif data is not None:
            found.append(data)
    return found


def server_choices(section: Section, known: Known) -> list[dict[str, Any]]:
    """The `use-server` lines."""
    found = []
    names = [server.name for server in section.servers]
    for (statement, subject), _ in section.get("use_server", ()):
        if statement.args[0] not in names:
            section.error(statement, f"'use-server': there is no server '{statement.args[0]}' in {section.describe()}",
                          did_you_mean(statement.args[0], names))
        elif (guard := _guarded(section, statement, subject, known)) is not None:
            found.append({"server": statement.args[0]} | guard)
    return found


def stick_rules(section: Section, known: Known) -> list[dict[str, Any]]:
    """The `stick on`, `stick match` and `stick store-request` lines."""
    found = []
    for (statement, subject), _ in section.get("stick", ()):
        guard = _guarded(section, statement, subject, known)
        keyed = None if guard is None else _keyed(section, statement, statement.args, known)
        if guard is not None and keyed is not None:
            kind = statement.keyword.partition(" ")[2]
            only = {"match": {"store": False}, "store-request": {"match": False}}.get(kind, {})
            found.append(keyed | only | guard)
    return found


def frontend_rules(section: Section, known: Known) -> dict[str, Any]:
    """A FrontendRules' data; empty when nothing is decided."""
    rules = tcp_rules(section, known)
    backends = backend_choices(section, known)
    return rules | ({"backends": backends} if backends else {})


def backend_rules(section: Section, known: Known) -> dict[str, Any]:
    """A BackendRules' data; the `tcp-request` rules of a `listen` are its frontend's."""
    rules = tcp_rules(section, known) if section.kind == "backend" else {}
    servers, stick = server_choices(section, known), stick_rules(section, known)
    return rules | ({"servers": servers} if servers else {}) | ({"stick": stick} if stick else {})
