"""How many characters and seeds it takes to tell one DETECT from another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

import numpy as np
from scipy import stats

MOST = 5_000
"""Characters beyond which :func:`needed` gives up."""


@dataclass(frozen=True)
class Effect:
    """What a paired comparison is to find: verdicts of two conditions on the same noise, 0 or 1.

    Raises ValueError where no two yes-or-no verdicts can have such differences.
    """

    difference: float
    """Mean of other − base over characters and pictures, in [−1, 1]."""
    sd: float
    """Standard deviation of the difference of one pair, over characters and pictures."""
    icc: float
    """Within-character correlation of that difference between seeds, in [0, 1]: at 1 a character's seeds
    all say the same, and more of them are of no use."""

    def __post_init__(self) -> None:
        least, most = spread(self.difference)
        if not least - 1e-9 <= self.sd <= most + 1e-9:
            raise ValueError(
                f"the standard deviation of a difference of {self.difference:+.3f} between two yes-or-no "
                f"verdicts is between {least:.3f} and {most:.3f}, not {self.sd:.3f}"
            )
        if not 0 <= self.icc <= 1:
            raise ValueError(f"a within-character correlation is between 0 and 1, not {self.icc:g}")

    def error(self, characters: int, seeds: int) -> float:
        """Standard error of the mean difference: sd·√((icc + (1 − icc) / seeds) / characters)."""
        return self.sd * sqrt((self.icc + (1 - self.icc) / seeds) / characters)


def spread(difference: float) -> tuple[float, float]:
    """The smallest and the largest standard deviation that a number in {−1, 0, 1} with this mean can have."""
    return sqrt(abs(difference) * (1 - abs(difference))), sqrt(1 - difference**2)


def unrelated_sd(base: float, other: float) -> float:
    """The standard deviation of the difference where the two verdicts on one noise have nothing in common.

    `base` and `other` are shares in [0, 1]. Sharing the noise usually makes it smaller, so this errs on
    the side of more pictures.
    """
    return sqrt(base * (1 - base) + other * (1 - other))


def closed_form(effect: Effect, characters: int, seeds: int, alpha: float = 0.05) -> float:
    """Chance, in [0, 1], that a two-sided paired t test over `characters` finds the difference at `alpha`.

    From the noncentral t distribution with characters − 1 degrees of freedom; 0 with fewer than two
    characters. The exact test that comparisons use finds less, since verdicts come in steps: from 50
    characters × 3 seeds on by up to ten points, with fewer by more. So this is where a search begins, and
    :func:`simulated` is what is shown.
    """
    if characters < 2:
        return 0.0
    error, df = effect.error(characters, seeds), characters - 1
    if error == 0:
        return 1.0 if effect.difference else alpha
    shift = abs(effect.difference) / error
    edge = float(stats.t.ppf(1 - alpha / 2, df))
    found = float(stats.nct.sf(edge, df, shift) + stats.nct.cdf(-edge, df, shift))
    # Far out, the library's noncentral t loses its tail; nothing but certainty is left there.
    return 1.0 if found != found else min(1.0, max(0.0, found))


def needed(effect: Effect, seeds: int, wanted: float = 0.8, alpha: float = 0.05) -> int | None:
    """The fewest characters with a :func:`simulated` power of `wanted` or more, to within 2 %.

    None where MOST are too few.
    """

    def enough(characters: int) -> bool:
        return simulated(effect, characters, seeds, alpha) >= wanted

    low, high = 1, 2
    while closed_form(effect, high, seeds, alpha) < wanted:
        low, high = high, high * 2
        if high > 2 * MOST:
            return None
    while not enough(high):
        low, high = high, high * 2
        if low > MOST:
            return None
    # The closed form is optimistic, but not by so much that half its answer would do.
    low = max(1, low // 2)
    while high - low > max(1, high // 50):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high if high <= MOST else None


def simulated(
    effect: Effect,
    characters: int,
    seeds: int,
    alpha: float = 0.05,
    *,
    runs: int = 2000,
    flips: int = 999,
    seed: int = 0,
) -> float:
    """Share of `runs` simulated comparisons in which the permutation test over characters has p ≤ `alpha`.

    Differences are −1, 0 or 1. A character has a difference of its own, and each of its pictures takes
    that one with probability √icc, else another of the same law, so that two of them correlate by icc.
    The test is that of :func:`copycat.stats.permutation.sign_flip`, with `flips` sign patterns.
    """
    rng = np.random.default_rng(seed)
    moved = effect.sd**2 + effect.difference**2
    law = np.array([moved - effect.difference, 2 * (1 - moved), moved + effect.difference]) / 2
    law = np.clip(law, 0, 1) / np.clip(law, 0, 1).sum()
    own = rng.choice((-1.0, 0.0, 1.0), (runs, characters, 1), p=law)
    fresh = rng.choice((-1.0, 0.0, 1.0), (runs, characters, seeds), p=law)
    takes = rng.random((runs, characters, seeds)) < sqrt(effect.icc)
    means = np.where(takes, own, fresh).mean(axis=2)
    signs = rng.choice((-1.0, 1.0), (flips, characters))
    seen = np.abs(means.sum(axis=1)) * (1 - 1e-9) - 1e-12
    as_far = (np.abs(means @ signs.T) >= seen[:, None]).sum(axis=1)
    return float(((as_far + 1) / (flips + 1) <= alpha).mean())


def estimate(differences: Sequence[Sequence[float]]) -> tuple[float, float | None]:
    """(sd, icc) from the differences of each character's pairs, by one-way analysis of variance.

    icc is None where no character has two pairs, since characters cannot be told from seeds then; it is
    put into [0, 1]. Raises ValueError with fewer than two characters.
    """
    groups = [np.asarray(g, float) for g in differences if len(g)]
    if len(groups) < 2:
        raise ValueError("it takes pairs of two characters or more")
    sizes = np.array([g.size for g in groups])
    total, k = int(sizes.sum()), len(groups)
    if total == k:
        return float(np.std([g[0] for g in groups], ddof=1)), None
    grand = float(np.concatenate(groups).mean())
    between = sum(g.size * (float(g.mean()) - grand) ** 2 for g in groups) / (k - 1)
    within = sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / (total - k)
    typical = (total - float((sizes**2).sum()) / total) / (k - 1)
    of_characters = max(0.0, (between - within) / typical)
    variance = of_characters + within
    return sqrt(variance), of_characters / variance if variance else None


def mean_difference(differences: Sequence[Sequence[float]]) -> float:
    """Mean over characters of the mean over each one's pairs."""
    return fmean(fmean(g) for g in differences if len(g))
