"""Receiver operating characteristic of scores, ties and all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from copycat.intent.base import threshold_at

Points = npt.NDArray[np.float64]


def auc(positive: Sequence[float] | Points, negative: Sequence[float] | Points) -> float:
    """Area under the ROC curve in [0, 1]: P(a positive scores higher) + half of P(they tie).

    That is Mann and Whitney's U over the number of pairs (Hanley and McNeil 1982).
    """
    p, n = np.asarray(positive, float), np.asarray(negative, float)
    if not p.size or not n.size:
        raise ValueError("an ROC curve needs scores of both kinds")
    higher = (p[:, None] > n).sum() + 0.5 * (p[:, None] == n).sum()
    return float(higher / (p.size * n.size))


def curve(positive: Sequence[float], negative: Sequence[float]) -> Points:
    """(k, 2): false- and true-positive rate at every threshold, from (0, 0) to (1, 1)."""
    p, n = np.asarray(positive, float), np.asarray(negative, float)
    cuts = np.unique(np.concatenate([p, n]))[::-1]
    rates = [[(n >= c).mean(), (p >= c).mean()] for c in cuts]
    return np.asarray([[0.0, 0.0], *rates], dtype=np.float64)


def tpr_at(positive: Sequence[float], negative: Sequence[float], fpr: float) -> float:
    """Share of positives that reach the least threshold with a false-positive rate of at most `fpr`."""
    return float((np.asarray(positive, float) >= threshold_at(negative, fpr)).mean())
