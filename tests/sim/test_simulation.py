"""A thousand seeds in CI; `PYHA_SEEDS=100000` runs more, `PYHA_SEED=4711` one with its whole history."""

import os

import pytest

from .chaos import Chaos

SEEDS = int(os.environ.get("PYHA_SEEDS", "20000" if os.environ.get("PYHA_SOAK") else "1000"))
CHUNKS = 10


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_whatever_happens_there_is_one_active_router_in_the_end(chunk):
    for seed in range(chunk, SEEDS, CHUNKS):
        Chaos(seed).run()


@pytest.mark.skipif("PYHA_SEED" not in os.environ, reason="for looking at one seed")
def test_one_seed_with_its_history():
    chaos = Chaos(int(os.environ["PYHA_SEED"]))
    try:
        chaos.run()
    finally:
        print("\n".join(chaos.history))


def test_the_same_seed_is_the_same_story():
    stories = []
    for _ in range(2):
        chaos = Chaos(7)
        chaos.run()
        stories.append(chaos.history)
    assert stories[0] == stories[1]
    assert len(stories[0]) > 20
