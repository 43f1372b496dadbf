"""Intervals clustered by character: pictures of one character are not independent of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
METHOD = f"95 % percentile bootstrap over characters, {RESAMPLES} resamples"


@dataclass(frozen=True)
class Interval:
    """A mean over characters with its 95 % interval; None where it cannot be computed."""

    value: float | None
    low: float | None
    high: float | None
    characters: int
    """Characters that the mean is over."""


def cluster_bootstrap(means: Sequence[float], scale: float = 1.0, seed: int = 0) -> Interval:
    """Interval of `scale` times the mean of one number per character.

    Characters are drawn with replacement. With fewer than two there is a value but no interval.
    """
    values = np.asarray(means, dtype=float)
    if values.size == 0:
        return Interval(None, None, None, 0)
    mean = float(values.mean()) * scale
    if values.size < 2:
        return Interval(mean, None, None, 1)
    draws = np.random.default_rng(seed).integers(0, values.size, (RESAMPLES, values.size))
    low, high = np.quantile(values[draws].mean(axis=1), (0.025, 0.975)) * scale
    return Interval(mean, float(low), float(high), int(values.size))


def paired_difference(
    base: Mapping[str, float], other: Mapping[str, float], scale: float = 1.0, seed: int = 0
) -> Interval:
    """`other` minus `base`, over the characters that both have; negative means `other` is lower."""
    both = sorted(base.keys() & other.keys())
    return cluster_bootstrap([other[c] - base[c] for c in both], scale, seed)
