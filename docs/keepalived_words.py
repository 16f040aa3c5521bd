"""The words of keepalived.conf, from the vocabularies of pyha/config/keepalived."""

from collections.abc import Iterator

from words import Page, Row, Table

from pyha.config.keepalived.top import TOP
from pyha.config.keepalived.vocabulary import Keyword, Vocabulary

INTRODUCTION = """
What becomes of each word of a keepalived.conf (the language of keepalived 2.2). A word that is in none of these lists
has a warning with the nearest word that exists, and the file goes on, as with keepalived. Every message begins with
`file:line`, and all of them come at once.
"""

def page() -> Page:
    """The page: the top of the file first, then each kind of block."""
    return Page("keepalived-words.md", "Words of keepalived.conf", INTRODUCTION,
                tuple(Table(vocabulary.place, tuple(_rows(vocabulary))) for vocabulary in _vocabularies(TOP, [])))


def _vocabularies(vocabulary: Vocabulary, seen: list[Vocabulary]) -> list[Vocabulary]:
    if not any(vocabulary is other for other in seen):
        seen.append(vocabulary)
        for keyword in vocabulary.keywords.values():
            if isinstance(keyword.block, Vocabulary):
                _vocabularies(keyword.block, seen)
    return seen


def _rows(vocabulary: Vocabulary) -> Iterator[Row]:
    for word, keyword in vocabulary.keywords.items():
        yield _translated(word, keyword)
    yield from (Row(word, "", "fulfilled", reason) for word, reason in vocabulary.fulfilled.items())
    yield from (Row(word, "", "without effect", reason) for word, reason in vocabulary.ignored.items())
    yield from (Row(word, "", "refused", "; ".join(reasons)) for word, reasons in vocabulary.refused.items())


def _translated(word: str, keyword: Keyword) -> Row:
    return Row(word, "", "translated", "a block, see below" if isinstance(keyword.block, Vocabulary) else "")
