"""Whether a judge errs as often under one mitigation as under another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from copycat.stats.error_rates import Count, Floats, groups, share
from copycat.stats.proportions import Clustered

FLIPS = 20_000
"""Random sign patterns; all of them where there are no more."""
_POWER = 2.802
"""Standard errors that a difference must have to be found with a chance of 80 % at the level 0.05."""


@dataclass(frozen=True)
class Homogeneity:
    """One rate under several mitigations."""

    by_mitigation: Mapping[str, Clustered]
    """Those with pictures; in the order in which they were counted."""
    p: float | None
    """That all of them are the same; None with fewer than two mitigations or characters."""
    characters: int
    detectable: float | None
    """Difference between two mitigations, in [0, 1], that would be found with a chance of about 80 %: the
    largest over the pairs, so the least that can be claimed of all. None where `p` is."""


@lru_cache(maxsize=64)
def homogeneity(counts: tuple[Count, ...], seed: int = 0) -> Homogeneity:
    """Test whether the share of hits among pictures is the same under all mitigations of `counts`.

    A cluster-robust score test: under the null hypothesis every mitigation has the rate of all pictures
    together, and a character's score is what it has above that, by mitigation. The statistic is the
    quadratic form of the scores' sum in the inverse of their variance between characters, and its law is that
    under random signs of whole characters (the wild score bootstrap of Kline and Santos 2012), in all ways
    where there are at most :data:`FLIPS`. So pictures of one character may be alike in any way, within a
    mitigation and across them, and characters need not have pictures under all.
    """
    by_mitigation = groups(counts)
    shares = {m: share(mine) for m, mine in by_mitigation.items()}
    names = {c: i for i, c in enumerate(dict.fromkeys(c.character for c in counts if c.n))}
    if len(shares) < 2 or len(names) < 2:
        return Homogeneity(shares, None, len(names), None)
    hits, n = np.zeros((2, len(names), len(shares)))
    for j, mine in enumerate(by_mitigation.values()):
        for c in mine:
            hits[names[c.character], j] += c.hits
            n[names[c.character], j] += c.n
    scores = hits - hits.sum() / n.sum() * n
    # The common rate is estimated from the same pictures, which takes its part of every character's score.
    scores -= np.outer(scores.sum(axis=1), n.sum(axis=0) / n.sum())
    return Homogeneity(shares, _flipped(scores, seed), len(names), _detectable(hits, n, shares))


def _flipped(scores: Floats, seed: int) -> float:
    scores = scores[np.abs(scores).max(axis=1) > 1e-12]
    if not len(scores):
        return 1.0
    inverse = np.linalg.pinv(scores.T @ scores, hermitian=True)
    if 2 ** len(scores) <= FLIPS:
        codes = np.arange(2 ** len(scores))
        signs = 1.0 - 2.0 * ((codes[:, None] >> np.arange(len(scores))) & 1)
        added = 0
    else:
        signs = np.random.default_rng(seed).choice((-1.0, 1.0), (FLIPS, len(scores)))
        added = 1
    sums = signs @ scores
    all_ = np.einsum("ij,jk,ik->i", sums, inverse, sums)
    whole = scores.sum(axis=0)
    seen = float(whole @ inverse @ whole) * (1 - 1e-9)
    return float(((all_ >= seen).sum() + added) / (len(all_) + added))


def _detectable(hits: Floats, n: Floats, shares: Mapping[str, Clustered]) -> float:
    total = n.sum(axis=0)
    linear = (hits - hits.sum(axis=0) / total * n) / total
    largest = 0.0
    for (a, first), (b, second) in combinations(enumerate(shares.values()), 2):
        step = linear[:, a] - linear[:, b]
        # Between characters, but no less than of independent pictures, of which one more hits and one misses.
        least = sum((q := (s.hits + 1) / (s.n + 2)) * (1 - q) / (s.n + 2) for s in (first, second))
        between = float((step**2).sum()) * len(step) / (len(step) - 1)
        largest = max(largest, between, least)
    return min(1.0, float(_POWER * largest**0.5))
