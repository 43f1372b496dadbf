"""How well a score tells two kinds apart: curves, areas, thresholds, and whether it is a probability.

`positive` are the scores of what should score high, `negative` those of the rest. A threshold is what a
score must be *above* to count, as everywhere in copycat.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

Points = npt.NDArray[np.float64]
Scores = Sequence[float] | Points
BINS = 10
"""Of a reliability diagram, of equal width."""


def _both(positive: Scores, negative: Scores) -> tuple[Points, Points]:
    """Truth (1 or 0) and scores. Raises ValueError when a kind is missing."""
    if not len(positive) or not len(negative):
        raise ValueError("an ROC curve needs scores of both kinds")
    return _either(positive, negative)


def auroc(positive: Scores, negative: Scores) -> float:
    """Area under the ROC curve in [0, 1]: P(a positive scores higher) + half of P(they tie)."""
    return float(roc_auc_score(*_both(positive, negative)))


def average_precision(positive: Scores, negative: Scores) -> float:
    """Σ (Rₙ − Rₙ₋₁) Pₙ over thresholds, in [0, 1]; a score that says nothing gives the share of positives."""
    return float(average_precision_score(*_both(positive, negative)))


def curve(positive: Scores, negative: Scores) -> Points:
    """(k, 2): false- and true-positive rate at every threshold, from (0, 0) to (1, 1)."""
    fpr, tpr, _ = roc_curve(*_both(positive, negative), drop_intermediate=False)
    return np.stack([fpr, tpr], axis=1)


def precision_recall(positive: Scores, negative: Scores) -> Points:
    """(k, 2): recall and precision at every threshold, from all of the positives to none of them."""
    precision, recall, _ = precision_recall_curve(*_both(positive, negative))
    return np.stack([recall, precision], axis=1)


def threshold_at(negative: Scores, fpr: float) -> float:
    """The least score that at most a share `fpr`, in [0, 1), of `negative` is above."""
    falling = np.sort(np.asarray(negative, float))[::-1]
    if not falling.size:
        raise ValueError("a threshold needs scores of what should not count")
    return float(falling[min(allowed(falling.size, fpr), falling.size - 1)])


def allowed(negatives: int, fpr: float) -> int:
    """How many of `negatives` may be above a threshold at `fpr`."""
    return math.floor(fpr * negatives + 1e-9)


def tpr_at(positive: Scores, negative: Scores, fpr: float) -> float:
    """Share of positives above :func:`threshold_at`, in [0, 1]."""
    return float((np.asarray(positive, float) > threshold_at(negative, fpr)).mean())


def tpr_at_resolved(positive: Scores, negative: Scores, fpr: float) -> float | None:
    """As :func:`tpr_at`; None where the negatives are so few that `fpr` allows not one of them.

    That takes 1 / `fpr` negatives: with fewer than 100 the point at 1 % cannot be told from that at 0 %.
    """
    if not len(positive) or not allowed(len(negative), fpr):
        return None
    return tpr_at(positive, negative, fpr)


def youden(positive: Scores, negative: Scores) -> float:
    """The threshold with the greatest TPR − FPR (Youden 1950), half-way to the next score below.

    Of equals the highest, which lets the fewest through.
    """
    fpr, tpr, reached = roc_curve(*_both(positive, negative), drop_intermediate=False)
    best = int(np.argmax(tpr - fpr))
    if best == 0:
        return float(reached[1])  # nothing is better than saying no to all
    if best + 1 == len(reached):
        return float(np.nextafter(reached[best], -np.inf))
    return float((reached[best] + reached[best + 1]) / 2)


@dataclass(frozen=True)
class Bin:
    """The scores from `low` to `high`; with `low` itself only in the first."""

    low: float
    high: float
    n: int
    score: float | None
    """Their mean; None when there are none."""
    yes: int
    """How many of them are positive."""


def reliability(positive: Scores, negative: Scores, bins: int = BINS) -> tuple[Bin, ...]:
    """Scores in [0, 1] in bins of equal width, with how many of each are positive (DeGroot 1983)."""
    truth, scores = _either(positive, negative)
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, scores, side="left") - 1, 0, bins - 1)
    made = []
    for i in range(bins):
        mine = place == i
        n = int(mine.sum())
        score = float(scores[mine].mean()) if n else None
        made.append(Bin(round(edges[i], 9), round(edges[i + 1], 9), n, score, int(truth[mine].sum())))
    return tuple(made)


def expected_calibration_error(bins: Sequence[Bin]) -> float | None:
    """Mean distance of score and share of positives, by bin and weighted by its size (Naeini 2015).

    In [0, 1], 0 is best; None without scores.
    """
    n = sum(b.n for b in bins)
    apart = sum(abs(b.n * b.score - b.yes) for b in bins if b.score is not None)
    return apart / n if n else None


def brier(positive: Scores, negative: Scores) -> float | None:
    """Mean squared distance of score and truth (Brier 1950), in [0, 1], 0 is best; None without scores."""
    truth, scores = _either(positive, negative)
    return float(((scores - truth) ** 2).mean()) if scores.size else None


def _either(positive: Scores, negative: Scores) -> tuple[Points, Points]:
    p, n = np.asarray(positive, float), np.asarray(negative, float)
    return np.concatenate([np.ones(p.size), np.zeros(n.size)]), np.concatenate([p, n])
