"""95 % intervals clustered by character: pictures of one character are not independent of each other.

Characters are regarded as a sample of all characters that might have been asked for, and seeds as a
sample of a character's pictures. An interval therefore says what another fifty characters of the same
kind would give; for these very characters alone it is too wide. Every function takes one number a
character, the mean over its scored pictures. How often each interval holds the truth is measured in
docs/statistics.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

LEVEL = 0.95
RESAMPLES = 2000
METHOD = "95 % beta interval on the effective number of pictures, clustered by character"

DIFFERENCE_METHOD = "95 % t interval over characters, two added that rise and fall (cluster_difference)"

_TAIL = (1 - LEVEL) / 2
_NOTHING = 1e-15


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
    zero, so tables show :func:`cluster_beta`; this one is beside it as a check that assumes nothing.
    """
    values = np.asarray(means, float)
    if values.size < 2:
        return _one_character(values, scale)
    draws = np.random.default_rng(seed).integers(0, values.size, (RESAMPLES, values.size))
    low, high = np.quantile(values[draws].mean(axis=1), (_TAIL, 1 - _TAIL)) * scale
    return Interval(float(values.mean()) * scale, float(low), float(high), int(values.size))


def effective_pictures(means: Sequence[float], pictures: int) -> float:
    """How many independent pictures would tell as much about the mean as these `pictures` do.

    m(1 − m) over the mean's variance between characters, lessened as Korn and Graubard (1998) do, since
    that variance is itself an estimate: by (z/t)² with C − 1 degrees of freedom. The result is no less
    than the C characters, so lessened, and no more than `pictures`: P("Yes") that hardly differ from
    picture to picture say nothing of characters on which the model fails and that were not drawn.
    """
    values = np.asarray(means, float)
    lessened = (stats.norm.ppf(1 - _TAIL) / _quantile(values.size)) ** 2
    mean, variance = float(values.mean()), float(values.var(ddof=1)) / values.size
    least, worth = float(values.size), mean * (1 - mean)
    found = least if worth < _NOTHING else max(least, worth / max(variance, _NOTHING))
    return float(min(found * lessened, max(float(pictures), least * lessened)))


def cluster_beta(means: Sequence[float], pictures: int, scale: float = 1.0) -> Interval:
    """The interval that tables show, for numbers in [0, 1]; within [0, `scale`] and never of width zero.

    The exact binomial interval of Clopper and Pearson (1934) at the effective number of pictures (Korn
    and Graubard 1998). Where all characters have 0, or all have 1, a character counts as one picture,
    however many seeds it has, so that the interval then holds for any law of characters. With fewer than two
    characters there is a value but no interval.
    """
    values = np.asarray(means, float)
    if values.size < 2:
        return _one_character(values, scale)
    mean, n = float(values.mean()), effective_pictures(means, pictures)
    yes, no = mean * n, n - mean * n
    low = float(stats.beta.ppf(_TAIL, yes, no + 1)) if mean > 0 else 0.0
    high = float(stats.beta.ppf(1 - _TAIL, yes + 1, no)) if mean < 1 else 1.0
    return Interval(mean * scale, low * scale, high * scale, int(values.size))


def cluster_difference(differences: Sequence[float], pairs: int, scale: float = 1.0) -> Interval:
    """Interval of the mean of paired differences in [−1, 1], one a character, of `pairs` pairs in all.

    Mean ± t·s/√C, with Student's t of C − 1, after adding two characters, one that rises and one that
    falls by the greater of 1/2 and one picture's worth: for one picture a character this is the adjusted
    interval of Bonett and Price (2012) for paired proportions, here with Student's t. It is within
    [−`scale`, `scale`], and its width is never zero, not even where nothing changed. With fewer than two
    characters there is a value but no interval.
    """
    values = np.asarray(differences, float)
    if values.size < 2:
        return _one_character(values, scale)
    step = max(0.5, min(1.0, values.size / max(pairs, 1)))
    mean = float(values.mean())
    low, high = _student(np.append(values, (step, -step)))
    low, high = max(-1.0, min(low, mean)), min(1.0, max(high, mean))
    return Interval(mean * scale, low * scale, high * scale, int(values.size))


def _student(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    mean = float(values.mean())
    half = _quantile(values.size) * float(values.std(ddof=1)) / values.size**0.5
    return mean - half, mean + half


def _quantile(size: int) -> float:
    return float(stats.t.ppf(1 - _TAIL, size - 1))


def _one_character(values: npt.NDArray[np.float64], scale: float) -> Interval:
    return Interval(float(values[0]) * scale if values.size else None, None, None, int(values.size))
