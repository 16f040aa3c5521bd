"""`monitor fail if ...` (HAProxy's manual, section 4.2): conditions on numbers of usable servers."""

from collections.abc import Callable
from typing import Final

from pyha.config.rules_model import Condition, Criterion, number_range

MONITORED: Final = ("always_false", "always_true", "nbsrv")
"""The samples that such a condition can look at."""


def holds(condition: Condition, usable: Callable[[str], int]) -> bool:
    """Whether it holds now. `usable`: how many servers of a backend can serve."""
    positive = any(
        all(any(_matches(criterion, usable) for criterion in term.any_of) is not term.negated for term in terms)
        for terms in condition.alternatives)  # fmt: skip
    return positive is not condition.unless


def _matches(criterion: Criterion, usable: Callable[[str], int]) -> bool:
    sample = criterion.sample
    count = usable(sample.args[0]) if sample.fetch == "nbsrv" else int(sample.fetch == "always_true")
    if criterion.match == "found":
        return True
    if criterion.match == "bool":
        return count > 0
    ranges = [number_range(value) for value in criterion.values] if criterion.match == "int" else []
    return any((low is None or low <= count) and (high is None or count <= high) for low, high in ranges)
