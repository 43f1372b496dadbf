"""The t test of two groups of whole runs, as papers with a few seeds report it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, pstdev
from typing import Any

from scipy import stats


@dataclass(frozen=True)
class Group:
    """Runs under one condition, by their mean and spread."""

    mean: float
    population_sd: float
    """With ddof 0: the root of the mean square from the mean."""
    n: int
    """Runs."""

    @classmethod
    def of(cls, values: Sequence[float]) -> Group:
        """Of the runs' numbers. Raises ValueError for none."""
        if not values:
            raise ValueError("a group needs a run")
        return cls(fmean(values), pstdev(values), len(values))

    @property
    def sample_sd(self) -> float | None:
        """With ddof 1; None for a single run."""
        return self.population_sd * sqrt(self.n / (self.n - 1)) if self.n > 1 else None


@dataclass(frozen=True)
class TTest:
    """Whether the first group's mean is above the second's."""

    t: float
    p: float
    """One-tailed."""


def one_tailed(above: Group, below: Group) -> TTest | None:
    """Welch's test (1947) with sample SDs; None with a single run, or where neither group varies.

    It asks about further runs of the same characters and prompts, and not about other characters.
    """
    first, second = above.sample_sd, below.sample_sd
    if first is None or second is None or first == second == 0:
        return None
    found: Any = stats.ttest_ind_from_stats(
        above.mean, first, above.n, below.mean, second, below.n, equal_var=False, alternative="greater"
    )
    return TTest(float(found.statistic), float(found.pvalue))


def naive_t(above: Group, below: Group) -> float | None:
    """The t value that population SDs give in place of sample SDs, which is too large: by the root of
    n / (n - 1), a fifth with three runs. None where neither group varies."""
    variance = above.population_sd**2 / above.n + below.population_sd**2 / below.n
    return (above.mean - below.mean) / sqrt(variance) if variance else None
