"""Shares with their intervals."""

from __future__ import annotations

from statsmodels.stats.proportion import proportion_confint


def wilson(hits: int, n: int) -> tuple[float, float] | tuple[None, None]:
    """Wilson's 95 % interval (1927) of `hits` in `n`, within [0, 1]; None without trials.

    Unlike the mean ± 1.96 SE it has a width where all or none hit. It takes the trials for independent.
    """
    if not n:
        return None, None
    low, high = proportion_confint(hits, n, alpha=0.05, method="wilson")
    return float(low), float(high)
