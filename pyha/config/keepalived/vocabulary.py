"""What may stand in a block: the registries' shape, what is done with a word, and makers of handlers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pyha.config.origin import did_you_mean

from .statement import Scope, Statement, boolean, decimal, duration, no_more, number

Handler = Callable[[Scope, Statement], None]


@dataclass(frozen=True, slots=True)
class Keyword:
    """What is done with a word. `needs`: how many arguments keepalived insists on; it ends when one is missing.

    `block`: the vocabulary of its block, "entries" when every line of it is an entry, None when it has none.
    """

    handler: Handler
    needs: int = 0
    block: "Vocabulary | str | None" = None
    command: bool = False  # its argument is a command, with quotes of its own


@dataclass(frozen=True)
class Vocabulary:
    """The words of one block, by what becomes of them.

    `keywords` are translated. `fulfilled`: pyha does that anyway. `ignored`: without effect, with a warning and the
    reason. `refused`: the reason and what to do instead, because leaving it out would change what clients get.
    """

    place: str
    keywords: Mapping[str, Keyword]
    fulfilled: Mapping[str, str] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)  # words of other blocks, and which

    @property
    def known(self) -> tuple[str, ...]:
        """Every word of it."""
        return (*self.keywords, *self.fulfilled, *self.ignored, *self.refused)


def apply(vocabulary: Vocabulary, scope: Scope, statements: Sequence[Statement]) -> None:
    """Do what the statements of a block say, in their order."""
    for statement in statements:
        word = statement.keyword
        if word in vocabulary.known:  # a word in the wrong block is not there, even if the block shares its scope
            scope.mentioned.add(word)
        if word in vocabulary.keywords:
            _translate(vocabulary, scope, statement)
        elif word in vocabulary.refused:
            reason, advice = vocabulary.refused[word]
            scope.error(statement, f"'{word}' is not supported: {reason}", advice)
        elif word in vocabulary.ignored:
            scope.ignore(statement, f"'{word}' has no effect: {vocabulary.ignored[word]}")
        elif word not in vocabulary.fulfilled:
            _unknown(vocabulary, scope, statement)


def _translate(vocabulary: Vocabulary, scope: Scope, statement: Statement) -> None:
    keyword = vocabulary.keywords[statement.keyword]
    if keyword.block is None and statement.body is not None:
        scope.error(statement, f"'{statement.keyword}' has no block: unexpected '{{'")
    elif keyword.block is not None and statement.body is None:
        scope.error(statement, f"'{statement.keyword}' is not followed by a block in braces", "add the missing '{'")
    elif len(statement.args) < keyword.needs:
        scope.error(statement, f"'{statement.keyword}' expects an argument",
                    "keepalived does not start without it either")
    else:
        keyword.handler(scope, statement)


def _unknown(vocabulary: Vocabulary, scope: Scope, statement: Statement) -> None:
    where = f" in {scope.describe()}" if scope.kind else ""
    hint = did_you_mean(statement.keyword, vocabulary.known)
    if (place := vocabulary.elsewhere.get(statement.keyword)) is not None:
        hint = f"it belongs into a '{place}' block; is there a '}}' too much before it?"
    if statement.body is not None and scope.kind:
        # keepalived takes the words of such a block for words of the outer one, and its end for the end of that.
        scope.error(statement, f"unknown block '{statement.keyword}'{where}", hint or "remove it")
    else:
        scope.ignore(statement, f"unknown keyword '{statement.keyword}'{where}, without effect as in keepalived", hint)


# -- makers of handlers for the many keywords that set one field -------------------------------------------------------


def sets_number(key: str, low: int, high: int = 2**31 - 1) -> Keyword:
    """A keyword with one whole number."""
    def handler(scope: Scope, statement: Statement) -> None:
        value = number(scope, statement, statement.arg(0), low, high)
        if value is not None:
            scope.put(key, value, statement.origin)
        no_more(scope, statement, 1)
    return Keyword(handler, needs=1)


def sets_duration(key: str, low: float, high: float) -> Keyword:
    """A keyword with a time in seconds, kept in milliseconds."""
    def handler(scope: Scope, statement: Statement) -> None:
        value = duration(scope, statement, statement.arg(0), low, high)
        if value is not None:
            scope.put(key, value, statement.origin)
        no_more(scope, statement, 1)
    return Keyword(handler, needs=1)


def sets_seconds(key: str, low: float, high: float) -> Keyword:
    """A keyword with a time in seconds, kept in seconds because milliseconds are too coarse."""
    def handler(scope: Scope, statement: Statement) -> None:
        value = decimal(scope, statement, statement.arg(0), low, high)
        if value is not None:
            scope.put(key, value, statement.origin)
        no_more(scope, statement, 1)
    return Keyword(handler, needs=1)


def sets_word(key: str) -> Keyword:
    """A keyword with one word."""
    def handler(scope: Scope, statement: Statement) -> None:
        scope.put(key, statement.args[0], statement.origin)
        no_more(scope, statement, 1)
    return Keyword(handler, needs=1)


def sets_flag(key: str, *, value: bool = True) -> Keyword:
    """A keyword without argument."""
    def handler(scope: Scope, statement: Statement) -> None:
        scope.put(key, value, statement.origin)
        no_more(scope, statement, 0)
    return Keyword(handler)


def sets_boolean(key: str, *, inverted: bool = False) -> Keyword:
    """A keyword with an optional on or off; `inverted`: the field says the opposite."""
    def handler(scope: Scope, statement: Statement) -> None:
        value = boolean(scope, statement)
        if value is not None:
            scope.put(key, value != inverted, statement.origin)
        no_more(scope, statement, 1)
    return Keyword(handler)
