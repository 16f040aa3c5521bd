"""The pages of the manual that list words are those that the registries give."""

import importlib.util
from pathlib import Path

import pytest

from pyha.config.haproxy import matrix, server_options

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {path.name: (path, text) for path, text in module.rendered().items()}


def test_the_committed_pages_are_up_to_date(pages):
    stale = [name for name, (path, text) in pages.items() if not path.exists() or path.read_text() != text]
    assert stale == [], "run 'make docs'"


def test_the_page_of_haproxy_has_every_word(pages):
    _, text = pages["haproxy-words.md"]
    for word in (*matrix.PLACES, *server_options.KNOWN):
        assert f"| `{word}` |" in text, word


def test_the_manual_links_every_page(pages):
    contents = (ROOT / "docs" / "manual" / "README.md").read_text()
    for name in pages:
        assert f"({name})" in contents
