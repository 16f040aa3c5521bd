"""Log-format strings inside checks: what they may say there (HAProxy's manual, sections 4.2 and 8.2.6).

A check has no session, so nearly all variables of log lines are empty. What is left is text and, where an answer has
come, parts of it.
"""

import re

_EXPRESSION = re.compile(r"%\[(?P<inner>[^\]]*)\]|%(?P<other>%|\w*)")
_TEXT = re.compile(r"str\((?P<text>[^)]*)\)")
_PAYLOAD = re.compile(r"res\.payload\(\d{1,5},\d{1,5}\)(,(cut_crlf|lower|upper|[lr]trim\(' '\)))*")


class TextError(ValueError):
    """A sentence about a log-format string."""


def constant_text(text: str, *, backend: str) -> str:
    """The text, with what is known now filled in. Raises TextError for what only a server or an answer could say."""
    def known(match: re.Match[str]) -> str:
        inner = match["inner"]
        if inner is None:
            if match["other"] == "%":
                return "%"
            raise TextError(f"'{match[0]}' cannot be told in a check, which belongs to no session")
        fixed = _TEXT.fullmatch(inner.strip())
        if fixed:
            return fixed["text"]
        if inner.strip() == "be_name":
            return backend
        raise TextError(f"'{match[0]}' is not supported in a check, except str(TEXT) and be_name")
    return _EXPRESSION.sub(known, text)


def answer_text(text: str) -> str:
    """The same string, once it is clear that an answer is all it needs. Raises TextError."""
    for match in _EXPRESSION.finditer(text):
        inner = match["inner"]
        if inner is None:
            if match["other"] != "%":
                raise TextError(f"'{match[0]}' cannot be told in a check, which belongs to no session")
        elif not (_TEXT.fullmatch(inner.strip()) or _PAYLOAD.fullmatch(inner.strip())):
            raise TextError(f"'{match[0]}' is not supported in a check, only str(TEXT) and res.payload(OFFSET,LENGTH), "
                            "cut_crlf, ltrim(' '), rtrim(' '), lower, upper")
    return text
