"""Tests that exchange two conditions within characters, of one difference and of many together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm

import numpy as np
import numpy.typing as npt

FLIPS = 20_000
"""Random sign patterns of :func:`max_t`; all of them where there are no more."""
GRID = 2**14
"""Steps that the sum of all differences' sizes is divided into, where they are no fractions with a small
common denominator."""

_SAME = 1e-9
_CHUNK = 2_000


def sign_flip(differences: Sequence[float]) -> float | None:
    """Two-sided p of the permutation test that exchanges the two conditions within characters.

    The statistic is the sum of the characters' differences; under the null hypothesis that the condition
    makes no difference, each character's could as well have the other sign. p is the share of all sign
    patterns whose sum is as far from 0, exactly: the law of the sum is built up one character after the
    other, on the grid of the differences' common denominator. Differences without one are first rounded to a
    grid of GRID steps, and the test is exact for those. None with fewer than two characters.
    """
    values = np.asarray(differences, float)
    if values.size < 2:
        return None
    moved = values[np.abs(values) > 1e-12]
    if not moved.size:
        return 1.0
    steps = _whole(moved)
    sizes = np.abs(steps)
    # How likely it is that the characters of one sign have a sum of 0, 1, 2, … steps.
    law = np.zeros(int(sizes.sum()) + 1)
    law[0] = 1.0
    reach = 0
    for size in map(int, sizes):
        law[size : reach + size + 1] += law[: reach + 1].copy()
        reach += size
        law[: reach + 1] /= 2
    sums = np.abs(2 * np.arange(law.size) - reach)
    return min(1.0, float(law[sums >= abs(int(steps.sum()))].sum()))


def _whole(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """`values` in steps of a grid."""
    near = [Fraction(float(v)).limit_denominator(1000) for v in values]
    common = lcm(*(f.denominator for f in near))
    total = float(np.abs(values).sum())
    fits = all(abs(float(f) - v) < _SAME for f, v in zip(near, values, strict=True))
    if fits and common * total <= GRID:
        return np.array([int(f * common) for f in near], np.int64)
    return np.rint(values * (GRID / total)).astype(np.int64)


def max_t(family: Sequence[Mapping[str, float]], flips: int = FLIPS, seed: int = 0) -> list[float | None]:
    """p values of many tests, corrected for their number as far as they do not move together: step-down max-T
    (Westfall and Young 1993, algorithm 2.8).

    Each of `family` has the difference of each of its characters. A sign pattern gives a character one sign,
    in all tests that it is in, so that tests which always agree count as one: unlike Holm's, the correction
    for measures that say the same is no greater than for one of them. The statistic of a test is its sum over
    the root of its squares' sum. At 0.05, the chance of one false claim or more is 5 %: exactly for the
    measures of one pair of conditions, for several pairs as the number of characters grows. p is at least
    1 / (`flips` + 1) unless all patterns are tried. None for a test with fewer than two characters.
    """
    chosen = [i for i, test in enumerate(family) if len(test) > 1]
    found: list[float | None] = [None] * len(family)
    if not chosen:
        return found
    people = sorted({c for i in chosen for c in family[i]})
    steps = np.array([[family[i].get(c, 0.0) for i in chosen] for c in people])
    steps /= np.maximum(np.sqrt((steps**2).sum(axis=0)), 1e-12)
    seen = np.abs(steps.sum(axis=0))
    order = np.argsort(-seen, kind="stable")
    steps, seen = steps[:, order], seen[order] - _SAME
    every = 2 ** len(people) <= flips
    count = np.zeros(len(order))
    for signs in _patterns(len(people), flips, seed, every=every):
        # Of each test the most that it and all with a smaller statistic reach.
        most = np.maximum.accumulate(np.abs(signs @ steps)[:, ::-1], axis=1)[:, ::-1]
        count += (most >= seen).sum(axis=0)
    p = count / 2 ** len(people) if every else (count + 1) / (flips + 1)
    for place, value in zip(order, np.maximum.accumulate(p), strict=True):
        found[chosen[place]] = float(value)
    return found


def _patterns(people: int, flips: int, seed: int, *, every: bool) -> list[npt.NDArray[np.float64]]:
    if every:
        codes = np.arange(2**people)
        signs = 1.0 - 2.0 * ((codes[:, None] >> np.arange(people)) & 1)
    else:
        signs = np.random.default_rng(seed).choice((-1.0, 1.0), (flips, people))
    return [np.asarray(signs[i : i + _CHUNK], float) for i in range(0, len(signs), _CHUNK)]
