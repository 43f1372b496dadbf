"""The correction for the judge's errors, on simulated judges."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.worlds import judged
from copycat.stats.intervals import Interval, population
from copycat.stats.prevalence import JudgeError, corrected, judge_error, rogan_gladen

RUNS = 1000


def share(yes: int, n: int) -> Interval:
    """`yes` of `n` characters, one picture each."""
    return population([[1.0]] * yes + [[0.0]] * (n - yes))


def test_by_hand():
    judge = JudgeError(0.9, 0.8)
    assert rogan_gladen(0.2 + 0.7 * 0.3, judge) == pytest.approx(0.3)
    found = corrected(share(10, 100), JudgeError(0.9, 0.8, 500, 500))
    assert (found.value, found.low, found.clipped) == (0.0, 0.0, True)
    assert corrected(share(50, 100), judge).low is None, "it is not known on how many pictures"
    assert corrected(share(1, 1), JudgeError(0.9, 0.8, 500, 500)).low is None, "one character"
    assert rogan_gladen(0.5, JudgeError(0.6, 0.4)) is None
    assert corrected(share(50, 100), JudgeError(0.3, 0.4, 50, 50)) is None


def test_a_perfect_judge_changes_nothing():
    raw = share(30, 100)
    found = corrected(raw, JudgeError(1, 1, 10**9, 10**9))
    assert (found.value, found.low, found.high) == pytest.approx((raw.value, raw.low, raw.high), abs=1e-4)


@pytest.mark.parametrize("yes", [1, 9, 20, 40])
def test_the_judges_errors_never_make_it_more_certain(yes):
    raw = share(yes, 50)
    judge = JudgeError(0.99, 0.99, 980, 1020)
    found = corrected(raw, judge)
    assert found.high - found.value >= raw.high - raw.value
    assert found.value - found.low >= min(found.value, raw.value - raw.low)
    worse = corrected(raw, JudgeError(0.99, 0.99, 30, 30))
    assert worse.high - worse.low >= found.high - found.low, "measured on fewer, it is as wide at least"


@pytest.mark.parametrize(("yes", "value"), [(0, 0.0), (150, 1.0)])
def test_shares_that_the_rates_cannot_make_are_clipped_and_never_certain(yes, value):
    found = corrected(share(yes, 150), JudgeError(0.7, 0.6, 1000, 1000))
    assert (found.value, found.clipped) == (value, True)
    assert found.low <= value <= found.high
    assert 0.02 < found.high - found.low < 0.5


WORLDS = [(0.38, 0.12), (0.2, 0.2), (0.03, 0.27), (0.0075, 0.2425)]
JUDGES = [(0.99, 0.99, 980, 1020), (0.83, 0.83, 100, 100), (0.8, 0.95, 40, 60)]


@pytest.mark.parametrize(("sensitivity", "specificity", "positives", "negatives"), JUDGES)
@pytest.mark.parametrize(("a", "b"), WORLDS)
def test_bias_goes_and_the_interval_holds_the_truth(a, b, sensitivity, specificity, positives, negatives):
    rng = np.random.default_rng(4)
    truth, hits = a / (a + b), 0
    raw, straight = [], []
    for _ in range(RUNS):
        said = judged(rng, rng.beta(a, b, 50), 3, sensitivity, specificity)
        judge = JudgeError(
            rng.binomial(positives, sensitivity) / positives,
            rng.binomial(negatives, specificity) / negatives,
            positives,
            negatives,
        )
        found = corrected(population(said.tolist()), judge)
        hits += found.low <= truth <= found.high
        raw.append(said.mean() - truth)
        straight.append(rogan_gladen(said.mean(), judge) - truth)
    expected = (1 - specificity) * (1 - truth) - (1 - sensitivity) * truth
    assert np.mean(raw) == pytest.approx(expected, abs=0.01), "the raw share is biased as theory says"
    assert abs(np.mean(straight)) < 0.01
    assert hits / RUNS >= 0.93


def lang_reiczigel(p: float, n: float, judge: JudgeError) -> tuple[float, float]:
    """The interval of Lang and Reiczigel (2014), by their formula; not the one under test."""
    z = 1.959964
    se = (judge.positives * judge.sensitivity + 1) / (judge.positives + 2)
    sp = (judge.negatives * judge.specificity + 1) / (judge.negatives + 2)
    p, n = (n * p + z**2 / 2) / (n + z**2), n + z**2
    v_se, v_sp = se * (1 - se) / (judge.positives + 2), sp * (1 - sp) / (judge.negatives + 2)
    found = (p + sp - 1) / (se + sp - 1)
    shift = 2 * z**2 * (found * v_se - (1 - found) * v_sp)
    half = z * (p * (1 - p) / n + found**2 * v_se + (1 - found) ** 2 * v_sp) ** 0.5 / (se + sp - 1)
    return found + shift - half, found + shift + half


@pytest.mark.parametrize("probability", [0.3, 0.5, 0.7])
def test_interval_agrees_with_lang_and_reiczigels_and_with_a_bootstrap(probability):
    """Ends within 0.02 for 200 characters and a judge measured on 300 pictures of each kind."""
    rng = np.random.default_rng(6)
    judge = JudgeError(0.85, 0.9, 300, 300)
    means = rng.binomial(1, probability, 200).astype(float)
    found = corrected(population(means[:, None].tolist()), judge)
    theirs = lang_reiczigel(means.mean(), 200, judge)
    assert (found.low, found.high) == pytest.approx(theirs, abs=0.02)
    draws = [
        rogan_gladen(
            rng.choice(means, 200).mean(),
            JudgeError(rng.binomial(300, 0.85) / 300, rng.binomial(300, 0.9) / 300),
        )
        for _ in range(5000)
    ]
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, (0.025, 0.975))), abs=0.02)


def test_rates_of_a_calibration_file():
    rates = {
        "tpr": 0.9, "fpr": 0.1, "positives": 40, "negatives": 60, "command": "copycat x", "commit": "c0ffee",
        "questions": {"target": {"tpr": 0.8, "fpr": 0.05}},
    }  # fmt: skip
    which = judge_error(rates, "identify")
    assert (which.sensitivity, which.specificity) == (0.9, pytest.approx(0.9))
    assert (which.positives, which.negatives) == (40, 60)
    assert "40 and 60 pictures" in which.source
    assert "copycat x" in which.source
    # Files name the questions as they were called when they were written.
    target = judge_error(rates, "verify")
    assert (target.sensitivity, target.positives) == (0.8, None)
    assert judge_error(rates, "key") is None
    assert judge_error({**rates, "question": "target"}, "identify") is None, (
        "those rates are of another question"
    )
    assert judge_error(None, "identify") is None
