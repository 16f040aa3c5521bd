"""The rules of a check that send and expect: `tcp-check send`, `http-check expect` (HAProxy's manual, section 4.2)."""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from pyha.config.health_model import ErrorStatus, HeaderMatch, OkStatus, TimeoutStatus

from .logtext import TextError, answer_text, constant_text
from .statement import Section, Statement, choice, number

_HTTP_MATCHES: Final = ("status", "rstatus", "string", "rstring", "string-lf", "hdr", "fhdr")
_TCP_MATCHES: Final = ("string", "rstring", "binary", "rbinary", "string-lf", "binary-lf")
_STATUSES: Final[Mapping[str, tuple[str, ...]]] = {
    "ok-status": get_args(OkStatus), "error-status": get_args(ErrorStatus), "tout-status": get_args(TimeoutStatus)}
_TEXTS: Final = ("comment", "on-success", "on-error", "status-code")


def add(section: Section, statement: Statement, rule: dict[str, Any]) -> None:
    """Append a rule to those of its family; the first in a proxy replaces those of `defaults`."""
    family = statement.keyword.split("-")[0]
    section.extend(f"{family}_check_rules", rule, statement.origin, replacing_inherited=True)


def constant(section: Section, statement: Statement, text: str) -> str | None:
    """A log-format string that says the same for every server; None after the problem has been reported."""
    try:
        return constant_text(text, backend=section.name)
    except TextError as error:
        section.error(statement, f"'{statement.keyword}': {error}", "use fixed text")
        return None


def _commented(section: Section, statement: Statement, args: list[str], rule: dict[str, Any]) -> bool:
    """`comment TEXT` at the end of a rule, and nothing else."""
    if args[:1] == ["comment"] and len(args) > 1:
        rule["comment"] = args[1]
        args = args[2:]
    if args:
        section.error(statement, f"'{statement.keyword}' cannot handle unexpected argument '{args[0]}'",
                      "write a backslash before spaces in the text")
    return not args


def tcp_send(section: Section, statement: Statement) -> None:
    """`tcp-check send TEXT`, `send-binary HEX`, and both as log-format strings."""
    text: str | None = statement.arg(0)
    if not text:
        section.error(statement, f"'{statement.keyword}' expects what to send as argument")
        return
    if statement.keyword.endswith("-lf"):
        text = constant(section, statement, text)
    if text is not None and "binary" in statement.keyword:
        text = _binary(section, statement, text)
    rule = {"action": "send-raw", "data": text}
    if text is not None and _commented(section, statement, list(statement.args[1:]), rule):
        add(section, statement, rule)


def _binary(section: Section, statement: Statement, text: str) -> str | None:
    try:
        return bytes.fromhex(text).decode("latin-1")
    except ValueError:
        section.error(statement, f"'{statement.keyword}': '{text}' is not an even number of hexadecimal digits")
        return None


def comment(section: Section, statement: Statement) -> None:
    """`http-check comment`, `tcp-check comment`: for the reader of the file; it counts as a step in messages."""
    if statement.keyword.startswith("tcp"):
        add(section, statement, {"action": "comment", "comment": " ".join(statement.args)})


def expect(section: Section, statement: Statement) -> None:
    """`http-check expect`, `tcp-check expect`: `[OPTION VALUE]... [!] MATCH PATTERN [comment TEXT]`."""
    args = list(statement.args)
    rule: dict[str, Any] = {"action": "expect"}
    while args and (args[0] in ("!", "min-recv") or args[0] in _STATUSES or args[0] in _TEXTS):
        if not _option(section, statement, args, rule):
            return
    http = statement.keyword.startswith("http")
    match = args.pop(0) if args else ""
    if choice(section, statement, match, _HTTP_MATCHES if http else _TCP_MATCHES) is None:
        return
    if match in ("hdr", "fhdr"):
        if _header(section, statement, args, rule | {"match": match}):
            return
    elif not args or not args[0]:
        section.error(statement, f"'{statement.keyword} {match}' expects a pattern as argument")
    elif _commented(section, statement, args[1:], rule):
        pattern = _pattern(section, statement, match, args[0])
        if pattern is not None:
            name = "string" if match == "string-lf" and http else match
            add(section, statement, rule | {"match": name, "pattern": pattern})


def _pattern(section: Section, statement: Statement, match: str, text: str) -> str | None:
    if match == "status":
        return text if _good_status(section, statement, text) else None
    if match.endswith("-lf"):
        constant_pattern = constant(section, statement, text)
        if constant_pattern is None or match == "string-lf":
            return constant_pattern
        text = constant_pattern
    if match.startswith("binary"):
        return text if _binary(section, statement, text) is not None else None
    return text


def _option(section: Section, statement: Statement, args: list[str], rule: dict[str, Any]) -> bool:
    """One word before the match."""
    word = args.pop(0)
    if word == "!":
        if rule.pop("negate", None) is None:
            rule["negate"] = True
        return True
    value = args.pop(0) if args else ""
    key = word.replace("-", "_")
    what = f"{statement.keyword} {word}"
    if word == "min-recv":
        count = number(section, statement, value, -1, 16384, what=what)
        if count is not None and count >= 0:
            rule[key] = count
        return count is not None
    if word in _STATUSES:
        rule[key] = choice(section, statement, value, _STATUSES[word], what=what)
        return rule[key] is not None
    if word != "comment":
        try:
            value = answer_text(f"%[{value}]" if word == "status-code" else value)
        except TextError as error:
            section.error(statement, f"'{what}': {error}", "use fixed text, or res.payload(OFFSET,LENGTH)")
            return False
    rule[key] = value.removeprefix("%[").removesuffix("]") if word == "status-code" else value
    return True


def _header(section: Section, statement: Statement, args: list[str], rule: dict[str, Any]) -> bool:
    """`hdr name [-m METHOD] NAME [value [-m METHOD] VALUE]`."""
    rule["pattern"] = ""
    readers: dict[str, Callable[[str], dict[str, Any]]] = {
        "name": lambda text: {"name": text}, "value": lambda text: {"pattern": text}}
    while args and args[0] in readers:
        word = args.pop(0)
        if args[:1] == ["-m"]:
            method = choice(section, statement, args[1] if len(args) > 1 else "", get_args(HeaderMatch),
                            what=f"{statement.keyword} {rule['match']} {word} -m")
            if method is None:
                return False
            rule[f"{word}_match"] = method
            del args[:2]
        rule |= readers[word](args.pop(0) if args else "")
    if not rule.get("name"):
        section.error(statement, f"'{statement.keyword} {rule['match']}' expects 'name' and the name of a header")
        return False
    if not _commented(section, statement, args, rule):
        return False
    add(section, statement, rule)
    return True


def _good_status(section: Section, statement: Statement, pattern: str) -> bool:
    for part in pattern.split(","):
        low, _, high = part.partition("-")
        codes = [code for code in (low, high or low)
                 if code.isascii() and code.isdigit() and 100 <= int(code[:9]) <= 999]
        if len(codes) != 2 or int(codes[0]) > int(codes[1]):
            section.error(statement, f"'{statement.keyword} status': '{part}' is not a status code, expected codes "
                          "such as 200, ranges such as 200-399, separated by commas")
            return False
    return True


