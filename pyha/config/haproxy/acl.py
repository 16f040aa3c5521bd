"""ACLs and the conditions made of them (HAProxy's manual, section 7): read, and what can be known without a client.

A condition is read, checked for words that do not exist, and reduced to true, false or unknown; `too_few_servers`
recognises the one that `monitor fail` is written with. What depends on a client is translated by criteria.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pyha.config.origin import did_you_mean

from .fetches import FETCHES
from .statement import Section, Statement

PREDEFINED: Final[dict[str, tuple[str, ...]]] = {
    "FALSE": ("always_false",), "TRUE": ("always_true",), "LOCALHOST": ("src", "127.0.0.1/8", "::1"),
    "WAIT_END": ("wait_end",), "REQ_CONTENT": ("req.len", "gt", "0"), "RDP_COOKIE": ("req.rdp_cookie_cnt", "gt", "0"),
    "HTTP": ("req.proto_http",), "HTTP_1.0": ("req.ver", "1.0"), "HTTP_1.1": ("req.ver", "1.1"),
    "HTTP_2.0": ("req.ver", "2.0"), "HTTP_CONTENT": ("req.hdr_val(content-length)", "gt", "0"),
    "HTTP_URL_ABS": ("url_reg", "^[^/:]*://"), "HTTP_URL_SLASH": ("url_beg", "/"), "HTTP_URL_STAR": ("url", "*"),
} | {f"METH_{method}": ("method", method)
     for method in ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT", "TRACE")}
"""The ACLs that exist without being declared (section 7.4)."""

_NAME = re.compile(r"[A-Za-z0-9_.:-]+")
_FETCH = re.compile(r"[A-Za-z0-9_.+-]+")
_NBSRV = re.compile(r"nbsrv\(([^()]+)\)")
_HTTP_FETCH = re.compile(r"(base|capture\.|cook|hdr|http_|method|path|query|re[qs]\.(body|cook|f?hdr|proto|ver)|"
                         r"s(cook|hdr)|status|url)")


@dataclass(frozen=True, slots=True)
class Term:
    """One ACL of a condition: any of its expressions may match."""

    negated: bool
    expressions: Sequence[tuple[str, ...]]  # those of an `acl` grow while its section is read
    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """`if` or `unless`, then alternatives of terms that must all be true."""

    alternatives: tuple[tuple[Term, ...], ...]
    unless: bool
    text: str

    def looks_into_http(self) -> bool:
        """Whether a term needs an HTTP request."""
        return any(_HTTP_FETCH.match(expression[0]) for terms in self.alternatives for term in terms
                   for expression in term.expressions)


def declare(section: Section, statement: Statement) -> None:
    """`acl NAME CRITERION [FLAGS] [OPERATOR] [VALUES...]`."""
    name = statement.arg(0)
    if len(statement.args) < 2:
        section.error(statement, "'acl' expects a name and a criterion as arguments",
                      "for example: acl local src 10.0.0.0/8")
    elif not _NAME.fullmatch(name):
        section.error(statement, f"'acl': '{name}' is not a name", "letters, digits and - _ . : are permitted")
    elif _known(section, statement, statement.args[1:]):
        section.acls.setdefault(name, []).append(statement.args[1:])


def condition(section: Section, statement: Statement, words: tuple[str, ...]) -> Condition | None:
    """Read `if ...` or `unless ...`; None after a problem was reported."""
    if len(words) < 2 or words[0] not in ("if", "unless"):
        got = f"got '{' '.join(words)}'" if words else "nothing follows"
        section.error(statement, f"'{statement.keyword}' expects 'if' or 'unless' followed by a condition, {got}")
        return None
    alternatives: list[tuple[Term, ...]] = []
    terms: list[Term] = []
    rest = list(words[1:])
    while rest:
        if rest[0] in ("or", "||"):
            del rest[0]
            alternatives.append(tuple(terms))
            terms = []
            continue
        term = _term(section, statement, rest)
        if term is None:
            return None
        terms.append(term)
    alternatives.append(tuple(terms))
    if not all(alternatives):
        section.error(statement, f"'{statement.keyword}': an 'or' stands without a condition beside it")
        return None
    return Condition(tuple(alternatives), words[0] == "unless", " ".join(words))


def _term(section: Section, statement: Statement, rest: list[str]) -> Term | None:
    """Take one term off the words."""
    negated = False
    while rest and rest[0].startswith("!"):
        negated = not negated
        rest[0] = rest[0][1:]
        if not rest[0]:
            del rest[0]
    if not rest:
        section.error(statement, f"'{statement.keyword}': '!' stands without a condition after it")
        return None
    if rest[0] != "{":
        name = rest.pop(0)
        lines = section.acls.get(name) or ([PREDEFINED[name]] if name in PREDEFINED else None)
        if lines is None:
            section.error(statement, f"'{statement.keyword}': no such ACL: '{name}'",
                          did_you_mean(name, (*section.acls, *PREDEFINED)) or "declare it with 'acl' above this line")
            return None
        return Term(negated, lines, name)
    if "}" not in rest:
        section.error(statement, f"'{statement.keyword}': missing closing '}}' in condition",
                      "a space is needed before and after each brace")
        return None
    end = rest.index("}")
    expression = tuple(rest[1:end])
    del rest[:end + 1]
    return Term(negated, (expression,), " ".join(expression)) if _known(section, statement, expression) else None


def _fetch_name(text: str) -> str:
    match = _FETCH.match(text)
    return match[0] if match else ""


def _known(section: Section, statement: Statement, expression: tuple[str, ...]) -> bool:
    if not expression:
        section.error(statement, f"'{statement.keyword}': empty ACL expression between braces")
        return False
    name = _fetch_name(expression[0])
    if name in FETCHES or name.startswith("lua."):
        return True
    section.error(statement, f"'{statement.keyword}': unknown fetch method '{name or expression[0]}' in ACL expression "
                  f"'{' '.join(expression)}'", did_you_mean(name, FETCHES))
    return False


# -- what can be known without a client --------------------------------------------------------------------------------


def truth(subject: Condition | None) -> bool | None:
    """True or False when the condition is constant (no condition is true), None when it depends on the client."""
    if subject is None:
        return True
    values = [_all(tuple(_term_truth(term) for term in terms)) for terms in subject.alternatives]
    value = True if True in values else None if None in values else False
    return value if value is None else value ^ subject.unless


def _all(values: tuple[bool | None, ...]) -> bool | None:
    return False if False in values else None if None in values else True


def _term_truth(term: Term) -> bool | None:
    constants: dict[tuple[str, ...], bool] = {("always_true",): True, ("always_false",): False}
    values = [constants.get(expression) for expression in term.expressions]
    value = True if True in values else None if None in values else False
    return value if value is None else value ^ term.negated


def too_few_servers(subject: Condition) -> list[tuple[str, int]] | None:
    """`(backend, n)` pairs, one of which must have fewer than n usable servers for the condition to hold; else None."""
    terms: list[tuple[Term, bool]]
    if subject.unless:  # not (a and b) is (not a) or (not b)
        if len(subject.alternatives) != 1:
            return None
        terms = [(term, not term.negated) for term in subject.alternatives[0]]
    elif any(len(alternative) != 1 for alternative in subject.alternatives):
        return None
    else:
        terms = [(alternative[0], alternative[0].negated) for alternative in subject.alternatives]
    found = [_fewer(expression, negated=negated) for term, negated in terms for expression in term.expressions]
    if any(negated and len(term.expressions) > 1 for term, negated in terms):
        return None
    return [pair for pair in found if pair is not None] if None not in found else None


def _fewer(expression: tuple[str, ...], *, negated: bool) -> tuple[str, int] | None:
    """`nbsrv(b) lt 1` and other ways to write it."""
    backend = _NBSRV.fullmatch(expression[0])
    operator, value = ("gt", "0") if len(expression) == 1 else expression[-2:]
    if len(expression) == 2:
        operator = "eq"
    low, colon, high = value.partition(":")
    if not backend or len(expression) > 3 or not (low.isascii() and low.isdigit()) or (colon and not high.isdigit()):
        return None
    number = int((high or low)[:9])
    if colon and (low != "0" or operator != "eq"):
        return None
    if operator == "eq" and not negated and low == "0":
        return backend[1], number + 1
    least = {("lt", False): number, ("le", False): number + 1, ("ge", True): number, ("gt", True): number + 1}
    count = least.get((operator, negated))
    return (backend[1], count) if count else None
