"""ACL expressions to criteria of the model: `src -f local.lst 10.0.0.0/8`, `req.ssl_sni -m end -i .example.com`.

HAProxy's manual, sections 7.1 (flags, operators, what is compared how) and 7.3 (samples, converters).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Any, Final, get_args

from pyha.config.origin import did_you_mean
from pyha.config.rules_model import Match, check_value
from pyha.config.samples import ALIASES, CONVERTERS, FETCHES, Fetch

from .statement import Section

MATCHES: Final = get_args(Match)
_DEFAULTS: Final = {"bool": "bool", "int": "int", "ip": "ip", "str": "str", "bin": "bin"}
_POSSIBLE: Final = {  # which kinds of match there are for a type of sample, apart from found, bool, and those on text
    "bool": ("int",), "int": ("int", "len"), "ip": ("ip",), "str": ("len", "int", "ip", "bin"), "bin": ("len", "bin")}
_ON_TEXT: Final = ("str", "beg", "end", "sub", "dom", "dir", "reg")
_OPERATORS: Final[dict[str, Callable[[int], str]]] = {
    "eq": str, "gt": lambda n: f"{n + 1}:", "ge": lambda n: f"{n}:", "lt": lambda n: f":{n - 1}",
    "le": lambda n: f":{n}"}
_HOW_MANY: Final = {"": (0, 0), "backend": (0, 1), "frontend": (0, 1), "table": (0, 1), "server": (1, 1),
                    "slot": (1, 2), "value": (1, 1), "pair": (2, 2)}
_WORD = re.compile(r"([A-Za-z][A-Za-z0-9_.+-]*)(?:\(([^()]*)\))?")
_TRACKED = re.compile(r"sc([0-2])_(\w+)")
_DOTTED = re.compile(r"(\d+)\.(\d+)")
_NUMBER = re.compile(r"-?\d{1,17}")


class Trouble(Exception):  # noqa: N818 - a sentence for the operator; the caller adds where it stands
    """An expression that cannot be translated."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Reference:
    """Something outside the section that must exist. `kind`: backend, frontend, server (BACKEND/NAME), table."""

    kind: str
    name: str


@dataclass(slots=True)
class Scope:
    """Where an expression stands, and what it was found to refer to."""

    section: Section
    references: list[Reference]
    warnings: list[str]

    def refer(self, kind: str, name: str) -> str:
        """Note that it must exist."""
        self.references.append(Reference(kind, name))
        return name


# -- samples -----------------------------------------------------------------------------------------------------------


def sample(scope: Scope, text: str) -> tuple[dict[str, Any], str]:
    """A Sample's data and the type of its value: `src,ipmask(24)`. Raises Trouble."""
    head = _WORD.match(text)
    if head is None:
        raise Trouble(f"'{text}' is not an expression")
    name, inner = head[1], head[2]
    tracked = _TRACKED.fullmatch(name)
    if tracked:
        name, inner = f"sc_{tracked[2]}", tracked[1] if inner is None else f"{tracked[1]},{inner}"
    name = ALIASES.get(name, name)
    if name not in FETCHES:
        raise Trouble(f"'{head[1]}' cannot be looked at", _instead(head[1]))
    fetch = FETCHES[name]
    data: dict[str, Any] = {"fetch": name}
    args = _arguments(scope, name, fetch, inner)
    if args:
        data["args"] = args
    kind: str = fetch.type
    converters = []
    rest = text[head.end():]
    while rest:
        found = _WORD.match(rest, 1) if rest[0] == "," else None
        if found is None:
            raise Trouble(f"cannot read '{rest}' in '{text}'")
        rest = rest[found.end():]
        converters.append(_converter(found[1], found[2]))
        kind = _converted(found[1], kind)
    if converters:
        data["converters"] = converters
    return data, kind


def _instead(name: str) -> str:
    if name.startswith("ssl_"):
        return "TLS passes through here; 'req.ssl_sni' and its relatives read the client's hello"
    return did_you_mean(name, FETCHES)


def _arguments(scope: Scope, name: str, fetch: Fetch, inner: str | None) -> list[str]:
    args = [] if not inner else [arg.strip() for arg in inner.split(",")]
    _count(name, args, *_HOW_MANY[fetch.argument])
    if fetch.argument in ("backend", "frontend", "table"):
        if not args and fetch.argument == "backend" and scope.section.kind == "frontend":
            raise Trouble(f"'{name}' expects the name of a backend in parentheses")
        return [scope.refer(fetch.argument, args[0] if args else scope.section.name)]
    if fetch.argument == "server":
        return [scope.refer("server", args[0] if "/" in args[0] else f"{scope.section.name}/{args[0]}")]
    if fetch.argument == "slot":
        if args[0] not in ("0", "1", "2"):
            raise Trouble(f"'{name}' expects 0, 1 or 2, got '{args[0]}'")
        if len(args) == 2:
            scope.refer("table", args[1])
    elif fetch.argument == "pair" and not all(re.fullmatch(r"[0-9]{1,5}", arg) for arg in args):
        raise Trouble(f"'{name}' expects an offset and a length, got '{inner}'")
    elif fetch.argument == "value" and fetch.type == "int" and not _NUMBER.fullmatch(args[0]):
        raise Trouble(f"'{name}' expects a number, got '{args[0]}'")
    return args


def _count(name: str, args: Sequence[str], low: int, high: int) -> None:
    if not low <= len(args) <= high:
        wanted = f"{low}" if low == high else f"{low} to {high}"
        raise Trouble(f"'{name}' takes {wanted} arguments in parentheses, got {len(args)}")


def _converter(name: str, inner: str | None) -> list[str]:
    if name not in CONVERTERS:
        raise Trouble(f"converter '{name}' is not supported", did_you_mean(name, CONVERTERS))
    args = [] if not inner else [arg.strip() for arg in inner.split(",")]
    _count(name, args, *CONVERTERS[name])
    if name not in ("field",) and not all(re.fullmatch(r"-?\d{1,9}", arg) for arg in args):
        raise Trouble(f"'{name}' expects numbers, got '{inner}'")
    if name == "field" and not re.fullmatch(r"[1-9]\d{0,3}", args[0]):
        raise Trouble(f"'field' expects a number from 1 on, got '{args[0]}'")
    return [name, *args]


def _converted(name: str, kind: str) -> str:
    if name in ("bool", "not"):
        return "bool"
    if name in ("add", "div", "length", "mod", "mul", "sub"):
        return "int"
    return kind if name == "ipmask" else "str"


# -- criteria ----------------------------------------------------------------------------------------------------------


def criterion(scope: Scope, words: Sequence[str]) -> dict[str, Any]:
    """A Criterion's data. Raises Trouble."""
    taken, kind = sample(scope, words[0])
    match = _DEFAULTS[kind]
    data: dict[str, Any] = {"sample": taken}
    values: list[str] = []
    rest = list(words[1:])
    ended = False
    while rest and rest[0].startswith("-") and not _NUMBER.fullmatch(rest[0]):
        flag = rest.pop(0)
        if flag == "--":
            ended = True
            break
        if flag == "-i":
            data["ignore_case"] = True
        elif flag in ("-m", "-f") and not rest:
            raise Trouble(f"'{flag}' expects {'a way to compare' if flag == '-m' else 'the name of a file'}")
        elif flag == "-m":
            match = _match(rest.pop(0), kind)
        elif flag == "-f":
            values += _file(scope, rest.pop(0))
        elif flag != "-n":
            raise Trouble(f"flag '{flag}' is not supported", "-i, -m, -f, -n and -- are")
    values += rest
    data["match"] = match
    given = _values(match, values, dotted=taken["fetch"] == "req.ssl_ver")
    if given:
        data["values"] = given
    elif match not in ("bool", "found") and not ended:
        scope.warnings.append(f"'{' '.join(words)}' never matches: there is nothing to compare with")
    return data


def _match(text: str, kind: str) -> str:
    if text not in MATCHES:
        raise Trouble(f"'-m' expects one of {', '.join(MATCHES)}, got '{text}'", did_you_mean(text, MATCHES))
    if text not in ("found", "bool", *_ON_TEXT, *_POSSIBLE[kind]):
        raise Trouble(f"'-m {text}' cannot be used with a value of type {kind}")
    return text


def _file(scope: Scope, path: str) -> list[str]:
    read = scope.section.read_file
    if read is None:
        raise Trouble(f"'{path}' cannot be read here")
    try:
        text = read(path)
    except OSError as error:
        raise Trouble(f"'{path}' cannot be read: {error.strerror or error}") from None
    return [line for raw in text.splitlines() if (line := raw.strip()) and not line.startswith("#")]


def _values(match: str, words: Sequence[str], *, dotted: bool) -> list[str]:
    if match in ("bool", "found"):
        return []
    if match in ("int", "len"):
        return _numbers(words, dotted=dotted)
    for word in words:
        _check(match, word)
    if match == "ip":
        return [str(ip_network(word, strict=False)) for word in words]
    return list(words)


def _check(match: str, word: str) -> None:
    try:
        check_value(match, word)
    except ValueError as error:
        raise Trouble(str(error)) from None


def _numbers(words: Sequence[str], *, dotted: bool) -> list[str]:
    """`gt 5`, `1:10 20`: an operator counts for everything after it."""
    operator = "eq"
    found = []
    for word in words:
        if word in _OPERATORS:
            operator = word
            continue
        text = _DOTTED.sub(lambda part: str((int(part[1]) << 16) + int(part[2])), word) if dotted else word
        _check("int", text)
        if operator == "eq":
            found.append(text)
        elif ":" in text:
            raise Trouble(f"'{operator} {word}': a range cannot follow an operator")
        else:
            found.append(_OPERATORS[operator](int(text)))
    return found
