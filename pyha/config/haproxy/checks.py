"""Health checks: `option *chk`, `http-check` and `tcp-check` (HAProxy's manual, sections 4.2 and 5.2)."""

from typing import Any

from .statement import Handler, Section, Statement, choice, no_more, number

_METHODS = ("OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "CONNECT", "PATCH")
_HTTP_MATCHES = ("status", "rstatus", "string", "rstring")
_TCP_MATCHES = ("string", "rstring", "binary", "rbinary")
_UNSUPPORTED_MATCHES = ("hdr", "fhdr", "string-lf", "binary-lf")
_REMARKS = ("comment", "ok-status", "error-status", "tout-status", "on-success", "on-error", "status-code")


def option_check(kind: str) -> Handler:
    """`option tcp-check`, `option ssl-hello-chk`: the last such option of a proxy decides."""
    def handler(section: Section, statement: Statement) -> None:
        if no_more(section, statement, 0):
            _choose(section, statement, kind)
            section.drop("check_request")
    return handler


def option_httpchk(section: Section, statement: Statement) -> None:
    """`option httpchk [[METHOD] URI [VERSION]]`."""
    if not no_more(section, statement, 3):
        return
    _choose(section, statement, "http")
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


def _rule(section: Section, statement: Statement, rule: dict[str, Any]) -> None:
    family = statement.keyword.split("-")[0]
    section.extend(f"{family}_rules", rule, statement.origin, replacing_inherited=True)


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
        elif word in ("comment", "proto"):
            del args[:1]
        elif word in ("send-proxy", "via-socks4"):
            section.error(statement, f"'{statement.keyword} {word}' is not supported: the check would not reach the "
                          "server as it expects", f"remove '{word}'")
        elif word != "linger":
            choice(section, statement, word, ("default", "port", "addr", "ssl", "sni", "alpn", "linger", "proto",
                                              "comment"))
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
        elif word in ("uri-lf", "body-lf"):
            section.error(statement, f"'http-check send {word}' is not supported: log-format strings are not evaluated "
                          "in checks", f"use '{word.removesuffix('-lf')}' with fixed text")
            return
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


def tcp_send(section: Section, statement: Statement) -> None:
    """`tcp-check send TEXT`, `tcp-check send-binary HEX`."""
    text = statement.arg(0)
    if not text:
        section.error(statement, f"'{statement.keyword}' expects what to send as argument")
        return
    if statement.keyword.endswith("binary"):
        try:
            text = bytes.fromhex(text).decode("latin-1")
        except ValueError:
            section.error(statement, f"'{statement.keyword}': '{text}' is not an even number of hexadecimal digits")
            return
    _rule(section, statement, {"action": "send-raw", "data": text})


def expect(section: Section, statement: Statement) -> None:
    """`http-check expect`, `tcp-check expect`: `[!] MATCH PATTERN`."""
    args = list(statement.args)
    matches = _HTTP_MATCHES if statement.keyword.startswith("http") else _TCP_MATCHES
    negate = False
    while args and (args[0] in ("!", "min-recv") or args[0] in _REMARKS):
        negate = negate ^ (args[0] == "!")
        if args[0] != "!" and args[0] != "comment":
            section.ignore(f"{statement.keyword} {args[0]}", statement.origin, "every answer is judged as it comes, "
                           "with the standard status words")
        del args[:1 if args[0] == "!" else 2]
    match = args[0] if args else ""
    if match in _UNSUPPORTED_MATCHES:
        section.error(statement, f"'{statement.keyword} {match}' is not supported", f"use one of {', '.join(matches)}")
        return
    if choice(section, statement, match, matches) is None:
        return
    if len(args) < 2 or not args[1]:
        section.error(statement, f"'{statement.keyword} {match}' expects a pattern as argument")
    elif len(args) > 2 and args[2] != "comment":
        section.error(statement, f"'{statement.keyword}' cannot handle unexpected argument '{args[2]}'",
                      "write a backslash before spaces in the pattern")
    elif match != "status" or _good_status(section, statement, args[1]):
        _rule(section, statement, {"action": "expect", "match": match, "pattern": args[1]}
              | ({"negate": True} if negate else {}))


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


def comment(section: Section, statement: Statement) -> None:
    """`http-check comment`, `tcp-check comment`: for the reader of the file."""


# -- the dialogue as the model has it ----------------------------------------------------------------------------------


def dialogue(section: Section) -> dict[str, Any]:
    """The data of a HealthDialogue. Steps are complete, so that nothing depends on what was left out."""
    kind = section.get("check_kind", "tcp")
    data: dict[str, Any] = {"kind": kind}
    if kind == "http":
        data["steps"] = http_steps(section)
    elif section.get("check_option") == "option tcp-check":
        rules = [dict(rule) for rule, _ in section.get("tcp_rules", ())]
        data["steps"] = _connected(rules) if rules else []
    for key in ("log_health_checks", "disable_on_404"):
        if section.get(key):
            data[key] = True
    _unused_rules(section, kind)
    return data


def http_steps(section: Section) -> list[dict[str, Any]]:
    """`option httpchk` gives a request, which the first `http-check send` completes; 2xx and 3xx are good."""
    request = dict(section.get("check_request", {}))
    steps = [dict(rule) for rule, _ in section.get("http_rules", ())]
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
    if steps[0]["action"] == "connect":
        return steps
    return [{"action": "connect", "default": True}, *steps]


def _unused_rules(section: Section, kind: str) -> None:
    tcp = section.get("check_option") == "option tcp-check"
    for key, word, needed, used in (("http_rules", "http-check", "option httpchk", kind == "http"),
                                    ("tcp_rules", "tcp-check", "option tcp-check", tcp)):
        if section.get(key) and not used and key not in section.inherited:
            origin = section.get(key)[0][1]
            section.draft.warn(origin, f"{section.describe()} uses {word} rules without '{needed}', so the rules are "
                               "ignored", f"add '{needed}' after the other check options", ignored=True)
