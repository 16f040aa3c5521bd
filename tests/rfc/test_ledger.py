"""The ledger names tests that exist, and says something about every requirement."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
LEDGER = TESTS / "rfc" / "rfc9568.md"
FILES = {
    "adv": "vrrp/test_advertisement.py", "router": "vrrp/test_router.py", "mismatch": "vrrp/test_mismatch.py",
    "raw": "runtime/test_rawsocket.py", "packets": "runtime/test_packets.py", "vrrpd": "netns/test_vrrpd.py",
    "sim": "sim/test_simulation.py", "words": "netns/test_vrrpd_words.py",
}
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in LEDGER.read_text().splitlines()
        if re.match(r"\| [5-9]", line)]


def functions(path: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row[0]} {row[1][:50]}")
def test_every_requirement_names_tests_that_exist_or_a_reason(row):
    _section, _requirement, shown = row
    named = re.findall(r"(\S+):(test_\w+)", shown)
    for where, name in named:
        assert name in functions(TESTS / FILES.get(where, where)), f"{where}: {name}"
    stories = re.findall(r"case:(\w+)", shown)
    for story in stories:
        assert (TESTS / "cases" / "vrrp" / f"{story}.txt").exists(), story
    assert named or stories or "reason: " in shown or "kernel: " in shown


def test_the_ledger_is_there():
    assert len(ROWS) > 35
