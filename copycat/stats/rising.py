"""How a score rises with a dose, whatever its scale: a monotone fit, its test, and a logistic curve.

Where doses are equal, the order in which their values come does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.isotonic import isotonic_regression

from copycat.stats.changepoints import PERMUTATIONS, shuffles

Values = npt.NDArray[np.float64]


def isotonic(y: Sequence[float] | Values, weights: Values | None = None) -> Values:
    """The non-decreasing sequence nearest to `y` in squared error, each by its weight, of the same length."""
    return np.asarray(isotonic_regression(np.asarray(y, float), sample_weight=weights), float)


def isotonic_p(
    y: Sequence[float] | Values,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    doses: Sequence[float] | Values | None = None,
) -> float | None:
    """p of the test that the order of `y` says nothing, against any rise along it.

    The statistic is the variance of the isotonic fit (Barlow et al. 1972), compared with that of random
    orders; p is (1 + orders that reach it) / (1 + orders). None with fewer than four values. Values of one of
    the `doses`, which rise, are fitted by their mean; without doses all are different.
    """
    values = np.asarray(y, float)
    if values.size < 4:
        return None
    at = np.arange(values.size, dtype=float) if doses is None else np.asarray(doses, float)
    values = values[np.lexsort((values, at))]
    seen = _fit(at, values[None])[0].var()
    drawn = _fit(at, shuffles(values, permutations, seed))
    reached = sum(row.var() >= seen * (1 - 1e-9) for row in drawn)
    return float((1 + reached) / (1 + permutations))


def halfway(doses: Sequence[float] | Values, y: Sequence[float] | Values) -> float | None:
    """The least dose whose isotonic fit is half-way between the fit's ends or above; None for a flat fit.

    `doses` rise, and `y` are their scores.
    """
    at, values = np.asarray(doses, float), np.asarray(y, float)
    if values.size < 2:
        return None
    fit = _fit(at, values[None])[0]
    if fit[-1] - fit[0] <= 1e-12:
        return None
    return float(at[int(np.argmax(fit >= (fit[0] + fit[-1]) / 2))])


def _fit(doses: Values, rows: Values) -> Values:
    """Of each row the non-decreasing function of the rising `doses` that is nearest to it: one value each."""
    begins = np.flatnonzero(np.diff(doses, prepend=-np.inf))
    many = np.diff(begins, append=doses.size)
    means = np.add.reduceat(rows, begins, axis=1) / many
    weights = many.astype(float)
    return np.repeat(np.stack([isotonic(row, weights) for row in means]), many, axis=1)


@dataclass(frozen=True)
class Logistic:
    """score = low + (high − low) / (1 + exp(−slope (ln(1 + dose) − ln(1 + middle))))."""

    low: float
    high: float
    slope: float
    """Per unit of ln(1 + dose), above 0."""
    middle: float
    """The dose of the 50 % point, half-way between `low` and `high`."""

    def at(self, doses: Sequence[float] | Values) -> Values:
        """The curve's scores."""
        x = np.log1p(np.asarray(doses, float))
        return np.asarray(_curve(x, self.low, self.high, self.slope, math.log1p(self.middle)))


_SLOPES = np.geomspace(0.25, 20.0, 24)
"""Steeper curves are steps for any counts that there are, flatter ones lines."""
_MIDDLES = 160
"""Places that are tried for the 50 % point, in equal steps of ln(1 + dose)."""


def logistic(doses: Sequence[float] | Values, y: Sequence[float] | Values) -> Logistic | None:
    """The curve of least squared error; None where none rises within the doses that there are.

    That is with fewer than five values, where the best curve falls, and where its 50 % point is at the very
    end of the doses, which says that the rise begins or ends beyond them.
    """
    values = np.asarray(y, float)
    return logistics(doses, values[None], np.ones((1, values.size)))[0]


def logistics(doses: Sequence[float] | Values, y: Values, weights: Values) -> list[Logistic | None]:
    """As :func:`logistic`, for each row of `y`, of shape (fits, doses), with a weight of 0 or more for each
    value.

    Slope and 50 % point are tried on a grid of 24 × 160; given both, `low` and `high` follow by linear least
    squares. The best cell is then refined by a parabola through its neighbours along the 50 % point.
    """
    x = np.log1p(np.asarray(doses, float))
    if x.size < 5 or np.ptp(x) <= 0:
        return [None] * len(y)
    middles = np.linspace(x.min(), x.max(), _MIDDLES)
    slope, middle = (g.ravel() for g in np.meshgrid(_SLOPES, middles, indexing="ij"))
    basis = 1 / (1 + np.exp(-slope[:, None] * (x[None] - middle[:, None])))
    total = weights.sum(axis=1)
    mean_y = (weights * y).sum(axis=1) / total
    mean_s = basis @ weights.T / total
    covariance = basis @ (weights * (y - mean_y[:, None])).T / total
    variance = np.maximum(basis**2 @ weights.T / total - mean_s**2, 0.0)
    rise = np.where(variance > 1e-9, covariance / np.maximum(variance, 1e-9), 0.0)
    explained = np.where(rise > 0, rise * covariance, 0.0)
    found: list[Logistic | None] = []
    for i in range(len(y)):
        best = int(np.argmax(explained[:, i]))
        place = best % _MIDDLES
        if explained[best, i] <= 1e-12 or not 0 < place < _MIDDLES - 1:
            found.append(None)
            continue
        low = float(mean_y[i] - rise[best, i] * mean_s[best, i])
        at = middles[place] + _vertex(explained[best - 1 : best + 2, i]) * (middles[1] - middles[0])
        found.append(Logistic(low, low + float(rise[best, i]), float(slope[best]), math.expm1(float(at))))
    return found


def _vertex(three: Values) -> float:
    """Where the parabola through three values at −1, 0 and 1 has its top, in [−0.5, 0.5]."""
    bend = three[0] - 2 * three[1] + three[2]
    return 0.0 if bend >= 0 else float(np.clip((three[0] - three[2]) / (2 * bend), -0.5, 0.5))


def _curve(x: Values, low: float, high: float, slope: float, middle: float) -> Values:
    return np.asarray(low + (high - low) / (1 + np.exp(-slope * (x - middle))))
