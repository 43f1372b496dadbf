"""The threshold where it was put, none where there is none, and the published procedure to the letter."""

from __future__ import annotations

import csv
import random as shuffling
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest

from benchmarks.threshold_simulation import trial
from copycat.errors import UserError
from copycat.imitation.bootstrap import draw
from copycat.imitation.estimate import Settings, arrays, estimate
from copycat.imitation.locating import located, shortest_segment
from copycat.imitation.outliers import Resemblance, outliers, resemblances
from copycat.imitation.scores import Scored
from copycat.imitation.sensitivity import by_encoder, by_penalty, by_prompt
from copycat.imitation.write import csv_text, markdown, record
from copycat.report.imitation import picture, remarks, verdict


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
    found = [estimate(step(60, 0, 0.0, 0.1, seed), Settings(draws=20)) for seed in range(6)]
    none = [f for f in found if f.answer.threshold is None]
    assert len(none) >= 5
    assert all(f.answer.at is None and f.interval is None and outliers(f) == [] for f in none)


@pytest.mark.slow
@pytest.mark.parametrize(("size", "seed"), [(0.0, 1), (3.0, 2)])
def test_the_answer_is_as_often_right_as_the_documentation_says(size: float, seed: int) -> None:
    # The bar is 95 %, for 60 concepts: of flat scores none, and a step of 3 σ to within one concept.
    random = np.random.default_rng(seed)
    made = [trial(60, size, 0.1, 0, random, uneven=False) for _ in range(1000)]
    if size:
        right = [at is not None and abs(at - step) <= 1 for at, _, _, step in made]
    else:
        right = [at is None for at, _, _, _ in made]
    assert np.mean(right) >= 0.95


def test_falling_scores_have_no_threshold() -> None:
    found = estimate(concepts([0.9] * 20 + [0.1] * 20), Settings(draws=0))
    assert found.answer.threshold is None
    # The published rule takes any first change, as published.
    assert found.reference.threshold == 210


def level(counts: list[float], at: float, height: float, seed: int, name: str = "c{:03d}") -> list[Scored]:
    """Scores with one step at a count, of two prompts with three pictures each."""
    random = np.random.default_rng(seed)
    made = []
    for i, n in enumerate(counts):
        mean = 0.2 + height * (n >= at) + random.normal(0, 0.1)
        prompts = tuple(tuple(mean + random.normal(0, 0.05, 3)) for _ in range(2))
        made.append(Scored(name.format(i), n, prompts, ("p", "q")))
    return made


def renamed(made: list[Scored]) -> list[Scored]:
    """Other names, so that concepts of one count come in the opposite order; rows of a table in another."""
    return [
        replace(
            s,
            concept=f"d{len(made) - i:03d}",
            prompts=tuple(p[::-1] for p in s.prompts[::-1]),
            names=s.names[::-1],
            group=s.group and f"z{s.group[::-1]}",
        )
        for i, s in enumerate(made)
    ]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("groups", [0, 7])
def test_names_never_matter_where_counts_are_equal(seed: int, groups: int) -> None:
    # Scores rise at 50, and concepts of one count could be cut anywhere.
    counts = [c for c in (5.0, 20.0, 50.0, 100.0, 300.0) for _ in range(7)]
    made = level(counts, 50, 0.25, seed)
    if groups:
        made = [replace(s, group=f"g{i % groups:02d}") for i, s in enumerate(made)]
    found = estimate(made, Settings(draws=60))
    other = estimate(renamed(made), Settings(draws=60))
    for part in ("answer", "interval", "step_p", "trend_p", "halfway", "curve", "middle", "noise"):
        assert getattr(found, part) == getattr(other, part), part
    assert found.answer.threshold is not None
    assert found.answer.below is not None
    assert found.answer.below < found.answer.threshold
    assert [v.found for v in by_penalty(found) if "tested" in v.choice] == [
        v.found for v in by_penalty(other) if "tested" in v.choice
    ]


def test_the_published_rule_cuts_equal_counts_as_published() -> None:
    # By count and then as the concepts come: the published procedure knows no ties.
    found = estimate(concepts([0.1] * 10 + [0.9] * 10, [5.0] * 7 + [50.0] * 13), Settings(draws=0))
    assert (found.reference.at, found.reference.threshold, found.reference.below) == (10, 50, 50)
    assert (found.answer.threshold, found.answer.below) == (50, 5)
    rule = estimate(list(found.order), Settings(rule="reference", draws=0))
    for made, first in ((found, 7), (rule, 10)):
        kept = record(made, [], [], {}, {"source": "x"})
        assert kept.first_after == first
        sides = [row["side"] for row in csv.DictReader(csv_text(kept).splitlines())]
        assert sides == ["before"] * first + ["after"] * (20 - first)


def test_counts_that_leave_no_place_for_a_step_are_said() -> None:
    found = estimate(concepts([0.1] * 2 + [0.9] * 10, [5.0] * 2 + [50.0] * 10), Settings(draws=20))
    assert (found.step_p, found.answer.threshold) == (None, None)
    told = verdict(record(found, [], [], {}, {"source": "x"}))
    assert told == (
        "No imitation threshold was found among 12 concepts: too few of their counts differ for a step with "
        "several concepts on either side."
    )


def twice(made: list[Scored], *, grouped: bool) -> list[Scored]:
    """Every concept again with nearly the same count, and with it in a group or not."""
    return [
        replace(
            s, concept=f"{s.concept}{copy}", count=s.count + copy / 10, group=s.concept if grouped else ""
        )
        for s in made
        for copy in (0, 1)
    ]


def test_concepts_of_one_group_are_drawn_together() -> None:
    made = level([float(i + 1) for i in range(40)], 21, 0.25, 0)
    apart, together = (draw(twice(made, grouped=grouped), 50, 0) for grouped in (False, True))
    assert (together.weights[:, ::2] == together.weights[:, 1::2]).all()
    assert (apart.weights[:, ::2] != apart.weights[:, 1::2]).any()
    assert set(together.weights.sum(axis=1)) == {80.0}


def test_concepts_written_down_twice_make_no_threshold_surer() -> None:
    widths, curves = [], []
    for seed in range(6):
        random = np.random.default_rng(seed)
        once = concepts([0.2 + 0.3 * (i >= 20) + random.normal(0, 0.15) for i in range(40)])
        apart, together = (twice(once, grouped=grouped) for grouped in (False, True))
        found = [estimate(given, Settings(draws=100)) for given in (once, apart, together)]
        widths.append([f.interval.high - f.interval.low for f in found if f.interval])
        curves.append([f.middle.high - f.middle.low for f in found if f.middle])
    once_, apart_, together_ = np.sum(widths, axis=0)
    assert together_ >= once_
    assert together_ > apart_
    # The curve has no price of a change, which is less where neighbours are alike.
    once_, apart_, together_ = np.sum(curves, axis=0)
    assert together_ >= once_
    assert apart_ < 0.85 * once_


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
    assert by_encoder({"few": flat[:7], "equal": [replace(s, count=3) for s in flat]}, Settings()) == []
    assert by_prompt(estimate(concepts([0.1] * 9 + [0.8] * 9), Settings(draws=0))) == []


def test_every_row_of_the_rule_tested_is_tested() -> None:
    untested = 0
    for seed in range(6):
        found = estimate(step(60, 0, 0.0, 0.1, seed), Settings(draws=0))
        if found.answer.threshold is not None:
            continue
        rows = [v for v in by_penalty(found) if v.choice.startswith("rule tested")]
        assert len(rows) == 4
        assert [v.found.threshold for v in rows] == [None] * 4
        counts, scores = arrays(found.order)
        untested += located(counts, scores, found.answer.penalty / 4, "tested").threshold is not None
    assert untested >= 3, "else the test keeps nothing from being found"


def test_a_concept_that_lacks_a_prompt_is_left_out_there_alone() -> None:
    made = step(40, 20, 0.9, 0.05, 0)
    lacking = replace(made[3], prompts=made[3].prompts[:1], names=made[3].names[:1])
    rows = by_prompt(estimate([*made[:3], lacking, *made[4:]], Settings(draws=0)))
    lost = " (1 left out, which have no such picture)"
    assert [(v.choice, v.concepts) for v in rows] == [
        (f"without the prompt p{lost}", 39),
        ("without the prompt q", 40),
        ("the prompt p alone", 40),
        (f"the prompt q alone{lost}", 39),
    ]
    # Too few have the prompt r for an answer to it alone.
    third = [replace(s, prompts=(*s.prompts, (0.5,)), names=("p", "q", "r")) for s in made[:5]]
    rows = by_prompt(estimate([*third, *made[5:]], Settings(draws=0)))
    assert [v.choice for v in rows if "r" in v.choice.split()] == ["without the prompt r"]


def test_a_doubtful_count_is_a_reason_where_half_of_it_is() -> None:
    made = concepts([0.1] * 20 + [0.9] * 20)
    made[30] = replace(made[30], prompts=((0.1,),), doubtful=0.5)
    made[33] = replace(made[33], prompts=((0.1,),), doubtful=0.4)
    found = estimate(made, Settings(draws=0))
    odd = {o.scored.concept: o.reasons for o in outliers(found)}
    assert odd["c030"][0].startswith("50% of what was counted may mean something else")
    assert "its count may be too high" in odd["c033"][0]
    points = {p.concept: p for p in record(found, [], [], {}, {"source": "x"}).points}
    assert points["c033"].notes == (made[33].doubt,)
    assert points["c032"].notes == ()


def test_a_record_says_whether_counts_were_chosen() -> None:
    found = estimate(concepts([0.1] * 10 + [0.9] * 10), Settings(draws=0))
    observed, caused = (record(found, [], [], {}, {"source": "x", "chosen": c}) for c in (False, True))
    assert "It is observational" in markdown(observed)
    assert "It is observational" not in markdown(caused)
    assert "It is experimental: who has how many pictures was chosen" in markdown(caused)
    axis = "(effective count of the concept)"
    assert [axis in picture(r, "svg").decode() for r in (observed, caused)] == [True, False]


def test_many_that_are_left_out_are_a_number_and_three_names() -> None:
    found = estimate(concepts([0.1] * 10 + [0.9] * 10), Settings(draws=0))
    left = {**{f"x{i:03d}": "unknown" for i in range(300)}, "ada": "refused", "bo": "refused"}
    told = remarks(record(found, [], [], left, {"source": "x"}))[-1]
    assert told == "Left out: ada, bo (refused); 300, such as x000, x001 and x002 (unknown)."
