"""95 % intervals of a mean over characters, for two questions that want different answers.

**For these characters** (:func:`fixed_set`): the characters are given, and another run would draw other
pictures of the same ones. **For characters like these** (:func:`population`): they are a sample of all that
might have been asked for, and another run would have other characters too. The second is never the narrower
one. Pictures of one character are never taken for independent in it. How often each interval holds the
truth is measured in docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from copycat.stats.gaps import TAIL, Events, exact, joined

RESAMPLES = 2000
METHOD = "95 %, characters like these: Poisson gaps of characters, joined by squares (population)"
FIXED_METHOD = "95 %, these characters: Poisson gaps of pictures, joined by squares (fixed_set)"

Values = Sequence[Sequence[float]]
"""Of each character the numbers of its scored pictures, in [0, 1]; none of them empty."""


@dataclass(frozen=True)
class Interval:
    """A mean over characters with its 95 % interval; None where it cannot be computed."""

    value: float | None
    low: float | None
    high: float | None
    characters: int
    """Characters that the mean is over."""


def cluster_bootstrap(means: Sequence[float], scale: float = 1.0, seed: int = 0) -> Interval:
    """Percentile interval of `scale` times the mean, characters drawn with replacement.

    With fewer than two characters there is a value but no interval. Where all are the same its width is
    zero, so tables show :func:`population`; this one is beside it as a check that assumes nothing.
    """
    values = np.asarray(means, float)
    if values.size < 2:
        return one_character(values, scale)
    draws = np.random.default_rng(seed).integers(0, values.size, (RESAMPLES, values.size))
    low, high = np.quantile(values[draws].mean(axis=1), (TAIL, 1 - TAIL)) * scale
    return Interval(float(values.mean()) * scale, float(low), float(high), int(values.size))


def population(values: Values, scale: float = 1.0) -> Interval:
    """The interval for characters like these; within [0, `scale`] and never of width zero.

    A character above the mean is counted as a part of one that always comes out, a character below it as a
    part of one that never does: their squared distances from the mean, in units of those of such a
    character, are two effective counts of rare events. Each has the exact gaps of a Poisson count, and the
    gaps are joined by squares, as Zou and Donner (2008) do for a difference. So characters that always come
    out, of which by chance none was drawn, are allowed for however alike those are that were drawn. The
    interval is never wider than Clopper and Pearson's (1934) with as many pictures as characters, and
    holds :func:`fixed_set`. With fewer than two characters there is a value but no interval.
    """
    means = means_of(values)
    if means.size < 2:
        return one_character(means, scale)
    mean = float(means.mean())
    apart = means - mean
    squares = apart**2 * means.size / (means.size - 1)
    above, below = float(squares[apart > 0].sum()), float(squares[apart < 0].sum())
    ends = _ends(mean, 1 / means.size, Events(above, 1 - mean), Events(below, mean))
    fixed = _fixed_ends(values, means)
    low, high = min(ends[0], fixed[0]), max(ends[1], fixed[1])
    return Interval(mean * scale, low * scale, high * scale, int(means.size))


def fixed_set(values: Values, scale: float = 1.0) -> Interval:
    """The interval for these very characters; within [0, `scale`] and never of width zero.

    What varies is the pictures of each character alone, by the sample variance within it, so a character
    that always or never comes out adds nothing but the chance of an event not yet seen. As in
    :func:`population` the variance is split into pictures that come out of characters which mostly do not,
    and the reverse, and both have the gaps of Poisson counts (after Fay and Feuer 1997). The interval is
    never wider than Clopper and Pearson's of all pictures, which holds for any characters (Hoeffding 1956)
    and is what is left with one picture a character: how much its pictures differ cannot then be known.
    """
    means = means_of(values)
    if not means.size:
        return Interval(None, None, None, 0)
    low, high = _fixed_ends(values, means)
    return Interval(float(means.mean()) * scale, low * scale, high * scale, int(means.size))


def means_of(values: Values) -> npt.NDArray[np.float64]:
    """The mean of each character."""
    return np.array([sum(v) / len(v) for v in values], float)


def _fixed_ends(values: Values, means: npt.NDArray[np.float64]) -> tuple[float, float]:
    numbers = np.array([len(v) for v in values])
    mean, worth = float(means.mean()), float((1 / numbers).mean()) / numbers.size
    # `worth` is what one picture adds to the mean. Of unequal numbers it is the harmonic mean that counts:
    # as many pictures of each would give the same variance.
    if numbers.max() < 2:
        return _clopper_pearson(mean, 1 / worth)
    whose = np.repeat(np.arange(numbers.size), numbers)
    off = np.concatenate([np.asarray(v, float) for v in values]) - means[whose]
    # A lone picture says nothing of its character's variance, which is taken for the largest there could be.
    within = np.where(
        numbers > 1, np.bincount(whose, off**2) / np.maximum(numbers - 1, 1), max(0.0, mean * (1 - mean))
    )
    shares = within / numbers / (numbers.size * worth) ** 2
    up, down = float((shares * (1 - means)).sum()), float((shares * means).sum())
    return _ends(mean, worth, Events(up, 1.0), Events(down, 1.0))


def _ends(mean: float, unit: float, ups: Events, downs: Events) -> tuple[float, float]:
    """The ends, of which an event of size 1 moves the mean by `unit`; no farther away than Clopper and
    Pearson's with 1 / `unit` trials."""
    below, above = joined(ups, downs, exact)
    low, high = _clopper_pearson(mean, 1 / unit)
    return min(mean, max(low, mean - unit * below)), max(mean, min(high, mean + unit * above))


def _clopper_pearson(mean: float, trials: float) -> tuple[float, float]:
    yes, no = mean * trials, (1 - mean) * trials
    low = float(special.betaincinv(yes, no + 1, TAIL)) if yes > 0 else 0.0
    high = float(special.betaincinv(yes + 1, no, 1 - TAIL)) if no > 0 else 1.0
    return low, high


def one_character(values: npt.NDArray[np.float64], scale: float) -> Interval:
    """The value without an interval, of one mean or none."""
    return Interval(float(values[0]) * scale if values.size else None, None, None, int(values.size))
