"""The threshold where it was put, none where there is none, and the published procedure to the letter."""

from __future__ import annotations

import random as shuffling
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from copycat.errors import UserError
from copycat.imitation.estimate import Settings, estimate
from copycat.imitation.locating import shortest_segment
from copycat.imitation.outliers import Resemblance, outliers, resemblances
from copycat.imitation.scores import Scored
from copycat.imitation.sensitivity import by_encoder, by_penalty, by_prompt


def concepts(scores: list[float], counts: list[float] | None = None) -> list[Scored]:
    """One picture each; counts 10, 20, 30 … unless given."""
    counts = counts or [10.0 * (i + 1) for i in range(len(scores))]
    return [Scored(f"c{i:03d}", n, ((s,),)) for i, (n, s) in enumerate(zip(counts, scores, strict=True))]


def step(n: int, at: int, height: float, noise: float, seed: int) -> list[Scored]:
    """Scores with one step, of two prompts with six pictures each."""
    random = np.random.default_rng(seed)
    made = []
    for i in range(n):
        level = 0.2 + height * (i >= at) + random.normal(0, noise)
        prompts = tuple(tuple(level + random.normal(0, 0.05, 6)) for _ in range(2))
        made.append(Scored(f"c{i:03d}", float(i + 1), prompts, ("p", "q")))
    return made


def published(pairs: list[tuple[float, float]], penalty: float = 0.9) -> float | None:
    """The published procedure on (count, score) pairs, by trying every partition."""
    ordered = sorted(pairs)
    y = [score for _, score in ordered]

    def cost(cuts: tuple[int, ...]) -> float:
        parts = [y[a:b] for a, b in pairwise((0, *cuts, len(y)))]
        return sum(sum((v - sum(p) / len(p)) ** 2 for v in p) for p in parts) + penalty * len(cuts)

    best = min((c for r in range(5) for c in combinations(range(1, len(y)), r)), key=cost)
    return ordered[best[0]][0] if best else None


@pytest.mark.parametrize("seed", range(10))
def test_a_table_gives_what_the_published_procedure_gives(seed: int) -> None:
    random = np.random.default_rng(seed)
    height, second = random.uniform(0.3, 1.6), random.uniform(-0.9, 0.9)
    y = 0.2 + height * (np.arange(18) >= 6) + second * (np.arange(18) >= 13) + random.normal(0, 0.1, 18)
    pairs = [(float(10 * 2**i), float(v)) for i, v in enumerate(y)]
    expected = published(pairs)
    shuffling.Random(seed).shuffle(pairs)
    found = estimate(
        concepts([s for _, s in pairs], [n for n, _ in pairs]), Settings(rule="reference", draws=0)
    )
    assert found.answer.threshold == found.reference.threshold == expected


def test_the_published_procedure_says_both_where_and_none() -> None:
    # Without both, the test above could pass on one kind alone.
    outcomes = {published([(float(i), 0.2 + h * (i >= 6)) for i in range(18)]) for h in (0.3, 1.2)}
    assert outcomes == {None, 6.0}


@pytest.mark.parametrize("rule", ["tested", "reference"])
def test_the_threshold_is_the_count_after_the_step(rule: str) -> None:
    found = estimate(concepts([0.1] * 20 + [0.9] * 20), Settings(rule=rule, draws=50))
    assert (found.answer.threshold, found.answer.below) == (210.0, 200.0)
    assert [(s.concepts, s.mean) for s in found.segments] == [
        (20, pytest.approx(0.1)),
        (20, pytest.approx(0.9)),
    ]
    assert found.interval is not None
    assert found.interval.low <= 210 <= found.interval.high


def test_a_step_too_small_for_the_published_penalty_is_found_all_the_same() -> None:
    found = estimate(step(60, 30, 0.2, 0.04, 0), Settings(draws=0))
    assert found.reference.threshold is None
    assert found.answer.threshold == pytest.approx(31, abs=1)
    assert found.step_p is not None
    assert found.step_p < 0.01


def test_flat_scores_have_no_threshold() -> None:
    all_found = [estimate(step(60, 0, 0.0, 0.1, seed), Settings(draws=20)) for seed in range(6)]
    flat = [found for found in all_found if found.step_p is None or found.step_p >= 0.05]
    assert len(flat) >= 5, "the level is one of twenty"
    for found in flat:
        assert found.answer.at is None
        assert found.interval is None
        assert outliers(found) == []


def test_falling_scores_have_no_threshold() -> None:
    found = estimate(concepts([0.9] * 20 + [0.1] * 20), Settings(draws=0))
    assert found.answer.threshold is None
    # The published rule takes any first change, as published.
    assert found.reference.threshold == 210


def test_the_order_of_the_input_never_matters() -> None:
    made = step(40, 20, 0.4, 0.1, 3)
    # Ties in the count too.
    made += [replace(s, concept=f"{s.concept}x") for s in made[::3]]
    mixed = list(made)
    shuffling.Random(1).shuffle(mixed)
    assert estimate(mixed, Settings(draws=60)) == estimate(made, Settings(draws=60))


def test_the_interval_holds_the_step() -> None:
    inside = 0
    for seed in range(12):
        found = estimate(step(60, 25, 0.3, 0.1, seed), Settings(draws=60))
        assert found.interval is not None
        inside += found.interval.low <= 26 <= found.interval.high
    assert inside >= 10


def test_too_little_is_refused() -> None:
    with pytest.raises(UserError, match="takes 8 concepts or more with counts and scores; there are 3"):
        estimate(concepts([0.1, 0.2, 0.3]))
    with pytest.raises(UserError, match="All concepts have the same count, 7"):
        estimate(concepts([0.1] * 9, [7.0] * 9))


@pytest.mark.parametrize(
    ("given", "why"),
    [({"rule": "best"}, "no rule"), ({"penalty": 0}, "above 0"), ({"draws": 3}, "20 bootstrap draws")],
)
def test_settings_that_mean_nothing_are_refused(given: dict[str, float], why: str) -> None:
    with pytest.raises(UserError, match=why):
        Settings(**given)  # type: ignore[arg-type]


def test_the_shortest_segment_is_no_outlier() -> None:
    assert (shortest_segment(8), shortest_segment(60), shortest_segment(400)) == (3, 3, 20)
    scores = [0.1, 0.1, 0.1, 0.9] + [0.1] * 16 + [0.9] * 20
    found = estimate(concepts(scores), Settings(draws=0))
    assert found.answer.at == 20


def test_outliers_on_either_side_have_reasons() -> None:
    random = np.random.default_rng(0)
    scores = [0.1 + e for e in random.normal(0, 0.02, 20)] + [0.9 + e for e in random.normal(0, 0.02, 20)]
    scores[4], scores[9], scores[30] = 0.85, 0.8, 0.15
    found = estimate(concepts(scores), Settings(draws=0))
    alike = {"c004": Resemblance("c035", 0.93), "c009": Resemblance("c001", 0.9)}
    odd = {o.scored.concept: o for o in outliers(found, alike)}
    assert list(odd) == ["c004", "c009", "c030"]
    assert [o.side for o in odd.values()] == ["above", "above", "below"]
    assert [o.published for o in odd.values()] == [True, True, False]
    assert "resemble those of c035 (cosine 0.93), which has 360" in odd["c004"].reasons[0]
    # Whom it resembles is rare itself, which explains nothing.
    assert "its count may be too low" in odd["c009"].reasons[0]


def test_whom_a_concept_resembles() -> None:
    gold = {
        "a": np.array([[1, 0], [1, 0]], np.float32),
        "b": np.array([[0.8, 0.6]], np.float32),
        "c": np.array([[0, 1]], np.float32),
    }
    found = resemblances(gold, 0.7)
    assert found["a"] == Resemblance("b", pytest.approx(0.8))
    assert found["b"].other == "a"
    assert "c" not in found


def test_what_else_could_have_been_chosen() -> None:
    made = step(40, 20, 0.9, 0.05, 0)
    found = estimate(made, Settings(draws=0))
    prices = {v.choice: v.found.threshold for v in by_penalty(found)}
    assert prices["rule reference, penalty 0.9"] == 21
    assert prices["rule reference, penalty 3.6"] == 21
    assert len(prices) == 9
    prompts = by_prompt(found)
    assert [v.choice for v in prompts] == [
        "without the prompt p",
        "without the prompt q",
        "the prompt p alone",
        "the prompt q alone",
    ]
    assert all(v.found.threshold == 21 for v in prompts)
    flat = [replace(s, prompts=((0.5,),), names=("p",)) for s in made]
    (other,) = by_encoder({"blind": flat}, Settings())
    assert (other.choice, other.found.threshold) == ("encoder blind", None)
    assert by_prompt(estimate(concepts([0.1] * 9 + [0.8] * 9), Settings(draws=0))) == []
