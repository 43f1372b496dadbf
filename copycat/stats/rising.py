"""How a score rises with a dose, whatever its scale: a monotone fit, its test, and a logistic curve."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import OptimizeWarning, curve_fit
from sklearn.isotonic import isotonic_regression

from copycat.stats.changepoints import PERMUTATIONS, shuffles

Values = npt.NDArray[np.float64]


def isotonic(y: Sequence[float] | Values) -> Values:
    """The non-decreasing sequence nearest to `y` in squared error, of the same length."""
    return np.asarray(isotonic_regression(np.asarray(y, float)), float)


def isotonic_p(y: Sequence[float] | Values, permutations: int = PERMUTATIONS, seed: int = 0) -> float | None:
    """p of the test that the order of `y` says nothing, against any rise along it.

    The statistic is the variance of the isotonic fit (Barlow et al. 1972), compared with that of random
    orders; p is (1 + orders that reach it) / (1 + orders). None with fewer than four values.
    """
    values = np.asarray(y, float)
    if values.size < 4:
        return None
    seen = isotonic(values).var()
    reached = sum(isotonic(row).var() >= seen * (1 - 1e-9) for row in shuffles(values, permutations, seed))
    return float((1 + reached) / (1 + permutations))


def halfway(doses: Sequence[float] | Values, y: Sequence[float] | Values) -> float | None:
    """The least dose whose isotonic fit is half-way between the fit's ends or above; None for a flat fit.

    `doses` rise, and `y` are their scores.
    """
    fit = isotonic(y)
    if fit.size < 2 or fit[-1] - fit[0] <= 1e-12:
        return None
    return float(np.asarray(doses, float)[int(np.argmax(fit >= (fit[0] + fit[-1]) / 2))])


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


_STEEPEST = 20.0
"""Steeper curves are steps for any counts that there are."""


def logistic(doses: Sequence[float] | Values, y: Sequence[float] | Values) -> Logistic | None:
    """The curve of least squared error; None where none rises within the doses that there are.

    That is with fewer than five values, where the fit does not converge, and where its 50 % point is at the
    very end of the doses, which says that the rise begins or ends beyond them.
    """
    x, values = np.log1p(np.asarray(doses, float)), np.asarray(y, float)
    if values.size < 5 or np.ptp(x) <= 0 or np.ptp(values) <= 0:
        return None
    span = float(np.ptp(values))
    lowest, highest = values.min() - span, values.max() + span
    guess = (float(values.min()), float(values.max()), 2.0, float(np.median(x)))
    bounds = ([lowest, lowest, 1e-3, x.min()], [highest, highest, _STEEPEST, x.max()])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            fitted, _ = curve_fit(_curve, x, values, p0=guess, bounds=bounds, maxfev=2000)
    except RuntimeError:
        return None
    low, high, slope, middle = map(float, fitted)
    edge = 1e-3 * float(np.ptp(x))
    if high <= low or not x.min() + edge < middle < x.max() - edge:
        return None
    return Logistic(low, high, slope, math.expm1(middle))


def _curve(x: Values, low: float, high: float, slope: float, middle: float) -> Values:
    return np.asarray(low + (high - low) / (1 + np.exp(-slope * (x - middle))))
