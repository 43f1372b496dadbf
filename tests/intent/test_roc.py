"""Where a gate says yes, by hand."""

from __future__ import annotations

import pytest

from copycat.intent.lexical import Lexical
from copycat.intent.threshold import operating_point, reached_at
from copycat.stats.roc import tpr_at
from tests.contracts.test_mitigations import REGISTRY

POSITIVE, NEGATIVE = [0.9, 0.6, 0.4], [0.6, 0.3, 0.2, 0.1]
"""Pairs that are right: 4 + 3½ + 3 of 12."""


@pytest.mark.parametrize(
    ("fpr", "threshold", "tpr"),
    [(0.0, 0.6001, 1 / 3), (0.24, 0.6001, 1 / 3), (0.25, 0.3001, 1.0), (0.5, 0.2001, 1.0), (1.0, 0.1, 1.0)],
)
def test_the_threshold_keeps_the_false_positives_within_bounds(fpr, threshold, tpr):
    assert reached_at(NEGATIVE, fpr) == pytest.approx(threshold)
    assert sum(s >= reached_at(NEGATIVE, fpr) for s in NEGATIVE) / len(NEGATIVE) <= fpr
    if fpr < 1:
        assert tpr_at(POSITIVE, NEGATIVE, fpr) == pytest.approx(tpr)


def test_tied_scores_are_all_let_in_or_none():
    assert reached_at([0.5] * 10 + [0.1] * 90, 0.05) == pytest.approx(0.5001)


def test_what_is_certain_counts_though_a_name_may_be_a_word():
    detector = Lexical(REGISTRY)
    assert operating_point(detector, [1.0, 1.0, 0.4, 0.0], 0.25) == 1.0
    assert operating_point(detector, [1.0, 0.4, 0.0, 0.0], 0.25) == pytest.approx(0.4001)
    assert operating_point(detector, [], 0.25) == 1.0
