"""Whether two experiments say the same of the same newcomers, such as going on from the shipped generator
and training from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from scipy import stats

from copycat.imitation.scores import read_scores
from copycat.stats.intervals import Interval, cluster_bootstrap

FEWEST = 3
"""Newcomers that both must have with the same counts for anything to be said."""


@dataclass(frozen=True)
class Agreement:
    """Newcomers that had the same count in the same training of both experiments."""

    pairs: int
    """How many scores are compared: one for each newcomer and training, at least as many as newcomers."""
    difference: Interval
    """Mean of the second's imitation scores less the first's, over newcomers, drawn anew with all their
    counts."""
    distance: float
    """Mean distance of the two scores of a pair, 0 or more."""
    correlation: float
    """Spearman's, in [-1, 1]."""


def agreement(first: Path, second: Path) -> Agreement | None:
    """Compare two tables of pictures, `pictures.csv`; None where they have fewer than FEWEST in common.

    Raises BadFile for a table that is none.
    """
    known = {(s.concept, s.count): s.score for s in read_scores(first)}
    both: list[tuple[float, float]] = []
    apart: dict[str, list[float]] = {}
    for s in read_scores(second):
        before = known.get((s.concept, s.count))
        if before is not None:
            both.append((before, s.score))
            apart.setdefault(s.group or s.concept, []).append(s.score - before)
    if len(apart) < FEWEST:
        return None
    one, other = np.array(both).T
    return Agreement(
        pairs=len(both),
        difference=cluster_bootstrap([fmean(d) for d in apart.values()]),
        distance=float(np.abs(other - one).mean()),
        correlation=float(stats.spearmanr(one, other).statistic),
    )
