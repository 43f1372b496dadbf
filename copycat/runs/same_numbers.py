"""Whether two computations of a metric say the same."""

from __future__ import annotations

import math

from copycat.records import Metric

_NEARLY = 1e-6
"""Difference, relative or absolute, that another machine or version of a numeric library may make."""
_INTERVALS = frozenset({"low", "high", "fixed_low", "fixed_high", "all_low", "all_high", "method"})
_CORRECTED = frozenset(f for f in Metric.model_fields if f.startswith("corrected"))


def difference(told: Metric, found: Metric, *, corrected: bool) -> str:
    """Name of the first field in which two metrics differ; empty where they say the same.

    Intervals of another method, and corrections that belong to them, are not compared; corrections only where
    `corrected` says so, since they follow from a calibration that may be another one here.
    """
    left_out = frozenset() if corrected else _CORRECTED
    if told.method != found.method:
        left_out |= _INTERVALS | _CORRECTED
    other = found.model_dump(exclude=set(left_out))
    mine = told.model_dump(exclude=set(left_out))
    return next((name for name, value in mine.items() if not same(value, other[name])), "")


def same(one: object, other: object) -> bool:
    """Whether two values are equal, of numbers as nearly as another machine computes them."""
    if isinstance(one, float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=_NEARLY, abs_tol=_NEARLY)
    return one == other
