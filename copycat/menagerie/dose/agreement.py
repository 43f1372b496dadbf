"""Whether two experiments say the same of the same newcomers, such as going on from the shipped generator
and training from nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from copycat.imitation.scores import read_scores
from copycat.stats.intervals import Interval, cluster_bootstrap

FEWEST = 3
"""Newcomers that both must have with the same counts for anything to be said."""


@dataclass(frozen=True)
class Agreement:
    """Newcomers that had the same count in the same training of both experiments."""

    difference: Interval
    """Mean of the second's imitation scores less the first's, newcomers drawn anew."""
    distance: float
    """Mean distance of the two scores of a newcomer, 0 or more."""
    correlation: float
    """Spearman's, in [-1, 1]."""


def agreement(first: Path, second: Path) -> Agreement | None:
    """Compare two tables of pictures, `pictures.csv`; None where they have fewer than FEWEST in common.

    Raises BadFile for a table that is none.
    """
    known = {(s.concept, s.count): s.score for s in read_scores(first)}
    both = [(known[key], s.score) for s in read_scores(second) if (key := (s.concept, s.count)) in known]
    if len(both) < FEWEST:
        return None
    one, other = np.array(both).T
    return Agreement(
        difference=cluster_bootstrap((other - one).tolist()),
        distance=float(np.abs(other - one).mean()),
        correlation=float(stats.spearmanr(one, other).statistic),
    )
