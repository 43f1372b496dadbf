"""The Bloom filter and the block that it is in."""

from __future__ import annotations

import numpy as np
import pytest

from copycat.verbatim.text.mitigations.block import NgramBlock
from copycat.verbatim.text.mitigations.bloom import BloomFilter

RNG = np.random.default_rng(3)
MEMBERS, STRANGERS = RNG.integers(0, 2**63, (2, 20_000), dtype=np.uint64)


@pytest.mark.parametrize("rate", [0.1, 0.01, 0.001])
def test_no_member_is_missed_and_as_many_strangers_are_let_in_as_was_asked_for(rate: float) -> None:
    found = BloomFilter(len(MEMBERS), rate)
    found.add(MEMBERS)
    assert found.holds(MEMBERS).all()
    wrong = found.holds(STRANGERS[~np.isin(STRANGERS, MEMBERS)]).mean()
    assert rate / 2 < wrong < rate * 2
    assert found.rate == pytest.approx(rate, rel=0.2)


def test_its_size_is_what_it_takes_in_memory() -> None:
    block = NgramBlock([[int(t) for t in RNG.integers(0, 50, 5000)]], vocabulary=50, n=4, rate=0.001)
    assert block.facts()["bytes"] < 8 * block.facts()["runs"]
    made = BloomFilter(100_000, 0.001)
    held = [v for v in vars(made).values() if isinstance(v, np.ndarray)]
    assert sum(v.nbytes for v in held) == made.bytes == made.bits // 8


def test_an_empty_filter_holds_nothing() -> None:
    assert not BloomFilter(0, 0.01).holds(MEMBERS).any()


def test_what_is_forbidden_is_what_completes_a_run() -> None:
    text = [5, 1, 4, 1, 5, 9, 2, 6]
    block = NgramBlock([text, [7]], vocabulary=10, n=3, rate=1e-6)
    runs = {tuple(text[i : i + 3]) for i in range(len(text) - 2)}
    for a in range(10):
        for b in range(10):
            forbidden = {int(t) for t in np.flatnonzero(block.forbidden([3, a, b]))}
            assert forbidden == {c for c in range(10) if (a, b, c) in runs}
    assert not block.forbidden([5]).any()
    facts = block.facts()
    assert facts["runs"] == len(runs)
    assert facts["false_positive_rate_measured"] < 1e-3
