"""Where scores change along the counts, at a given price of a change: by the published rule, or by that of
`tested`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from copycat.stats import changepoints

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Found:
    """What one rule finds."""

    changes: tuple[int, ...]
    """Indices, in the order of counts, of the concepts that segments begin with; the first segment aside."""
    at: int | None
    """That of the threshold; None for no threshold."""
    threshold: float | None
    """The count of that concept: the first one after the change."""
    below: float | None
    """The count of the concept before it: the change lies between the two."""
    penalty: float


def nowhere(penalty: float) -> Found:
    """No threshold."""
    return Found((), None, None, None, penalty)


def shortest_segment(concepts: int) -> int:
    """Of the rule `tested`: a twentieth of the concepts and three at least, so that no outlier is a
    segment."""
    return max(3, concepts // 20)


def located(
    counts: Values, scores: Values, penalty: float, rule: str, weights: Values | None = None
) -> Found:
    """The threshold of `scores` by rising `counts`.

    The published rule takes the first change. The rule `tested` takes the first at which scores rise, and
    never cuts concepts of one count apart, so that their order does not matter.
    """
    if rule == "reference":
        changes = changepoints.partition(scores, penalty, 1, weights)
        at = changes[0] if changes else None
    else:
        changes = changepoints.partition(scores, penalty, shortest_segment(scores.size), weights, counts)
        means = [
            float(np.average(scores[a:b], weights=None if weights is None else weights[a:b]))
            for a, b in pairwise((0, *changes, scores.size))
        ]
        at = next((c for c, (a, b) in zip(changes, pairwise(means), strict=True) if b > a), None)
    if at is None:
        return Found(changes, None, None, None, penalty)
    return Found(changes, at, float(counts[at]), float(counts[at - 1]), penalty)
