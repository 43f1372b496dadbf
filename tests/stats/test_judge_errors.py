"""Error rates of a judge by mitigation and by character, and what is corrected with them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.judge_errors import DESIGNS, WORLDS, measured
from copycat.stats.differences import population_difference
from copycat.stats.error_rates import Count, fit
from copycat.stats.homogeneity import homogeneity
from copycat.stats.intervals import population
from copycat.stats.prevalence import (
    JudgeError,
    corrected,
    corrected_difference,
    differing,
    judge_error,
    rogan_gladen,
)
from copycat.stats.proportions import clustered, wilson


def counted(rng, characters=20, n=8, alike=0.0, **rates):
    """Pictures of `characters` on which a judge errs with the rates of each mitigation."""
    found = []
    for c in range(characters):
        for mitigation, rate in rates.items():
            own = rng.beta(rate / alike - rate, (1 - rate) / alike - (1 - rate)) if alike else rate
            found.append(Count(f"c{c}", mitigation, int(rng.binomial(n, own)), n))
    return tuple(found)


def calibration(rng, tpr, fpr, **more):
    yes, no = counted(rng, **tpr, **more), counted(rng, **fpr, **more)
    cells = [
        [a.character, a.mitigation, a.hits, b.hits, a.n - a.hits, b.n - b.hits]
        for a, b in zip(yes, no, strict=True)
    ]
    sums = [sum(c[k] for c in cells) for k in (2, 3, 4, 5)]
    return {"tpr": sums[0] / (sums[0] + sums[2]), "fpr": sums[1] / (sums[1] + sums[3]), "cells": cells}


def test_a_clustered_interval_is_that_of_fewer_pictures_and_never_narrower_than_of_independent_ones():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = rng.integers(0, 40, rng.integers(1, 30)) + 1
        hits = rng.binomial(n, rng.beta(*rng.uniform(0.1, 3, 2), n.size))
        found = clustered(hits, n)
        low, high = wilson(int(hits.sum()), int(n.sum()))
        assert found.high - found.low >= 0.97 * (high - low)
        assert found.low <= found.hits / found.n <= found.high
        assert 0 < found.effective <= found.n
    # Ten characters of which the pictures of each are much alike, as in published labels.
    alike = clustered([30, 28, 2, 5, 25, 3, 20, 1, 0, 15], [34] * 10)
    low, high = wilson(129, 340)
    assert alike.high - alike.low > 3 * (high - low)
    assert clustered([], []).low is None
    assert clustered([5], [10]).high - clustered([5], [10]).low > 0.9, "one character tells of no other"
    wider = clustered([9] * 20, [10] * 20, spread=0.05)
    assert wider.effective < clustered([9] * 20, [10] * 20).effective / 2


@pytest.mark.parametrize("n", [[60] * 10, [100, 5, 5, 5], [10] * 20, [3] * 50, [40] * 2, [20]])
@pytest.mark.parametrize("gathered", [False, True])
def test_another_error_never_lowers_an_end_of_a_clustered_interval(n, gathered):
    def hits(k):
        if gathered:
            return [min(k, n[0]), *[0] * (len(n) - 1)]
        each, more = divmod(k, len(n))
        return [each + (i < more) for i in range(len(n))]

    most = min(sum(n) // 2, n[0] if gathered else len(n) * min(n))
    found = [clustered(hits(k), n) for k in range(most + 1)]
    found += [clustered([m - h for h, m in zip(hits(k), n, strict=True)], n) for k in range(most, -1, -1)]
    for half in (found[: most + 1], found[most + 1 :]):
        assert np.all(np.diff([x.high for x in half]) >= -1e-12)
        assert np.all(np.diff([x.low for x in half]) >= -1e-12)
    assert found[1].high > found[0].high, "one error is more than none"
    assert found[-1].low == pytest.approx(1 - found[0].high)


@pytest.mark.parametrize(("alike", "p"), [(0.2, 0.05), (0.2, 0.4), (0.5, 0.1)])
def test_a_clustered_interval_holds_the_rate(alike, p):
    rng, held = np.random.default_rng(3), 0
    for _ in range(300):
        own = rng.beta(p / alike - p, (1 - p) / alike - (1 - p), 20)
        n = rng.poisson(10, 20)
        found = clustered(rng.binomial(n, own), n)
        held += found.low <= p <= found.high
    assert held / 300 >= 0.93


def test_rates_that_agree_are_drawn_together_and_those_that_differ_are_not():
    rng = np.random.default_rng(1)
    apart = fit(counted(rng, none=0.4, rewrite=0.02))
    for mitigation, estimate in apart.by_mitigation.items():
        own = estimate.own.hits / estimate.own.n
        assert estimate.value == pytest.approx(own, abs=0.03), mitigation
    few = counted(rng, characters=20, n=1, none=0.2) + counted(rng, characters=20, n=20, rewrite=0.2)
    both = fit(few)
    own, pooled = (s.hits / s.n for s in (both.by_mitigation["none"].own, both.pooled))
    assert own != pooled
    assert abs(both.by_mitigation["none"].value - pooled) < 0.7 * abs(own - pooled)
    assert fit(()) is None
    alone = fit(counted(rng, none=0.3))
    assert alone.under("rewrite") is alone.elsewhere
    assert alone.elsewhere.value == pytest.approx(alone.pooled.hits / alone.pooled.n)


def test_the_test_of_errors_that_differ_finds_them_and_seldom_what_is_not_there():
    rng = np.random.default_rng(2)
    found = homogeneity(counted(rng, none=0.4, negprompt=0.4, rewrite=0.05))
    assert found.p < 0.01
    assert found.characters == 20
    assert 0.05 < found.detectable < 0.4
    alike = [homogeneity(counted(rng, 12, 6, alike=0.3, none=0.2, rewrite=0.2)).p for _ in range(150)]
    assert np.mean(np.array(alike) <= 0.05) <= 0.1
    assert homogeneity(counted(rng, none=0.3)).p is None
    assert homogeneity(counted(rng, characters=1, none=0.3, rewrite=0.1)).p is None
    assert homogeneity(counted(rng, none=0.0, rewrite=0.0)).p == 1.0


def test_each_mitigation_is_corrected_with_its_own_rates():
    rng = np.random.default_rng(4)
    rates = calibration(rng, {"none": 0.95, "rewrite": 0.95}, {"none": 0.4, "rewrite": 0.02}, n=20)
    assert differing(rates)
    none, rewrite = (judge_error(rates, "identify", m) for m in ("none", "rewrite"))
    assert none.specificity == pytest.approx(0.6, abs=0.06)
    assert rewrite.specificity == pytest.approx(0.98, abs=0.03)
    assert "400 and 400 of them under none" in none.source
    # A mitigation that was not labelled may lie anywhere that those do which were.
    other = judge_error(rates, "identify", "negprompt")
    assert "none of them under negprompt" in other.source
    assert np.ptp(np.quantile(other.draws[1], (0.025, 0.975))) > 0.3
    assert judge_error(rates, "identify").specificity == pytest.approx(1 - rates["fpr"])
    # Files of before, which kept no such counts.
    old = judge_error({"tpr": 0.95, "fpr": 0.2, "positives": 40, "negatives": 60}, "identify", "none")
    assert "taken for independent" in old.source


def random_error(rng):
    n = rng.integers(2, 500, 2)
    return JudgeError(rng.uniform(0.55, 1), rng.uniform(0.5, 1), *map(float, n))


def test_no_corrected_interval_is_narrower_than_the_raw_one():
    rng = np.random.default_rng(5)
    for _ in range(100):
        characters, seeds = rng.integers(2, 30), rng.integers(1, 5)
        chance = rng.beta(*rng.uniform(0.05, 3, 2), (2, characters))
        said = (rng.random((2, characters, seeds)) < chance[..., None]).astype(float)
        raw, judge = population(said[0].tolist()), random_error(rng)
        found = corrected(raw, judge)
        assert found.high - found.low >= raw.high - raw.low - 1e-12
        assert 0 <= found.low <= found.value <= found.high <= 1
        pairs = {str(c): list(zip(said[0, c], said[1, c], strict=True)) for c in range(characters)}
        step = population_difference((said[1] - said[0]).tolist())
        for shared, other in ((True, judge), (False, random_error(rng))):
            found = corrected_difference(pairs, step, judge, other, shared=shared)
            assert found.high - found.low >= step.high - step.low - 1e-12
            assert -1 <= found.low <= found.value <= found.high <= 1


def test_what_is_uncertain_of_shared_rates_cancels_in_a_difference():
    rng = np.random.default_rng(6)
    said = (rng.random((2, 200, 3)) < 0.6).astype(float)
    pairs = {str(c): list(zip(said[0, c], said[1, c], strict=True)) for c in range(200)}
    step = population_difference((said[1] - said[0]).tolist())
    judge = JudgeError(0.85, 0.85, 40, 40)
    shared, apart = (corrected_difference(pairs, step, judge, judge, shared=s) for s in (True, False))
    assert shared.value == apart.value == pytest.approx(step.value / 0.7)
    assert shared.high - shared.low < 0.7 * (apart.high - apart.low)
    assert shared.high - shared.low == pytest.approx((step.high - step.low) / 0.7, rel=0.15)
    useless = JudgeError(0.5, 0.5, 40, 40)
    assert rogan_gladen(0.5, useless) is None
    assert corrected_difference(pairs, step, judge, useless) is None
    assert corrected_difference(pairs, step, judge, JudgeError(0.9, 0.9)).low is None


def test_corrected_numbers_hold_the_truth_where_errors_differ():
    """A few runs of the benchmark; the table in docs/statistics.md has more."""
    cells = measured(WORLDS[1], DESIGNS["10 pictures of 20 other characters"], 40)
    held = [float(c.partition("%")[0]) for c in cells[3:]]
    assert len(held) == 3
    assert min(held) >= 90
