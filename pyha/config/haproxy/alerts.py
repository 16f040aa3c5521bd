"""Mail about servers: the `mailers` sections and `email-alert` (HAProxy's manual, sections 3.6 and 4.2)."""

from typing import Any, Final

from pyha.config.origin import did_you_mean

from .address import AddressError, parse
from .lexer import Line
from .statement import Handler, Section, Statement, duration, sets_word

_LEVELS: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
_NEEDED: Final = ("mailers", "from", "to")
_SMTP: Final = 25


def enter(settings: Section, line: Line) -> None:
    """`mailers NAME`."""
    name = line.words[1] if len(line.words) == 2 else ""
    if not name:
        settings.draft.error(line.origin, "'mailers' expects a name as its only argument")
    settings.put("mailers", settings.get("mailers", {}) | {name: {"mailers": []}}, line.origin)


def line(settings: Section, statement: Statement) -> None:
    """`mailer NAME ADDRESS:PORT` and `timeout mail TIME`, of the section that was entered last."""
    group = list(settings.get("mailers").values())[-1]
    if statement.keyword == "timeout mail":
        value = duration(settings, statement, statement.arg(0), low=1)
        if value is not None:
            group["timeout"] = value
    elif statement.keyword != "mailer" or len(statement.args) != 2:
        settings.error(statement, "a 'mailers' section expects 'mailer NAME ADDRESS:PORT' and 'timeout mail TIME'")
    else:
        try:
            address = parse(statement.args[1])
        except AddressError as error:
            settings.error(statement, f"'mailer {statement.args[0]}': {error}", error.hint)
            return
        group["mailers"].append({"name": statement.args[0], "host": address.host, "port": address.first or _SMTP})


def _level(section: Section, statement: Statement) -> None:
    if statement.arg(0) in _LEVELS:
        section.put("alert_level", statement.arg(0), statement.origin)
    else:
        section.error(statement, f"'email-alert level' expects one of {', '.join(_LEVELS)}",
                      did_you_mean(statement.arg(0), _LEVELS))


KEYWORDS: Final[dict[str, Handler]] = {
    "email-alert from": sets_word("alert_from", "a mail address"),
    "email-alert level": _level,
    "email-alert mailers": sets_word("alert_mailers", "the name of a 'mailers' section"),
    "email-alert myhostname": sets_word("alert_myhostname", "a host name"),
    "email-alert to": sets_word("alert_to", "a mail address"),
}


def settled(section: Section, settings: Section) -> dict[str, Any]:
    """The data of an EmailAlert, empty when there is none."""
    given = [word for word in _NEEDED if section.get(f"alert_{word}")]
    if not given:
        return {}
    missing = [word for word in _NEEDED if word not in given]
    where = section.where[f"alert_{given[0]}"]
    if missing:
        listed = " and ".join(f"'email-alert {word}'" for word in missing)
        section.draft.warn(where, f"{section.describe()} sends no mails, for want of {listed}", "add what is missing",
                           ignored=True)
        return {}
    groups = settings.get("mailers", {})
    group = groups.get(section.get("alert_mailers"))
    if group is None:
        section.draft.error(section.where["alert_mailers"], "there is no section 'mailers "
                            f"{section.get('alert_mailers')}'", did_you_mean(section.get("alert_mailers"), groups))
        return {}
    data = dict(group) | {"sender": section.get("alert_from"), "to": section.get("alert_to")}
    for key in ("level", "myhostname"):
        if section.get(f"alert_{key}"):
            data[key] = section.get(f"alert_{key}")
    return data
