"""The statistics as comma-separated values, as HAProxy writes them (management manual, section 9.1)."""

from collections.abc import Collection, Iterable

from .fields import FIELDS, Value
from .row import Row

CONFIGURED = frozenset({"addr", "cookie", "algo"})
"""Columns that tell about the configuration: on the web only with `stats show-legends`."""


def render(rows: Iterable[Row], hidden: Collection[str] = ()) -> str:
    """A header and one line a row, each with a comma at its end. Columns named in `hidden` are there, but empty."""
    lines = ["# " + "".join(f"{field.name}," for field in FIELDS)]
    lines += ["".join(quoted(None if field.name in hidden else field.of(row)) + "," for field in FIELDS)
              for row in rows]
    return "\n".join(lines) + "\n\n"


def quoted(value: Value) -> str:
    """One value; in quotes, doubled inside, where a reader could stumble (RFC 4180)."""
    text = "" if value is None else str(value)
    if not any(character in text for character in ',"\r\n'):
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'
