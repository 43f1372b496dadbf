"""How much a judge's error rates move with who the raters are that say what is true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement
from math import factorial, prod
from typing import Protocol

import numpy as np
import numpy.typing as npt

from copycat.calibration.join import LabelledPicture
from copycat.cards.calibration import Reference

MOST = 500
"""Draws of raters; all that there are, where they are no more."""
_LEAST = 0.5
"""Share of the draws that must leave a rate."""

Floats = npt.NDArray[np.float64]


class Answered(Protocol):
    """One labelled picture and what the judge said of it."""

    @property
    def item(self) -> LabelledPicture: ...
    @property
    def said(self) -> bool: ...


def reference(answers: Sequence[Answered], truth: Sequence[str]) -> Reference | None:
    """The spread of TPR and FPR over raters drawn anew, with replacement, from those of `truth`.

    In each draw the majority of the drawn raters is true, one drawn twice counting twice; pictures on which
    they are even, or which none of them answered, are left out, as they are of the whole. The variance is
    multiplied with R / (R − 1), for R raters drawn from R vary less than R drawn from all people. None with
    fewer than two raters, whose share in the truth cannot be told.
    """
    raters = len(truth)
    if raters < 2:
        return None
    votes = np.array([[_vote(a.item.labels.get(r)) for r in truth] for a in answers], float)
    said = np.array([a.said for a in answers], bool)
    found: list[tuple[float, float, float]] = []
    for drawn, weight in _draws(raters):
        total = votes @ drawn
        shown, others = total > 0, total < 0
        tpr = float(said[shown].mean()) if shown.any() else np.nan
        fpr = float(said[others].mean()) if others.any() else np.nan
        found.append((weight, tpr, fpr))
    weights, *rates = np.array(found).T
    tpr_sd, fpr_sd = (_spread(weights, r, raters) for r in rates)
    return Reference(raters=raters, tpr_sd=tpr_sd, fpr_sd=fpr_sd)


def _vote(label: bool | None) -> int:
    return 0 if label is None else 1 if label else -1


def _draws(raters: int) -> Iterator[tuple[Floats, float]]:
    """How often each rater is in a draw, and the draw's probability."""
    number = factorial(2 * raters - 1) // (factorial(raters) * factorial(raters - 1))
    if number > MOST:
        r = np.random.default_rng(0)
        for _ in range(MOST):
            yield r.multinomial(raters, np.full(raters, 1 / raters)).astype(float), 1 / MOST
        return
    for chosen in combinations_with_replacement(range(raters), raters):
        drawn = np.bincount(chosen, minlength=raters)
        ways = factorial(raters) / prod(factorial(int(n)) for n in drawn)
        yield drawn.astype(float), ways / raters**raters


def _spread(weights: Floats, values: Floats, raters: int) -> float | None:
    known = np.isfinite(values)
    if float(weights[known].sum()) < _LEAST:
        return None
    w, v = weights[known] / weights[known].sum(), values[known]
    variance = float(w @ (v - float(w @ v)) ** 2)
    return round(float(np.sqrt(variance * raters / (raters - 1))), 6)
