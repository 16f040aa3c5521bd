"""Every scenario of tests/cases/vrrp is told again and compared. `PYHA_REWRITE=1` writes what is told now."""

import os
from pathlib import Path

import pytest

from tests.sim.story import Story

CASES = sorted((Path(__file__).parents[1] / "cases" / "vrrp").glob("*.txt"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_story_is_told_as_it_is_written(path):
    written = path.read_text()
    told = "\n".join(Story().play(written)) + "\n"
    if os.environ.get("PYHA_REWRITE"):
        path.write_text(told)
    assert told == written


def test_there_are_stories():
    assert len(CASES) > 8
