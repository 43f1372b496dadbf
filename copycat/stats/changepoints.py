"""Where the mean of a sequence changes: exact partitions of least squared error, and whether there is a step.

A partition cuts `y` of length n into consecutive segments; `k` is a change point when a segment begins at
index k, 0 < k < n. Where doses are given, rising ones, values of one dose are never cut apart, and nothing
depends on the order in which they come.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
REFERENCE_PENALTY = 0.9
"""What one change point costs in the published procedure, in squared units of the score."""
PERMUTATIONS = 999


def partition(
    y: Sequence[float] | Values,
    penalty: float,
    shortest: int = 1,
    weights: Values | None = None,
    doses: Sequence[float] | Values | None = None,
) -> tuple[int, ...]:
    """The change points of the partition with the least Σ (y − mean of its segment)² + `penalty` × changes.

    It is the exact minimum, by dynamic programming over the end of the last segment (Jackson et al. 2005):
    what PELT (Killick et al. 2012) finds too, since that leaves out only what cannot be the minimum. No
    segment is shorter than `shortest`, and with `doses` none begins within one dose. Of equally good
    partitions it is the one whose last segment is the longest. Empty for fewer than two values, and where no
    change is worth its price. Raises ValueError for values that are not finite, a penalty that is not
    positive and a `shortest` below 1.
    """
    values = _checked(y)
    if not penalty > 0 or shortest < 1:
        raise ValueError("a penalty is above 0, and a segment has one value or more")
    n = values.size
    if n < 2 * shortest:
        return ()
    # Squares of large numbers would lose the digits that are compared.
    values = values - values.mean()
    weight = np.ones(n) if weights is None else np.asarray(weights, float)
    mass, sums, squares = (_cumulative(weight * values**power) for power in range(3))
    # best[t]: least cost of the first t values, each segment charged; began[t]: where its last segment
    # begins.
    best, began = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    best[0] = -penalty
    begins = _begins(n, doses)
    for end in [k for k in (*begins.tolist(), n) if k >= shortest]:
        start = begins[begins <= end - shortest]
        within = squares[end] - squares[start] - (sums[end] - sums[start]) ** 2 / (mass[end] - mass[start])
        cost = best[start] + np.maximum(within, 0.0) + penalty
        cheapest = int(np.argmin(cost))
        began[end], best[end] = start[cheapest], cost[cheapest]
    found: list[int] = []
    place = int(began[n])
    while place > 0:
        found.append(place)
        place = int(began[place])
    return tuple(reversed(found))


def noise(y: Sequence[float] | Values, doses: Sequence[float] | Values | None = None) -> float:
    """The standard deviation of `y` around whatever steps it has, from the differences of neighbours: the
    root of their mean square over 2 (von Neumann 1941). 0 for fewer than three values. With `doses` it is
    the mean square over all orders that values of one dose may come in.

    A step of h adds h² / 2n to the variance. Where the noise is not the same everywhere, it is the mean
    variance that counts: that of the quiet part alone would make steps of the noise in the other.
    """
    values = _checked(y)
    if values.size < 3:
        return 0.0
    # Two values of one dose differ by twice their variance, in the mean over orders; neighbours of two doses
    # by the variance of either, and by their means.
    parts = np.split(values, _begins(values.size, doses)[1:])
    within = sum(2 * float(((p - p.mean()) ** 2).sum()) for p in parts)
    between = sum(float(a.var() + b.var() + (a.mean() - b.mean()) ** 2) for a, b in pairwise(parts))
    return float(np.sqrt((within + between) / (values.size - 1) / 2))


def scaled_penalty(
    y: Sequence[float] | Values, times: float = 3.0, doses: Sequence[float] | Values | None = None
) -> float:
    """`times` σ² ln n: a penalty in the unit of the noise, so that it means the same for any score.

    2 σ² ln n is Schwarz's criterion with two parameters, level and place, for each change (Yao 1988); a
    little more keeps flat sequences whole. Never 0, so that a sequence without any noise can be cut too.
    """
    values = _checked(y)
    return max(times * noise(values, doses) ** 2 * math.log(max(values.size, 2)), 1e-12)


def largest_rise(
    y: Sequence[float] | Values, shortest: int = 1, doses: Sequence[float] | Values | None = None
) -> tuple[int, float]:
    """The cut after which the mean is higher that explains most, and how much squared error it takes away.

    (0, 0.0) where no cut makes the mean rise.
    """
    values = _checked(y)
    cuts = _cuts(values.size, shortest, doses)
    gains = _rises(values[None], cuts)[0]
    if not gains.size or gains.max() <= 0:
        return 0, 0.0
    best = int(np.argmax(gains))
    return int(cuts[best]), float(gains[best])


def rise_p(
    y: Sequence[float] | Values,
    shortest: int = 1,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    doses: Sequence[float] | Values | None = None,
) -> float | None:
    """p of the test that the order says nothing, against a step upwards somewhere.

    The statistic is that of :func:`largest_rise`; under the null hypothesis every order of the values is as
    likely, whatever they are distributed like. p is (1 + random orders that reach it) / (1 + orders), so
    never 0. None with fewer than four values or two segments' worth, and where `doses` leave no place for a
    cut.
    """
    values = _checked(y)
    cuts = _cuts(values.size, shortest, doses)
    if values.size < 4 or not cuts.size:
        return None
    if doses is not None:
        # From one and the same order, since the random ones are counted.
        values = values[np.lexsort((values, np.asarray(doses, float)))]
    seen = largest_rise(values, shortest, doses)[1]
    shuffled = shuffles(values, permutations, seed)
    reached = _rises(shuffled, cuts).max(axis=1) >= seen * (1 - 1e-9)
    return float((1 + reached.sum()) / (1 + permutations))


def shuffles(values: Values, permutations: int, seed: int) -> Values:
    """(permutations, n): `values` in random orders."""
    random = np.random.default_rng(seed)
    return random.permuted(np.tile(values, (permutations, 1)), axis=1)


def _begins(n: int, doses: Sequence[float] | Values | None) -> Indices:
    """Where a segment may begin, 0 first: everywhere, or where another dose begins."""
    if doses is None:
        return np.arange(n)
    return np.flatnonzero(np.diff(np.asarray(doses, float), prepend=-np.inf))


def _cuts(n: int, shortest: int, doses: Sequence[float] | Values | None) -> Indices:
    """Where one cut leaves `shortest` values or more on either side."""
    begins = _begins(n, doses)
    return begins[(begins >= shortest) & (begins <= n - shortest)]


def _rises(rows: Values, cuts: Indices) -> Values:
    """(rows, cuts): squared error that each cut takes away, 0 where the mean falls after it."""
    n = rows.shape[1]
    before = np.cumsum(rows, axis=1)[:, cuts - 1]
    total = rows.sum(axis=1, keepdims=True)
    step = (total - before) / (n - cuts) - before / cuts
    return np.asarray(np.where(step > 0, cuts * (n - cuts) / n * step**2, 0.0))


def _cumulative(values: Values) -> Values:
    return np.concatenate([[0.0], np.cumsum(values)])


def _checked(y: Sequence[float] | Values) -> Values:
    values = np.asarray(y, float)
    if not np.isfinite(values).all():
        raise ValueError("change points need finite values")
    return values
