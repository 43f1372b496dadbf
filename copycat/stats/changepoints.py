"""Where the mean of a sequence changes: exact partitions of least squared error, and whether there is a step.

A partition cuts `y` of length n into consecutive segments; `k` is a change point when a segment begins at
index k, 0 < k < n.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
REFERENCE_PENALTY = 0.9
"""What one change point costs in the published procedure, in squared units of the score."""
PERMUTATIONS = 999


def partition(
    y: Sequence[float] | Values, penalty: float, shortest: int = 1, weights: Values | None = None
) -> tuple[int, ...]:
    """The change points of the partition with the least Σ (y − mean of its segment)² + `penalty` × changes.

    It is the exact minimum, by dynamic programming over the end of the last segment (Jackson et al. 2005):
    what PELT (Killick et al. 2012) finds too, since that leaves out only what cannot be the minimum. No
    segment is shorter than `shortest`. Of equally good partitions it is the one whose last segment is the
    longest. Empty for fewer than two values, and where no change is worth its price. Raises ValueError
    for values that are not finite, a penalty that is not positive and a `shortest` below 1.
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
    for end in range(shortest, n + 1):
        start = np.arange(end - shortest + 1)
        within = squares[end] - squares[start] - (sums[end] - sums[start]) ** 2 / (mass[end] - mass[start])
        cost = best[start] + np.maximum(within, 0.0) + penalty
        began[end] = int(np.argmin(cost))
        best[end] = cost[began[end]]
    found: list[int] = []
    place = int(began[n])
    while place > 0:
        found.append(place)
        place = int(began[place])
    return tuple(reversed(found))


def noise(y: Sequence[float] | Values) -> float:
    """The standard deviation of `y` around whatever steps it has, from the differences of neighbours: the
    root of their mean square over 2 (von Neumann 1941). 0 for fewer than three values.

    A step of h adds h² / 2n to the variance. Where the noise is not the same everywhere, it is the mean
    variance that counts: that of the quiet part alone would make steps of the noise in the other.
    """
    values = _checked(y)
    if values.size < 3:
        return 0.0
    return float(np.sqrt((np.diff(values) ** 2).mean() / 2))


def scaled_penalty(y: Sequence[float] | Values, times: float = 3.0) -> float:
    """`times` σ² ln n: a penalty in the unit of the noise, so that it means the same for any score.

    2 σ² ln n is Schwarz's criterion with two parameters, level and place, for each change (Yao 1988); a
    little more keeps flat sequences whole. Never 0, so that a sequence without any noise can be cut too.
    """
    values = _checked(y)
    return max(times * noise(values) ** 2 * math.log(max(values.size, 2)), 1e-12)


def largest_rise(y: Sequence[float] | Values, shortest: int = 1) -> tuple[int, float]:
    """The cut after which the mean is higher that explains most, and how much squared error it takes away.

    (0, 0.0) where no cut makes the mean rise.
    """
    gains = _rises(_checked(y)[None], shortest)[0]
    if not gains.size or gains.max() <= 0:
        return 0, 0.0
    best = int(np.argmax(gains))
    return shortest + best, float(gains[best])


def rise_p(
    y: Sequence[float] | Values, shortest: int = 1, permutations: int = PERMUTATIONS, seed: int = 0
) -> float | None:
    """p of the test that the order says nothing, against a step upwards somewhere.

    The statistic is that of :func:`largest_rise`; under the null hypothesis every order of the values is as
    likely, whatever they are distributed like. p is (1 + random orders that reach it) / (1 + orders), so
    never 0. None with fewer than four values or two segments' worth.
    """
    values = _checked(y)
    if values.size < max(4, 2 * shortest):
        return None
    seen = largest_rise(values, shortest)[1]
    shuffled = shuffles(values, permutations, seed)
    reached = _rises(shuffled, shortest).max(axis=1) >= seen * (1 - 1e-9)
    return float((1 + reached.sum()) / (1 + permutations))


def shuffles(values: Values, permutations: int, seed: int) -> Values:
    """(permutations, n): `values` in random orders."""
    random = np.random.default_rng(seed)
    return random.permuted(np.tile(values, (permutations, 1)), axis=1)


def _rises(rows: Values, shortest: int) -> Values:
    """(rows, n − 2 shortest + 1): squared error that a cut takes away, 0 where the mean falls after it."""
    n = rows.shape[1]
    cuts = np.arange(shortest, n - shortest + 1)
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
