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

from copycat.stats.differences import fixed_difference, population_difference
from copycat.stats.intervals import Interval, cluster_bootstrap
from copycat.stats.permutation import max_t, sign_flip

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
        those of one character are not; :func:`copycat.stats.permutation.sign_flip` does not."""
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
    """With its interval for characters like these, see `copycat.stats.differences`."""
    fixed: Interval
    """With its interval for these very characters."""
    bootstrap: Interval
    """The same by bootstrap over characters."""
    pairs: int
    """Pairs with both numbers: the denominator."""
    p: float | None
    """:func:`copycat.stats.permutation.sign_flip` over characters."""
    steps: Mapping[str, float]
    """The mean difference of each character, not scaled."""
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
    moved = [[b - a for a, b in p] for p in kept.values()]
    steps = [fmean(m) for m in moved]
    found = None
    if binary:
        flat = [x for p in kept.values() for x in p]
        found = Discordant(sum(b > a for a, b in flat), sum(a > b for a, b in flat))
    spread = float(np.std(steps, ddof=1)) if len(steps) > 1 else 0.0
    return Paired(
        base=base * scale,
        other=other * scale,
        difference=population_difference(moved, scale),
        fixed=fixed_difference(moved, scale),
        bootstrap=cluster_bootstrap(steps, scale),
        pairs=number,
        p=sign_flip(steps),
        steps=dict(zip(kept, steps, strict=True)),
        discordant=found,
        effect=cohen_h(base, other) if binary else (fmean(steps) / spread if spread else None),
        effect_kind="h" if binary else "d_z",
    )


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
    max_t: float | None = None
    """Westfall and Young (1993), see :func:`copycat.stats.permutation.max_t`: as Holm's, but knowing which
    tests move together. Never below `p`. None where the family's differences are not told."""


def adjust(
    family: Sequence[float | None], steps: Sequence[Mapping[str, float]] | None = None
) -> list[Adjusted | None]:
    """The p values of a family with all corrections, in order; None where there is no p.

    `steps` are the differences that each p value was made of, by character.
    """
    known = [p for p in family if p is not None]
    if not known:
        return [None] * len(family)
    holm, fdr = (multipletests(known, method=m)[1] for m in ("holm", "fdr_bh"))
    joint = [None] * len(family) if steps is None else max_t(steps)
    corrected = iter(zip(holm, fdr, strict=True))
    made: list[Adjusted | None] = []
    for p, together in zip(family, joint, strict=True):
        if p is None:
            made.append(None)
            continue
        h, f = next(corrected)
        made.append(Adjusted(p, float(h), float(f), None if together is None else max(p, together)))
    return made
