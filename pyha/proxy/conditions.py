"""Conditions, compiled: rules are made into closures once per configuration, and then only called.

True, False, or None: not to be told yet, because the client has not said enough. Alternatives and terms are combined as
in three-valued logic, which is also how HAProxy waits.
"""

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Any

from pyha.config.rules_model import Condition, Criterion, Term, number_range

from .converters import number, text
from .fetches import look
from .hello import MORE
from .visit import Value, Visit
from .world import World

Test = Callable[[Visit], bool | None]
_GROWS = "req.len"
_DELIMITERS = {"dom": "/?.:", "dir": "/?"}


def always(_visit: Visit) -> bool | None:
    """No condition."""
    return True


def compiled(condition: Condition | None, world: World) -> Test:
    """ValueError: it refers to something that does not exist."""
    if condition is None:
        return always
    alternatives = [[_term(term, world) for term in terms] for terms in condition.alternatives]
    positive = _any([_all(tests) for tests in alternatives])
    return _not(positive) if condition.unless else positive


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(visit: Visit) -> bool | None:
        result: bool | None = True
        for one in tests:
            value = one(visit)
            if value is False:
                return False
            if value is None:
                result = None
        return result
    return test


def _any(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def test(visit: Visit) -> bool | None:
        result: bool | None = False
        for one in tests:
            value = one(visit)
            if value:
                return True
            if value is None:
                result = None
        return result
    return test


def _not(test: Test) -> Test:
    def negated(visit: Visit) -> bool | None:
        value = test(visit)
        return None if value is None else not value
    return negated


def _term(term: Term, world: World) -> Test:
    positive = _any([_criterion(criterion, world) for criterion in term.any_of])
    return _not(positive) if term.negated else positive


def _criterion(criterion: Criterion, world: World) -> Test:
    taken = look(criterion.sample, world)
    matches = matcher(criterion)
    grows = criterion.sample.fetch == _GROWS

    def test(visit: Visit) -> bool | None:
        value = taken(visit)
        if value is MORE:
            return False if visit.final else None
        if value is None:
            return False
        if matches(value):
            return True
        return None if grows and not visit.final else False
    return test


# -- ways to compare ---------------------------------------------------------------------------------------------------


def matcher(criterion: Criterion) -> Callable[[Value], bool]:
    """Whether a value matches one of the criterion's."""
    kind, values = criterion.match, criterion.values
    if kind == "found":
        return lambda _value: True
    if kind == "bool":
        return lambda value: bool(number(value))
    if kind == "ip":
        return _networks(values)
    if kind in ("int", "len"):
        return _ranges(values, length=kind == "len")
    if kind == "bin":
        wanted = {bytes.fromhex(value) for value in values}
        return lambda value: value in wanted
    if kind == "reg":
        patterns = [re.compile(value, re.IGNORECASE if criterion.ignore_case else 0) for value in values]
        return lambda value: any(pattern.search(text(value)) for pattern in patterns)
    return _texts(kind, values, ignore_case=criterion.ignore_case)


def _networks(values: tuple[str, ...]) -> Callable[[Value], bool]:
    """As many look-ups as there are prefix lengths, however many networks."""
    by_shift: dict[int, set[int]] = {}
    for value in values:
        network = ip_network(value, strict=False)
        first = int(network.network_address) + (0xFFFF << 32 if network.version == 4 else 0)
        shift = network.max_prefixlen - network.prefixlen
        by_shift.setdefault(shift, set()).add(first >> shift)
    tables = list(by_shift.items())

    def test(value: Value) -> bool:
        address = value if isinstance(value, int) else _address(text(value))
        return address is not None and any(address >> shift in firsts for shift, firsts in tables)
    return test


def _address(value: str) -> int | None:
    try:
        address = ip_address(value)
    except ValueError:
        return None
    return int(address) + (0xFFFF << 32 if address.version == 4 else 0)


def _ranges(values: tuple[str, ...], *, length: bool) -> Callable[[Value], bool]:
    ranges = [number_range(value) for value in values]

    def test(value: Value) -> bool:
        what = len(value if isinstance(value, bytes) else text(value)) if length else number(value)
        return what is not None and any(
            (low is None or low <= what) and (high is None or what <= high) for low, high in ranges)
    return test


def _texts(kind: str, values: tuple[str, ...], *, ignore_case: bool) -> Callable[[Value], bool]:
    wanted = tuple(value.lower() if ignore_case else value for value in values)
    compare = _comparison(kind, wanted)
    if ignore_case:
        return lambda value: compare(text(value).lower())
    return lambda value: compare(text(value))


def _comparison(kind: str, wanted: tuple[str, ...]) -> Callable[[str], bool]:
    if kind == "str":
        exact: Any = frozenset(wanted)
        return lambda value: value in exact
    if kind == "beg":
        return lambda value: value.startswith(wanted)
    if kind == "end":
        return lambda value: value.endswith(wanted)
    if kind == "sub":
        return lambda value: any(one in value for one in wanted)
    delimiters = _DELIMITERS[kind]
    words = tuple(one.strip(delimiters) for one in wanted)
    return lambda value: any(_stands_alone(word, value, delimiters) for word in words)


def _stands_alone(word: str, value: str, delimiters: str) -> bool:
    """Whether the word is in the value, between delimiters or ends."""
    at = value.find(word)
    while word and at >= 0:
        end = at + len(word)
        if (at == 0 or value[at - 1] in delimiters) and (end == len(value) or value[end] in delimiters):
            return True
        at = value.find(word, at + 1)
    return False
