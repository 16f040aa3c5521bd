"""Writes the pages of the manual that come from the program itself: `make docs`.

A page of words is a module beside this one with a function `page() -> Page` (docs/words.py); to add a language, write
one and name it in WORDS. A test compares the committed pages with what this would write.
"""

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORDS = ("haproxy_words", "keepalived_words")


def rendered() -> dict[Path, str]:
    """Every page, by the file it belongs into."""
    sys.path[:0] = [str(HERE), str(HERE.parent)]
    try:
        pages = [importlib.import_module(name).page() for name in WORDS]
        reference = importlib.import_module("native_reference")
    finally:
        del sys.path[:2]
    return {HERE / "manual" / page.file: page.markdown() for page in pages} | {reference.TARGET: reference.render()}


def main() -> None:
    """Write what differs, and say so."""
    for path, text in rendered().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"wrote {path.relative_to(HERE.parent)}\n")


if __name__ == "__main__":
    main()
