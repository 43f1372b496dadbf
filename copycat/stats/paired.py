"""Two conditions on the same characters and seeds: differences, tests and effect sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import asin, sqrt
from statistics import fmean
from typing import Literal

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from copycat.stats.intervals import Interval, cluster_bootstrap, cluster_difference

FLIPS = 20_000
"""Random sign patterns of :func:`sign_flip`; all of them where there are no more."""

Pairs = Mapping[str, Sequence[tuple[float, float]]]
"""Per character its pairs (base, other) of numbers in [0, 1], from pictures that share their noise."""


@dataclass(frozen=True)
class Discordant:
    """Pairs of yes-or-no verdicts that differ."""

    gained: int
    """No in the base, yes in the other."""
    lost: int
    """Yes in the base, no in the other."""

    @property
    def p(self) -> float:
        """McNemar's exact test (1947), two-sided. It takes pictures for independent of each other, which
        those of one character are not; :func:`sign_flip` does not."""
        found = mcnemar([[0, self.lost], [self.gained, 0]], exact=True).pvalue
        # With few pairs that are split evenly, twice the tail exceeds 1.
        return min(1.0, float(found))

    @property
    def odds_ratio(self) -> float | None:
        """Odds of yes in the other over those in the base, within pairs: gained / lost, in (0, ∞).

        Below 1 means that the other has fewer. Where one of the two is 0, half a pair is added to both
        (Haldane 1956); None where no pair differs.
        """
        if not self.gained and not self.lost:
            return None
        add = 0.0 if self.gained and self.lost else 0.5
        return (self.gained + add) / (self.lost + add)

    @property
    def g(self) -> float | None:
        """Cohen's g (1988): gained / (gained + lost) − 1/2, in [−1/2, 1/2]; None where no pair differs."""
        both = self.gained + self.lost
        return self.gained / both - 0.5 if both else None


@dataclass(frozen=True)
class Paired:
    """`other` minus `base`; below zero means that `other` has less."""

    base: float
    other: float
    """Means over the characters in common, times the scale."""
    difference: Interval
    """:func:`copycat.stats.intervals.cluster_difference`."""
    bootstrap: Interval
    """The same by bootstrap over characters."""
    pairs: int
    """Pairs with both numbers: the denominator."""
    p: float | None
    """:func:`sign_flip` over characters."""
    discordant: Discordant | None
    """Only of yes-or-no verdicts."""
    effect: float | None
    """Of yes-or-no verdicts Cohen's h, see :func:`cohen_h`; of others the mean difference of characters
    over its standard deviation (Cohen's d_z), None where that is 0."""
    effect_kind: Literal["h", "d_z"]


def compare(pairs: Pairs, *, binary: bool, scale: float = 1.0) -> Paired:
    """The comparison of `pairs`; characters without a pair are left out. Raises ValueError without pairs."""
    kept = {c: p for c, p in sorted(pairs.items()) if p}
    if not kept:
        raise ValueError("a paired comparison needs at least one pair")
    number = sum(map(len, kept.values()))
    base = fmean(fmean(a for a, _ in p) for p in kept.values())
    other = fmean(fmean(b for _, b in p) for p in kept.values())
    steps = [fmean(b - a for a, b in p) for p in kept.values()]
    found = None
    if binary:
        flat = [x for p in kept.values() for x in p]
        found = Discordant(sum(b > a for a, b in flat), sum(a > b for a, b in flat))
    spread = float(np.std(steps, ddof=1)) if len(steps) > 1 else 0.0
    return Paired(
        base=base * scale,
        other=other * scale,
        difference=cluster_difference(steps, number, scale),
        bootstrap=cluster_bootstrap(steps, scale),
        pairs=number,
        p=sign_flip(steps),
        discordant=found,
        effect=cohen_h(base, other) if binary else (fmean(steps) / spread if spread else None),
        effect_kind="h" if binary else "d_z",
    )


def sign_flip(differences: Sequence[float], seed: int = 0) -> float | None:
    """Two-sided p of the permutation test that exchanges the two conditions within characters.

    The statistic is the sum of the characters' differences; under the null hypothesis that the condition
    makes no difference, each character's could as well have the other sign. All sign patterns are tried
    where there are at most FLIPS, else FLIPS random ones, of which p is at least 1 / (FLIPS + 1). None
    with fewer than two characters.
    """
    values = np.asarray(differences, float)
    if values.size < 2:
        return None
    moved = values[np.abs(values) > 1e-12]
    if not moved.size:
        return 1.0
    seen = abs(float(moved.sum())) * (1 - 1e-9)
    if 2**moved.size <= FLIPS:
        codes = np.arange(2**moved.size)
        signs = 1.0 - 2.0 * ((codes[:, None] >> np.arange(moved.size)) & 1)
        return float((np.abs(signs @ moved) >= seen).mean())
    signs = np.random.default_rng(seed).choice((-1.0, 1.0), (FLIPS, moved.size))
    return float(((np.abs(signs @ moved) >= seen).sum() + 1) / (FLIPS + 1))


def cohen_h(base: float, other: float) -> float:
    """2·asin √other − 2·asin √base, in [−π, π]; 0.2 is called small, 0.5 medium, 0.8 large (Cohen 1988)."""
    a, b = (2 * asin(sqrt(min(1.0, max(0.0, p)))) for p in (base, other))
    return b - a


def odds_ratio_interval(found: Discordant) -> tuple[float, float] | None:
    """95 % interval of :attr:`Discordant.odds_ratio`, from Clopper and Pearson's of the share gained.

    As McNemar's test, it takes pictures for independent. The upper end may be infinite; None where no
    pair differs.
    """
    n = found.gained + found.lost
    if not n:
        return None
    share = stats.binomtest(found.gained, n).proportion_ci(0.95, method="exact")
    low, high = float(share.low), float(share.high)
    return low / (1 - low), (high / (1 - high) if high < 1 else float("inf"))


@dataclass(frozen=True)
class Adjusted:
    """One p value of a family of tests, with that of the whole family."""

    p: float
    holm: float
    """Holm (1979): at 0.05, the chance of one false claim or more in the family is at most 5 %."""
    fdr: float
    """Benjamini and Hochberg (1995): at 0.05, about 5 % of the claims are false."""


def adjust(family: Sequence[float | None]) -> list[Adjusted | None]:
    """The p values of a family with both corrections, in order; None where there is no p."""
    known = [p for p in family if p is not None]
    if not known:
        return [None] * len(family)
    holm, fdr = (multipletests(known, method=m)[1] for m in ("holm", "fdr_bh"))
    made = iter([Adjusted(p, float(h), float(f)) for p, h, f in zip(known, holm, fdr, strict=True)])
    return [None if p is None else next(made) for p in family]
