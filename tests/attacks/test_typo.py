"""Misspellings."""

from __future__ import annotations

import random

from copycat.attacks.search import Tally
from copycat.attacks.typo import Typo, TypoOptions, misspelt
from tests.attacks.test_search import Scripted


def _distance(a: str, b: str) -> int:
    """Edits between two words: insertions, deletions, changes, and swaps of neighbours."""
    d = {(i, -1): i + 1 for i in range(-1, len(a))} | {(-1, j): j + 1 for j in range(-1, len(b))}
    for i in range(len(a)):
        for j in range(len(b)):
            d[i, j] = min(d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (a[i] != b[j]))
            if i and j and a[i] == b[j - 1] and a[i - 1] == b[j]:
                d[i, j] = min(d[i, j], d[i - 2, j - 2] + 1)
    return d[len(a) - 1, len(b) - 1]


def test_each_edit_is_one() -> None:
    for seed in range(300):
        found = misspelt("Zori Two", 1, random.Random(seed))
        assert _distance("Zori Two", found) <= 1
        assert found[0] == "Z"
    assert len({misspelt("Zori Two", 1, random.Random(s)) for s in range(300)}) > 20
    assert any(_distance("Zori Two", misspelt("Zori Two", 3, random.Random(s))) == 3 for s in range(20))
    assert misspelt("Z", 2, random.Random(0)) == "Z", "the first letter stays"


def test_it_misspells_the_name_and_nothing_else_never_twice_the_same() -> None:
    tally = Tally()
    attempts = [a.prompt for a in Typo(TypoOptions(queries=20)).attempts(Scripted(tally))]
    assert len(attempts) == len(set(attempts)) > 20
    assert all(a is not None and a.endswith(" the owl with red cape") for a in attempts)
    assert all(not str(a).startswith("Zori the") for a in attempts)
    again = [a.prompt for a in Typo(TypoOptions(queries=20)).attempts(Scripted(tally))]
    other = [a.prompt for a in Typo(TypoOptions(queries=20, seed=1)).attempts(Scripted(tally))]
    assert attempts == again
    assert attempts != other


def test_a_prompt_without_the_name_has_nothing_to_misspell() -> None:
    victim = Scripted(Tally())
    victim.request = victim.request.model_copy(update={"source_prompt": "an owl"})
    assert list(Typo(TypoOptions()).attempts(victim)) == []


def test_blanks_and_marks_stay_where_they_are() -> None:
    for seed in range(300):
        found = misspelt("Ash Ketchum-Ito", 1, random.Random(seed))
        assert [len(word) for word in found.replace("-", " ").split(" ")] in (
            [3, 7, 3], [2, 7, 3], [4, 7, 3], [3, 6, 3], [3, 8, 3], [3, 7, 2], [3, 7, 4],
        ), found  # fmt: skip
