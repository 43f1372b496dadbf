"""Paired differences without the judge's known errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copycat.measures.base import Measure
from copycat.stats.intervals import Interval
from copycat.stats.prevalence import Corrected, Pairs, corrected_difference, judge_error

Rates = Mapping[str, Any]
"""A judge's calibration, as `copycat.judges.base.error_rates` gives it."""

DIFFERENCES = (
    "Corrected differences are without the judge's known errors: each side with the rates of its own "
    "mitigation, not clipped before the difference is taken, and what is uncertain of the rates drawn for "
    "both sides together. Their intervals are never narrower than those of the difference as judged."
)


def correct_difference(
    measure: Measure,
    pairs: Pairs,
    raw: Interval,
    scale: float,
    base: tuple[Rates | None, str],
    other: tuple[Rates | None, str],
) -> Corrected | None:
    """The difference of `pairs` corrected, times `scale`; None where it is not known how the judge errs.

    `raw` is the difference as it is shown, times `scale`; `base` and `other` are each side's rates and its
    mitigation. Rates that are the same are of one measurement, whose uncertainty moves both sides.
    """
    if not measure.corrected or measure.ask is None or not pairs or raw.value is None:
        return None
    errors = [judge_error(rates, measure.ask.kind, mitigation) for rates, mitigation in (base, other)]
    if errors[0] is None or errors[1] is None:
        return None
    own = Interval(raw.value / scale, _times(raw.low, 1 / scale), _times(raw.high, 1 / scale), raw.characters)
    shared = _measured(base[0]) == _measured(other[0])
    found = corrected_difference(pairs, own, errors[0], errors[1], shared=shared)
    if found is None:
        return None
    return Corrected(
        found.value * scale, _times(found.low, scale), _times(found.high, scale), clipped=found.clipped
    )


def _times(value: float | None, scale: float) -> float | None:
    return None if value is None else value * scale


def _measured(rates: Rates | None) -> dict[str, Any]:
    """The rates, wherever a run read them."""
    return {k: v for k, v in (rates or {}).items() if k != "cited"}
