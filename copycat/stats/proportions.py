"""Shares with their intervals: of independent trials, and of pictures that belong to characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
ALIKE = 0.4
"""How alike the pictures of one character are taken to be in whether a judge errs on them (an intra-class
correlation), before any error is seen: a cautious guess, tried in docs/statistics.md."""
WORTH = 6.0
"""How many errors seen weigh as much as :data:`ALIKE` does."""


def wilson(hits: int, n: int) -> tuple[float, float] | tuple[None, None]:
    """Wilson's 95 % interval (1927) of `hits` in `n`, within [0, 1]; None without trials.

    Unlike the mean ± 1.96 SE it has a width where all or none hit. It takes the trials for independent.
    """
    if not n:
        return None, None
    z = float(special.ndtri(0.975))
    share, shrunk = hits / n, 1 + z**2 / n
    centre = (share + z**2 / (2 * n)) / shrunk
    half = z * (share * (1 - share) / n + (z / (2 * n)) ** 2) ** 0.5 / shrunk
    return max(0.0, centre - half), min(1.0, centre + half)


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

    The interval is the exact binomial one of Clopper and Pearson (1934), not of the pictures themselves but
    of as many independent pictures as would tell as much: the effective number of Korn and Graubard (1998).

    - It is the number of pictures divided by the design effect, which says how many times the variance of
      the share is what independent pictures would have. It is multiplied by (z/t)², with the 97.5 % points
      of the normal law and of Student's with one degree of freedom less than characters, since a variance
      between a few characters is itself not well known.
    - The design effect is seen in how far hits differ between characters. Few hits do not show that: one
      hit says nothing of it. So it is the mean of the one that is seen, which weighs as many hits as there
      are less one (or misses, where those are fewer), and of the one that :data:`ALIKE` gives, which weighs
      :data:`WORTH`.
    - It lies between 1, which independent pictures have, and what Kish (1965) gives for characters all of
      whose pictures are the same.
    - The upper end is the highest that these hits or fewer, down to none, would have with the same design
      effect seen, and the lower end likewise the lowest of these hits or more. So another hit never lowers
      the upper end just because more is then known of how alike pictures are.
    """
    h, m = (np.asarray(x, float)[np.asarray(n) > 0] for x in (hits, n))
    pictures, characters = int(m.sum()), int(m.size)
    if not characters:
        return Clustered(0, 0, None, None, 0.0, 0)
    found = int(h.sum())
    effective = _effective(h, m, spread)
    low = float((1 - _upper(pictures - np.arange(found, pictures + 1), pictures, effective[found:])).min())
    high = float(_upper(np.arange(found + 1), pictures, effective[: found + 1]).max())
    return Clustered(found, pictures, low, high, float(effective[found]), characters)


def _upper(hits: npt.NDArray[np.int_], pictures: int, effective: Floats) -> Floats:
    """The upper end of Clopper and Pearson's interval of a share hits / pictures in `effective` trials."""
    yes = hits / pictures * effective
    inside = hits < pictures
    return np.where(inside, special.betaincinv(yes + 1, np.where(inside, effective - yes, 1.0), 0.975), 1.0)


def _effective(h: Floats, m: Floats, spread: float) -> Floats:
    """The effective number of pictures for each number of hits from 0 to that of all pictures, if as alike
    as the hits `h` among `m` of each character are."""
    pictures, characters = float(m.sum()), h.size
    numbers = np.arange(int(pictures) + 1, dtype=float)
    found = np.ones_like(numbers)
    if characters > 1:
        largest = float((m**2).sum()) / pictures
        share = float(h.sum()) / pictures
        supposed = 1 + (largest - 1) * ALIKE
        seen = supposed
        if 0 < share < 1:
            squares = float(((h - share * m) ** 2).sum()) * characters / (characters - 1)
            seen = min(squares / (pictures * share * (1 - share)), largest)
        known = np.maximum(np.minimum(numbers, pictures - numbers) - 1, 0.0)
        effect = np.maximum(1.0, (known * seen + WORTH * supposed) / (known + WORTH))
        lessened = float(special.ndtri(0.975) / special.stdtrit(characters - 1, 0.975)) ** 2
        found = np.maximum(1.0, pictures / effect * lessened)
    if spread:
        # Never 0, so that a share of none or all has room for it too.
        shares = (numbers + 1) / (pictures + 2)
        found = np.maximum(1.0, 1 / (1 / found + spread**2 / (shares * (1 - shares))))
    return np.asarray(found)
