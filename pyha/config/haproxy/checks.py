"""Health checks: `option *chk`, `http-check` and `tcp-check` (HAProxy's manual, sections 4.2 and 5.2)."""

from typing import Any

from .check_rules import add as _rule
from .check_rules import constant
from .statement import Handler, Section, Statement, choice, no_more, number

_METHODS = ("OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH")


def option_check(kind: str) -> Handler:
    """`option tcp-check`, `option ssl-hello-chk`: the last such option of a proxy decides."""
    def handler(section: Section, statement: Statement) -> None:
        if no_more(section, statement, 0):
            _choose(section, statement, kind)
            section.drop("check_request", "check_data")
    return handler


def _chosen(section: Section, statement: Statement, kind: str, **data: Any) -> None:  # noqa: ANN401 - model fields
    _choose(section, statement, kind)
    section.drop("check_request")
    section.put("check_data", data, statement.origin)


def option_mysql(section: Section, statement: Statement) -> None:
    """`option mysql-check [user NAME [post-41|pre-41]]`."""
    if not statement.args:
        _chosen(section, statement, "mysql")
    elif (user := _user(section, statement)) and no_more(section, statement, 3):
        protocol = choice(section, statement, statement.arg(2) or "post-41", ("post-41", "pre-41"))
        if protocol is not None:
            _chosen(section, statement, "mysql", user=user, mysql_protocol=protocol)


def option_pgsql(section: Section, statement: Statement) -> None:
    """`option pgsql-check user NAME`."""
    if (user := _user(section, statement)) and no_more(section, statement, 2):
        _chosen(section, statement, "pgsql", user=user)


def _user(section: Section, statement: Statement) -> str:
    if statement.arg(0) == "user" and statement.arg(1):
        return statement.arg(1)
    section.error(statement, f"'{statement.keyword}' expects 'user' and a name as arguments")
    return ""


def option_smtp(section: Section, statement: Statement) -> None:
    """`option smtpchk [HELO|EHLO DOMAIN]`; anything else is `HELO localhost`, as in HAProxy."""
    if no_more(section, statement, 2):
        good = statement.arg(0) in ("HELO", "EHLO") and statement.arg(1)
        _chosen(section, statement, "smtp", **({"hello": " ".join(statement.args)} if good else {}))


def external_word(key: str) -> Handler:
    """`external-check command PROGRAM`, `external-check path DIRECTORIES`."""
    def handler(section: Section, statement: Statement) -> None:
        if statement.arg(0) and no_more(section, statement, 1):
            section.put(f"external_{key}", statement.arg(0), statement.origin)
        elif not statement.args:
            section.error(statement, f"'{statement.keyword}' expects a path as argument")
    return handler


def option_httpchk(section: Section, statement: Statement) -> None:
    """`option httpchk [[METHOD] URI [VERSION]]`."""
    if not no_more(section, statement, 3):
        return
    _choose(section, statement, "http")
    section.drop("check_data")
    args = statement.args
    request: dict[str, Any] = {}
    if len(args) == 1:
        request = {"uri": args[0]}
    elif args:
        version, *headers = (args[2] if len(args) > 2 else "HTTP/1.0").replace("\r", "").split("\n")
        pairs = [tuple(part.strip() for part in header.split(":", 1)) for header in headers if ":" in header]
        request = {"method": args[0], "uri": args[1], "version": version}
        if pairs:
            request["headers"] = pairs
            section.warn(statement, "headers in the version of 'option httpchk' are deprecated",
                         "use 'http-check send hdr NAME VALUE'")
    section.put("check_request", request, statement.origin)


def _choose(section: Section, statement: Statement, kind: str) -> None:
    """Remember the choice, and tell the operator about one that it overrides within the same section."""
    before = section.get("check_option")
    if before is not None and "check_option" not in section.inherited and before != statement.keyword:
        section.draft.warn(section.where["check_option"], f"'{before}' has no effect: '{statement.keyword}' on line "
                           f"{statement.origin.line} comes later, and the last check option wins",
                           "remove one of them", ignored=True)
    section.put("check_option", statement.keyword, statement.origin)
    section.put("check_kind", kind, statement.origin)


def connect(section: Section, statement: Statement) -> None:
    """`http-check connect`, `tcp-check connect`."""
    rule: dict[str, Any] = {"action": "connect"}
    args = list(statement.args)
    while args:
        word = args.pop(0)
        if word == "default":
            rule["default"] = True
        elif word == "ssl":
            rule["tls"] = True
        elif word == "port":
            rule["port"] = number(section, statement, args.pop(0) if args else "", 1, 65535,
                                  what=f"{statement.keyword} port")
        elif word in ("addr", "sni", "alpn") and args:
            text = args.pop(0)
            rule["host" if word == "addr" else word] = tuple(text.split(",")) if word == "alpn" else text
        elif word == "comment":
            rule["comment"] = args.pop(0) if args else ""
        elif word == "proto":
            del args[:1]
        elif word == "send-proxy":
            rule["send_proxy"] = True
        elif word == "via-socks4":
            section.error(statement, f"'{statement.keyword} {word}' is not supported: the check would not reach the "
                          "server as it expects", f"remove '{word}'")
        elif word != "linger":
            choice(section, statement, word, ("default", "port", "addr", "ssl", "sni", "alpn", "linger", "proto",
                                              "send-proxy", "comment"))
            return
    _rule(section, statement, {key: value for key, value in rule.items() if value is not None})


def http_send(section: Section, statement: Statement) -> None:
    """`http-check send [meth M] [uri U] [ver V] [hdr NAME VALUE]... [body TEXT]`."""
    rule: dict[str, Any] = {"action": "send"}
    headers: list[tuple[str, str]] = []
    args = list(statement.args)
    fields = {"meth": "method", "uri": "uri", "ver": "version", "body": "body"}
    while args:
        word = args.pop(0)
        if word in fields and args:
            rule[fields[word]] = args.pop(0)
        elif word == "hdr" and len(args) > 1:
            headers.append((args[0], args[1]))
            del args[:2]
        elif word == "comment":
            del args[:1]
        elif word in ("uri-lf", "body-lf") and args:
            text = constant(section, statement, args.pop(0))
            if text is None:
                return
            rule[word.removesuffix("-lf")] = text
        elif word in ("meth", "uri", "ver", "body", "hdr"):
            expected = "a name and a value" if word == "hdr" else "a value"
            section.error(statement, f"'http-check send {word}' expects {expected}")
            return
        else:
            choice(section, statement, word, ("meth", "uri", "ver", "hdr", "body", "comment"))
            return
    if headers:
        rule["headers"] = headers
    if "method" in rule and rule["method"] not in _METHODS:
        section.warn(statement, f"'{rule['method']}' is an unusual HTTP method",
                     f"common ones are {', '.join(_METHODS[:4])}")
    _rule(section, statement, rule)


# -- the dialogue as the model has it ----------------------------------------------------------------------------------


def dialogue(section: Section) -> dict[str, Any]:
    """The data of a HealthDialogue. Steps are complete, so that nothing depends on what was left out."""
    kind = section.get("check_kind", "tcp")
    data: dict[str, Any] = {"kind": kind}
    if kind == "http":
        data["steps"] = http_steps(section)
    elif section.get("check_option") == "option tcp-check":
        rules = [dict(rule) for rule, _ in section.get("tcp_check_rules", ())]
        data["steps"] = _connected(rules) if rules else []
    elif kind == "external":
        _external(section, data)
    data |= section.get("check_data", {})
    for key in ("log_health_checks", "disable_on_404"):
        if section.get(key):
            data[key] = True
    _unused_rules(section, kind)
    return data


def _external(section: Section, data: dict[str, Any]) -> None:
    origin = section.where["check_option"]
    command = section.get("external_command")
    if not (section.settings and section.settings.get("external_check")):
        section.draft.error(origin, "'option external-check' runs a program, which the global section does not allow",
                            "add 'external-check' to the global section if you trust it")
    if command is None:
        section.draft.error(origin, f"{section.describe()}: 'option external-check' needs a program",
                            "add 'external-check command /path/to/program'")
    data["command"] = command or "missing"
    if section.get("external_path"):
        data["path"] = section.get("external_path")


def http_steps(section: Section) -> list[dict[str, Any]]:
    """`option httpchk` gives a request, which the first `http-check send` completes; 2xx and 3xx are good."""
    request = dict(section.get("check_request", {}))
    steps = [dict(rule) for rule, _ in section.get("http_check_rules", ())]
    if not steps and not request:
        return []
    at = 1 if steps and steps[0]["action"] == "connect" else 0
    if at < len(steps) and steps[at]["action"] == "send":
        steps[at] = {"action": "send"} | request | steps[at]
    else:
        steps.insert(at, {"action": "send"} | request)
    if steps[-1]["action"] == "send":
        steps.append({"action": "expect", "match": "status", "pattern": "200-399"})
    return _connected(steps)


def _connected(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if next((step["action"] for step in steps if step["action"] != "comment"), "") == "connect":
        return steps
    return [{"action": "connect", "default": True}, *steps]


def _unused_rules(section: Section, kind: str) -> None:
    tcp = section.get("check_option") == "option tcp-check"
    for key, word, needed, used in (("http_check_rules", "http-check", "option httpchk", kind == "http"),
                                    ("tcp_check_rules", "tcp-check", "option tcp-check", tcp)):
        if section.get(key) and not used and key not in section.inherited:
            origin = section.get(key)[0][1]
            section.draft.warn(origin, f"{section.describe()} uses {word} rules without '{needed}', so the rules are "
                               "ignored", f"add '{needed}' after the other check options", ignored=True)
