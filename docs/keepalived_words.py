"""The words of keepalived.conf, from the registries of pyha/config/keepalived."""

from collections.abc import Iterator

from words import Page, Row, Table

from pyha.config.keepalived import address, pending, routes
from pyha.config.keepalived.top import TOP
from pyha.config.keepalived.vocabulary import Vocabulary

INTRODUCTION = """
What becomes of each word of a keepalived.conf (the language of keepalived 2.2.7, and the words of 2.4.3 that are new).
A word that is in none of these lists has no effect, as in keepalived; it is told, with the nearest word that exists. A
value that keepalived replaces by the default is replaced, and told; what would give two masters, or not the addresses
that clients expect, is an error. Every message begins with `file:line`, and all of them come at once.

Comments, quotes, braces on any line, `include` and its relatives, `@id`, `$NAME=`, `~SEQ` and `~LST` work as
keepalived.conf(5) describes them. `${_RANDOM}` is another number on every node, and the same after a reload.
"""


def page() -> Page:
    """The page."""
    return Page("keepalived-words.md", "Words of keepalived.conf", INTRODUCTION, (
        Table("The file", _rows(TOP)),
        *(Table(f"{inner.place}", _rows(inner)) for inner in _blocks(TOP)),
        Table("Options of an address", _options(address.OPTIONS, tuple(pending.ADDRESS.values()))),
        Table("Options of a route", _options(routes.ROUTE_OPTIONS)),
        Table("Options of a rule", _options(routes.RULE_OPTIONS)),
    ))


def _blocks(vocabulary: Vocabulary) -> Iterator[Vocabulary]:
    """The vocabularies within one, each once."""
    seen: list[str] = []
    for keyword in vocabulary.keywords.values():
        if isinstance(keyword.block, Vocabulary) and keyword.block.place not in seen:
            seen.append(keyword.block.place)
            yield keyword.block
            yield from _blocks(keyword.block)


def _rows(vocabulary: Vocabulary) -> tuple[Row, ...]:
    later = {word: instead for _asking, word, instead in (*pending.ROUTER.values(), *pending.WHOLE.values())}
    never = {word: reason for _asking, word, reason, _advice in pending.REFUSED.values()}
    rows = []
    for word in vocabulary.keywords:
        if word in never:
            rows.append(Row(word, "", "refused", never[word]))
        elif word in later:
            rows.append(Row(word, "", "without effect", f"not yet: {later[word]}"))
        else:
            rows.append(Row(word, "", "translated"))
    rows += [Row(word, "", "fulfilled", reason) for word, reason in vocabulary.fulfilled.items()]
    rows += [Row(word, "", "without effect", reason) for word, reason in vocabulary.ignored.items()]
    rows += [Row(word, "", "refused", f"{reason}; {advice}") for word, (reason, advice) in vocabulary.refused.items()]
    return tuple(rows)


def _options(known: tuple[str, ...], later: tuple[str, ...] = ()) -> tuple[Row, ...]:
    return tuple(Row(word, "", "without effect", "not yet") if word in later else Row(word, "", "translated")
                 for word in dict.fromkeys(known))
