"""Curves, thresholds and reliability: by hand, and against scikit-learn and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from copycat.stats import roc
from copycat.stats.proportions import wilson

POSITIVE, NEGATIVE = [0.9, 0.6, 0.4], [0.6, 0.3, 0.2, 0.1]
"""Pairs that are right: 4 + 3½ + 3 of 12."""


def test_areas_and_curves_by_hand() -> None:
    assert roc.auroc(POSITIVE, NEGATIVE) == pytest.approx(10.5 / 12)
    assert roc.auroc(NEGATIVE, POSITIVE) == pytest.approx(1.5 / 12)
    assert roc.curve(POSITIVE, NEGATIVE).ravel().tolist() == pytest.approx(
        [0, 0, 0, 1 / 3, 1 / 4, 2 / 3, 1 / 4, 1, 1 / 2, 1, 3 / 4, 1, 1, 1]
    )
    # Recall rises by a third at each positive: precision there is 1, 2/3 (with the tie), 3/4.
    assert roc.average_precision(POSITIVE, NEGATIVE) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert [1.0, 0.75] in roc.precision_recall(POSITIVE, NEGATIVE).tolist()
    for one_kind in (([], NEGATIVE), (POSITIVE, [])):
        with pytest.raises(ValueError, match="both kinds"):
            roc.auroc(*one_kind)


def test_the_threshold_lets_through_no_more_than_was_wanted() -> None:
    others = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]
    assert roc.threshold_at(others, 0.2) == 0.8  # above it: 0.9 and 0.95
    assert roc.threshold_at(others, 0.19) == 0.9
    assert roc.threshold_at(others, 0.0) == 0.95
    assert roc.threshold_at([0.5, 0.5, 0.5], 0.34) == 0.5, "of equals none is above"
    # 0.29 · 100 is a little less than 29 in floating point.
    hundred = np.arange(100) / 100
    assert (hundred > roc.threshold_at(hundred, 0.29)).sum() == 29


def test_a_false_positive_rate_takes_enough_negatives_to_be_told() -> None:
    assert roc.tpr_at(POSITIVE, NEGATIVE, 0.25) == 1
    assert roc.tpr_at_resolved(POSITIVE, NEGATIVE, 0.25) == 1
    assert roc.tpr_at_resolved(POSITIVE, NEGATIVE, 0.24) is None, "four negatives resolve quarters"
    assert roc.tpr_at_resolved(POSITIVE, [0.0] * 99, 0.01) is None
    assert roc.tpr_at_resolved(POSITIVE, [0.0] * 100, 0.01) == 1
    assert roc.tpr_at_resolved([], [0.0] * 100, 0.01) is None


def test_youden_is_the_best_of_all_thresholds() -> None:
    for seed in range(50):
        r = np.random.default_rng(seed)
        p, n = r.normal(1, 1, 30).round(1), r.normal(0, 1, 40).round(1)
        cuts = np.concatenate([p, n, [-9.0]])
        best = max((p > c).mean() - (n > c).mean() for c in cuts)
        found = roc.youden(p, n)
        assert (p > found).mean() - (n > found).mean() == pytest.approx(best)
    assert roc.youden([0.9, 0.8], [0.1]) == pytest.approx(0.45), "half-way"
    worse = roc.youden([0.1], [0.9, 0.8])
    assert not (np.array([0.9, 0.8, 0.1]) > worse).any(), "a judge that is wrong is best never heard"


def test_reliability_equals_scikit_learn() -> None:
    r = np.random.default_rng(3)
    scores = r.random(500)
    truth = r.random(500) < scores**2
    p, n = scores[truth], scores[~truth]
    bins = roc.reliability(p, n)
    yes, mean = calibration_curve(truth, scores, n_bins=10)
    assert [b.yes / b.n for b in bins] == pytest.approx(list(yes))
    assert [b.score for b in bins] == pytest.approx(list(mean))
    assert sum(b.n for b in bins) == 500
    assert roc.brier(p, n) == pytest.approx(brier_score_loss(truth, scores))
    shares = np.array([b.n for b in bins]) / 500
    assert roc.expected_calibration_error(bins) == pytest.approx(float((shares * abs(yes - mean)).sum()))


def test_scores_of_nought_and_one_and_none_at_all() -> None:
    bins = roc.reliability([1.0, 1.0, 0.0], [0.0])
    assert [(b.n, b.yes) for b in bins if b.n] == [(2, 1), (2, 2)]
    assert bins[5].score is None
    assert roc.expected_calibration_error(bins) == pytest.approx(0.25)
    assert roc.expected_calibration_error(roc.reliability([], [])) is None
    assert roc.brier([], []) is None


def test_wilson_by_hand() -> None:
    # (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n), z = 1.959964
    assert wilson(8, 10) == pytest.approx((0.490162, 0.943318), abs=1e-6)
    low, high = wilson(0, 50)
    assert low == pytest.approx(0, abs=1e-12)
    assert high == pytest.approx(0.071348, abs=1e-6)
    assert wilson(0, 0) == (None, None)
