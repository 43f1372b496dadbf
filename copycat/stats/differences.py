"""95 % intervals of a mean difference over characters, for the same two questions as those of a mean.

A pair is the numbers of two conditions on pictures of one character that share their noise; its difference,
other minus base, is in [−1, 1]. Gains and losses are two kinds of rare events, with gaps of their own; see
`copycat.stats.intervals` for what a population and a fixed set are.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from copycat.stats.gaps import Events, exact, joined, mid_p
from copycat.stats.intervals import Interval, Values, means_of, one_character

METHOD = "95 %, characters like these: mid-P Poisson gaps of gains and losses, joined by squares"
FIXED_METHOD = "95 %, these characters: Poisson gaps of gains and losses, joined by squares"

_Array = npt.NDArray[np.float64]


def population_difference(steps: Values, scale: float = 1.0) -> Interval:
    """The mean of `steps`, of each character its pairs' differences, for characters like these.

    As :func:`copycat.stats.intervals.population`: a character above the mean is counted as a part of one of
    which every pair was gained, one below it as a part of one of which every pair was lost, so that
    characters that change, of which by chance none was drawn, are allowed for. It is within [−`scale`,
    `scale`], never of width zero, and holds :func:`fixed_difference`. With fewer than two characters there
    is a value but no interval.
    """
    means = means_of(steps)
    if means.size < 2:
        return one_character(means, scale)
    mean = float(means.mean())
    apart = means - mean
    squares = apart**2 * means.size / (means.size - 1)
    ups = Events(float(squares[apart > 0].sum()), 1 - mean)
    downs = Events(float(squares[apart < 0].sum()), 1 + mean)
    below, above = joined(ups, downs, mid_p)
    low, high = _fixed_ends(steps, means)
    low, high = min(low, mean - below / means.size), max(high, mean + above / means.size)
    return Interval(mean * scale, max(-1.0, low) * scale, min(1.0, high) * scale, int(means.size))


def fixed_difference(steps: Values, scale: float = 1.0) -> Interval:
    """The mean of `steps` for these very characters, of which other pictures might have been drawn.

    As :func:`copycat.stats.intervals.fixed_set`, with gains and losses for events. What a character's only
    pair says of its variance is nothing, so that is reckoned from all characters' spread; with one pair a
    character the interval is that of the population.
    """
    means = means_of(steps)
    if not means.size:
        return Interval(None, None, None, 0)
    low, high = _fixed_ends(steps, means)
    return Interval(
        float(means.mean()) * scale, max(-1.0, low) * scale, min(1.0, high) * scale, int(means.size)
    )


def _fixed_ends(steps: Values, means: _Array) -> tuple[float, float]:
    numbers = np.array([len(s) for s in steps])
    mean, worth = float(means.mean()), float((1 / numbers).mean()) / numbers.size
    whose = np.repeat(np.arange(numbers.size), numbers)
    alone = numbers[whose] < 2
    flat = np.concatenate([np.asarray(s, float) for s in steps])
    off = flat - np.where(alone, mean, means[whose])
    # Squared deviations, made unbiased, weighed as the mean weighs the pair, in units of what one adds to it.
    freed = numbers.size / max(numbers.size - 1, 1)
    unbiased = np.where(alone, freed, numbers[whose] / np.maximum(numbers[whose] - 1, 1))
    shares = off**2 * unbiased / (numbers[whose] * numbers.size * worth) ** 2
    sizes = (1 - mean, 1 + mean) if alone.all() else (1.0, 1.0)
    ups, downs = (
        Events(float(shares[off > 0].sum()), sizes[0]),
        Events(float(shares[off < 0].sum()), sizes[1]),
    )
    # Where most pairs change, mid-P's gaps hold the truth a little less often than they should.
    below, above = joined(ups, downs, mid_p if alone.all() else exact)
    return mean - worth * below, mean + worth * above
