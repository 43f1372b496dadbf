"""The correction for the judge's errors, on simulated judges."""

from __future__ import annotations

import numpy as np
import pytest

from copycat.stats.intervals import effective_pictures
from copycat.stats.prevalence import JudgeError, corrected, judge_error, rogan_gladen
from copycat.stats.worlds import judged

RUNS = 1000


def test_by_hand():
    judge = JudgeError(0.9, 0.8)
    assert rogan_gladen(0.2 + 0.7 * 0.3, judge) == pytest.approx(0.3)
    found = corrected(0.1, 100, JudgeError(0.9, 0.8, 500, 500))
    assert (found.value, found.low, found.clipped) == (0.0, 0.0, True)
    assert corrected(0.5, 100, judge).low is None, "it is not known on how many pictures"
    assert rogan_gladen(0.5, JudgeError(0.6, 0.4)) is None
    assert corrected(0.5, 100, JudgeError(0.3, 0.4, 50, 50)) is None


def test_a_perfect_judge_changes_nothing():
    found = corrected(0.3, 150, JudgeError(1, 1, 10**7, 10**7))
    assert found.value == pytest.approx(0.3)
    # What is left is the interval of Agresti and Coull.
    n, z = 150 + 1.96**2, 1.96
    p = (0.3 * 150 + z**2 / 2) / n
    half = z * (p * (1 - p) / n) ** 0.5
    assert (found.low, found.high) == pytest.approx((p - half, p + half), abs=1e-3)


@pytest.mark.parametrize(("apparent", "value"), [(0.0, 0.0), (1.0, 1.0)])
def test_shares_that_the_rates_cannot_make_are_clipped_and_never_certain(apparent, value):
    found = corrected(apparent, 150, JudgeError(0.7, 0.6, 1000, 1000))
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
        means = judged(rng, rng.beta(a, b, 50), 3, sensitivity, specificity)
        judge = JudgeError(
            rng.binomial(positives, sensitivity) / positives,
            rng.binomial(negatives, specificity) / negatives,
            positives,
            negatives,
        )
        found = corrected(means.mean(), effective_pictures(means, 150), judge)
        hits += found.low <= truth <= found.high
        raw.append(means.mean() - truth)
        straight.append(rogan_gladen(means.mean(), judge) - truth)
    expected = (1 - specificity) * (1 - truth) - (1 - sensitivity) * truth
    assert np.mean(raw) == pytest.approx(expected, abs=0.01), "the raw share is biased as theory says"
    assert abs(np.mean(straight)) < 0.01
    assert hits / RUNS >= 0.93


def test_interval_agrees_with_a_bootstrap_of_sample_and_calibration():
    rng = np.random.default_rng(6)
    apparent, n, judge = 0.4, 120, JudgeError(0.85, 0.9, 200, 300)
    draws = [
        rogan_gladen(
            rng.binomial(n, apparent) / n,
            JudgeError(rng.binomial(200, 0.85) / 200, rng.binomial(300, 0.9) / 300),
        )
        for _ in range(20_000)
    ]
    found = corrected(apparent, n, judge)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, (0.025, 0.975))), abs=0.015)


def test_rates_of_a_calibration_file():
    rates = {
        "tpr": 0.9, "fpr": 0.1, "positives": 40, "negatives": 60, "command": "copycat x", "commit": "c0ffee",
        "questions": {"target": {"tpr": 0.8, "fpr": 0.05}},
    }  # fmt: skip
    which = judge_error(rates, "which")
    assert (which.sensitivity, which.specificity) == (0.9, pytest.approx(0.9))
    assert (which.positives, which.negatives) == (40, 60)
    assert "40 and 60 pictures" in which.source
    assert "copycat x" in which.source
    target = judge_error(rates, "target")
    assert (target.sensitivity, target.positives) == (0.8, None)
    assert judge_error(rates, "key") is None
    assert judge_error({**rates, "question": "target"}, "which") is None, (
        "those rates are of another question"
    )
    assert judge_error(None, "which") is None
