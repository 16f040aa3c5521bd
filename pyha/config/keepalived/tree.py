"""Lines to statements with their blocks. What a word's block looks like is known to the vocabulary that it stands in.

Three shapes: settings (words with blocks of their own), entries (every line is one, as in `virtual_ipaddress`), and
none. What follows an unknown word in braces belongs to it, whatever it is.
"""

import re
from collections.abc import Sequence

from pyha.config.draft import Draft
from pyha.config.origin import Origin

from .lexer import Line, QuoteError, quoted_words, words
from .statement import Statement
from .vocabulary import Keyword, Vocabulary

_DEEPEST = 50
_FIRST_WORD = re.compile(r'[^ \t\v\f"]*')


def statements(lines: Sequence[Line], vocabulary: Vocabulary, draft: Draft) -> list[Statement]:
    """The statements of a whole file."""
    return _Parser(lines, draft).block(vocabulary, None)


class _Parser:
    def __init__(self, lines: Sequence[Line], draft: Draft) -> None:
        self._lines = lines
        self._draft = draft
        self._at = 0

    def block(self, vocabulary: Vocabulary | None, opened: Statement | None, depth: int = 0) -> list[Statement]:
        """Statements up to the brace that closes the block, or to the end of the file when `opened` is None."""
        found: list[Statement] = []
        while (line := self._next()) is not None:
            if line.text == "}":
                if opened is not None:
                    return found
                self._draft.warn(line.origin, "this '}' closes nothing", "remove it, or find the missing '{'",
                                 ignored=True)
            elif line.text == "{":
                self._draft.error(line.origin, "this '{' opens the block of no word", "a block begins with a keyword")
                self._with_body(_NOTHING, None, depth, at=self._at - 1)
            else:
                keyword = vocabulary.keywords.get(_first_word(line.text)) if vocabulary else None
                statement = self._statement(line, command=keyword is not None and keyword.command)
                if statement is not None:
                    found.append(self._with_body(statement, keyword, depth))
        self._unclosed(opened)
        return found

    def _with_body(self, statement: Statement, keyword: Keyword | None, depth: int, at: int | None = None) -> Statement:
        """The statement with the block that begins at a line: the next one, unless `at` says otherwise."""
        at = self._at if at is None else at
        if not (at < len(self._lines) and self._lines[at].text == "{"):
            return statement
        self._at = at + 1
        if depth >= _DEEPEST:
            self._draft.error(self._lines[at].origin, f"more than {_DEEPEST} blocks within each other")
            self._at = len(self._lines)
            body: list[Statement] = []
        elif keyword is not None and keyword.block == "entries":
            body = self._entries(statement)
        else:
            inner = keyword.block if keyword is not None and isinstance(keyword.block, Vocabulary) else None
            body = self.block(inner, statement, depth + 1)
        return Statement(statement.keyword, statement.args, statement.origin, statement.text, tuple(body))

    def _entries(self, opened: Statement) -> list[Statement]:
        """A block in which nothing opens another one: keepalived takes a brace that is missing before for an entry."""
        found: list[Statement] = []
        while (line := self._next()) is not None:
            if line.text == "}":
                return found
            if line.text == "{":
                word = found.pop() if found else None
                self._draft.warn(line.origin, f"a '}}' is missing before this: '{opened.keyword}' of line "
                                 f"{opened.origin.line} is still open" + (f", and '{word.keyword} {{' is left out as "
                                 "keepalived does it" if word else ""), "close the block", ignored=True)
                continue
            statement = self._statement(line, command=False)
            if statement is not None:
                found.append(statement)
        self._unclosed(opened)
        return found

    def _unclosed(self, opened: Statement | None) -> None:
        if opened is not None and opened is not _NOTHING:
            self._draft.warn(opened.origin, f"the block of '{opened.keyword}' is not closed at the end of the file",
                             "add the missing '}'")

    def _statement(self, line: Line, *, command: bool) -> Statement | None:
        try:
            first, *rest = quoted_words(line.text) if command else words(line.text)
        except QuoteError as error:
            self._draft.error(line.origin, str(error), "add the missing quote")
            return None
        return Statement(first, tuple(rest), line.origin, line.text)

    def _next(self) -> Line | None:
        if self._at >= len(self._lines):
            return None
        self._at += 1
        return self._lines[self._at - 1]


def _first_word(text: str) -> str:
    match = _FIRST_WORD.match(text)
    return match.group() if match else ""


_NOTHING = Statement("{", (), Origin(""))
