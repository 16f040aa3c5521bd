"""`server` and `default-server` lines (HAProxy's manual, section 5.2): the line as a whole.

The options are one registry in server_options.py. They are collected in a flat dict of their own; `to_model` turns it
into what the model expects once the global section is known.
"""

from typing import Any

from pyha.config.origin import did_you_mean, nearest

from . import server_options as options
from .address import Address, AddressError, parse
from .statement import Section, ServerDraft, Statement

_LONGEST_NAME = 255


def default_server(section: Section, statement: Statement) -> None:
    """`default-server OPTION...`: each line adds to those before it."""
    if not statement.args:
        section.error(statement, "'default-server' expects options as arguments",
                      "for example: default-server inter 3s")
        return
    collected = dict(section.get("default_server", {}))
    read_options(section, statement, list(statement.args), collected, "default-server")
    section.put("default_server", collected, statement.origin)


def server(section: Section, statement: Statement) -> None:
    """`server NAME ADDRESS[:PORT] [OPTION...]`."""
    if len(statement.args) < 2:
        section.error(statement, "'server' expects a name and an address as arguments",
                      "for example: server master1 10.0.0.1:6443 check")
        return
    name, text = statement.args[:2]
    collected = dict(section.get("default_server", {}))
    read_options(section, statement, list(statement.args[2:]), collected, f"server {section.name}/{name}")
    if not _good_name(section, statement, name):
        return
    try:
        address = parse(text)
    except AddressError as error:
        section.error(statement, f"'server {section.name}/{name}': {error}", error.hint)
        return
    place = _place(section, statement, name, text, address)
    if place is not None:
        section.servers.append(ServerDraft(name, {"name": name} | place | {"options": collected}, statement.origin))


def _good_name(section: Section, statement: Statement, name: str) -> bool:
    bad = next((char for char in name if not (char.isascii() and char.isalnum()) and char not in "-_.:"), None)
    if bad is not None or len(name) > _LONGEST_NAME:
        section.error(statement, f"character '{bad}' is not permitted in server name '{name}'" if bad is not None
                      else "the name of a server has at most 255 characters", "letters, digits and - _ . : are")
        return False
    twin = next((other for other in section.servers if other.name == name), None)
    if twin is not None:
        section.error(statement, f"{section.describe()}: another server named '{name}' was already defined at line "
                      f"{twin.origin.line}", "use distinct names")
        return False
    return True


def _place(section: Section, statement: Statement, name: str, text: str, address: Address) -> dict[str, Any] | None:
    if address.host in ("0.0.0.0", "::"):
        section.error(statement, f"'server {section.name}/{name}': '{text}' would connect to the address the client "
                      "came to, which is not supported", "write the address of the server")
        return None
    if address.first != address.last and not address.offset:
        section.error(statement, f"'server {section.name}/{name}': a port range is not allowed in '{text}'",
                      "write one port, or an offset such as :+1000")
        return None
    place: dict[str, Any] = {"host": address.host}
    if address.offset:
        place["port_offset"] = address.first
    elif address.first is not None:
        place["port"] = address.first
    return place


def read_options(section: Section, statement: Statement, args: list[str], collected: dict[str, Any], what: str) -> None:
    """Read the options into `collected`. A problem with one does not keep the others from being read."""
    while args:
        word = args.pop(0)
        if word in options.VALUES:
            text = args.pop(0) if args else ""
            options.VALUES[word](section, statement, collected, text)
        elif word in options.FLAGS:
            collected.update(options.FLAGS[word])
        elif word in options.REFUSED:
            count, reason, advice = options.REFUSED[word]
            del args[:count]
            section.error(statement, f"'{what}': '{word}' is not supported: {reason}", advice)
        elif word in options.IGNORED:
            count, reason = options.IGNORED[word]
            del args[:count]
            section.ignore(f"server ... {word}", statement.origin, reason)
        else:
            section.error(statement, f"'{what}': unknown keyword '{word}'", did_you_mean(word, options.KNOWN))
            del args[:options.arity(nearest(word, options.KNOWN))]  # the value of the misspelt word is no word


def to_model(section: Section, draft: ServerDraft, *, verify: str, check_needs_tls: bool,
             check_port: bool) -> dict[str, Any]:
    """The server as the model has it.

    `verify` is the default of `ssl-server-verify`, `check_needs_tls` tells that a check rule begins with a TLS
    handshake, `check_port` that every check rule names its port.
    """
    collected = draft.data["options"]
    data = {key: value for key, value in draft.data.items() if key != "options"}
    data |= {key: value for key, value in collected.items() if key in options.SERVER_FIELDS}
    data |= _beside(section, draft, collected) | _header(collected)
    if not collected.get("check"):
        return data
    if "port" not in data and "check_port" not in collected and not check_port:
        section.draft.error(draft.origin, f"server '{section.name}/{draft.name}' has neither service port nor check "
                            "port", "add ':6443' to its address, or 'port 6443' for the check")
    tls = {"verify": verify} | {key.removeprefix("tls_"): value for key, value in collected.items()
                                if key.startswith("tls_")}
    with_tls = bool(collected.get("check_ssl"))
    if (with_tls or check_needs_tls) and tls["verify"] == "required" and "ca_file" not in tls:
        section.draft.error(draft.origin, f"server '{section.name}/{draft.name}': its check verifies the certificate "
                            "(the default), but no CA file is given",
                            "add 'ca-file /path/ca.crt', or 'verify none' to trust any certificate")
    check: dict[str, Any] = {key.removeprefix("check_"): value for key, value in collected.items()
                             if key in options.CHECK_FIELDS} | _check_header(collected)
    data["check"] = check | {"tls_options": tls} | ({"tls": tls} if with_tls else {})
    return data


def _header(collected: dict[str, Any]) -> dict[str, Any]:
    """The PROXY protocol header that connections begin with; where both versions are asked for it is the second."""
    if collected.get("proxy_v2"):
        chosen = tuple(name for name in ("crc32c", "ssl") if collected.get(f"proxy_v2_{name}"))
        return {"send_proxy": "v2"} | ({"proxy_v2_options": chosen} if chosen else {})
    return {"send_proxy": "v1"} if collected.get("proxy_v1") else {}


def _check_header(collected: dict[str, Any]) -> dict[str, Any]:
    """As HAProxy: checks that go where connections go begin as they do; the version is the server's in any case."""
    version = _header(collected).get("send_proxy", "v1")
    asked = collected.get("check_send_proxy", "no") != "no"
    same = "check_port" not in collected and "check_host" not in collected and "send_proxy" in _header(collected)
    return {"send_proxy": version} if asked or same else {}


def _beside(section: Section, draft: ServerDraft, collected: dict[str, Any]) -> dict[str, Any]:
    """What else tells about the server: an agent, the connections of clients."""
    data: dict[str, Any] = {}
    if collected.get("agent"):
        if "agent_port" not in collected:
            section.draft.error(draft.origin, f"server '{section.name}/{draft.name}': 'agent-check' needs a port",
                                "add 'agent-port 9999'")
        data["agent"] = {key: collected[f"agent_{key}"] for key in ("host", "port", "inter", "send")
                         if f"agent_{key}" in collected}
        data["agent"].setdefault("port", 1)
    if collected.get("observe"):
        data["observe"] = {key: collected[f"observe_{key}"] for key in ("error_limit", "on_error")
                           if f"observe_{key}" in collected}
    return data
