"""Shares with their intervals: of independent trials, and of pictures that belong to characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special
from statsmodels.stats.proportion import proportion_confint

Floats = npt.NDArray[np.float64]
ALIKE = 0.4
"""How alike the pictures of one character are taken to be in whether a judge errs on them (an intra-class
correlation), before any error is seen: a cautious guess, tried in docs/statistics.md."""
WORTH = 6.0
"""As many errors as :data:`ALIKE` weighs against those that were seen."""


def wilson(hits: int, n: int) -> tuple[float, float] | tuple[None, None]:
    """Wilson's 95 % interval (1927) of `hits` in `n`, within [0, 1]; None without trials.

    Unlike the mean ± 1.96 SE it has a width where all or none hit. It takes the trials for independent.
    """
    if not n:
        return None, None
    low, high = proportion_confint(hits, n, alpha=0.05, method="wilson")
    return float(low), float(high)


@dataclass(frozen=True)
class Clustered:
    """A share of pictures that belong to characters, with its 95 % interval for characters like these."""

    hits: int
    n: int
    low: float | None
    high: float | None
    """None without a picture."""
    effective: float
    """As many independent pictures would tell as much, in (0, n]; 0 without a picture."""
    characters: int
    """Those that have a picture in it."""


def clustered(hits: Sequence[int], n: Sequence[int], spread: float = 0.0) -> Clustered:
    """The share Σ hits / Σ n of characters with `hits` among `n` pictures each, and its interval.

    `spread` is the standard deviation of the share that comes from elsewhere, as from what is taken for true.

    The exact binomial interval of Clopper and Pearson (1934) at the effective number of pictures, as Korn and
    Graubard (1998) have it: n over the design effect, which is the linearised variance of the ratio between
    characters over that of independent pictures, lessened by (z/t)² for its own uncertainty. How alike the
    pictures of a character are cannot be seen in few errors, so the design effect is the mean of the one seen
    and of :data:`ALIKE`'s, weighed by the errors seen (or the hits, where there are fewer) and :data:`WORTH`.
    The effective number is no more than that of the pictures and no less than characters of unequal size
    come to when all pictures of each are the same (Kish 1965); so the interval is never narrower than that of
    independent pictures.
    """
    h, m = (np.asarray(x, float)[np.asarray(n) > 0] for x in (hits, n))
    pictures, characters = float(m.sum()), int(m.size)
    if not characters:
        return Clustered(0, 0, None, None, 0.0, 0)
    effective = _effective(h, m)
    if spread:
        # Never 0, so that a share of none or all has room for it too.
        share = (float(h.sum()) + 1) / (pictures + 2)
        effective = max(1.0, 1 / (1 / effective + spread**2 / (share * (1 - share))))
    yes = float(h.sum()) / pictures * effective
    no = effective - yes
    low = float(special.betaincinv(yes, no + 1, 0.025)) if h.sum() > 0 else 0.0
    high = float(special.betaincinv(yes + 1, no, 0.975)) if h.sum() < pictures else 1.0
    return Clustered(int(h.sum()), int(pictures), low, high, effective, characters)


def _effective(h: Floats, m: Floats) -> float:
    pictures, characters = float(m.sum()), h.size
    largest = float((m**2).sum()) / pictures
    if characters < 2:
        return 1.0
    share = float(h.sum()) / pictures
    events = min(float(h.sum()), pictures - float(h.sum()))
    supposed = 1 + (largest - 1) * ALIKE
    seen = supposed
    if events:
        squares = float(((h - share * m) ** 2).sum()) * characters / (characters - 1)
        seen = min(squares / (pictures * share * (1 - share)), largest)
    effect = max(1.0, (events * seen + WORTH * supposed) / (events + WORTH))
    lessened = float(special.ndtri(0.975) / special.stdtrit(characters - 1, 0.975)) ** 2
    return max(1.0, pictures / effect * lessened)
