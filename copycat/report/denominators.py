"""Where pictures that are not scored could turn a comparison round."""

from __future__ import annotations

from collections.abc import Iterable

from copycat.measures import Measure, measure
from copycat.records import Metric
from copycat.report.words import number
from copycat.runs.data import RunData

_NOTHING = 1e-9


def turned(shown: Measure, difference: float | None, base: Metric | None, other: Metric | None) -> str:
    """A sentence where the pictures that one of the two has not scored, by coming out one way or the other,
    could give `difference`, other minus base, the other sign; empty where they could not.

    Refused, failed and unscored pictures are in no denominator, so a guardrail that has most of its worst
    pictures refused would look better, or worse, than it is.
    """
    if difference is None or base is None or other is None:
        return ""
    ends = base.all_low, base.all_high, other.all_low, other.all_high
    if None in ends:
        return ""
    base_low, base_high, other_low, other_high = (float(x or 0.0) for x in ends)
    low, high = other_low - base_high, other_high - base_low
    if not ((low < -_NOTHING and difference > _NOTHING) or (difference < -_NOTHING and high > _NOTHING)):
        return ""
    missing = [f"{m.images - m.scored} of {m.images} pictures" for m in (base, other)]
    between = " and ".join(number(x, shown.places, signed=True) for x in (low, high))
    return (
        f"{missing[0]} of the base and {missing[1]} of the other are not scored. As those come out, the "
        f"difference of {number(difference, shown.places, signed=True)} may be anything between {between}: "
        "which of the two is lower is open."
    )


def cautions(run: RunData) -> list[str]:
    """Where a mitigation of `run` could change places with the one that does nothing, else with the first; a
    sentence each."""
    mitigations = list(dict.fromkeys(m for m, _ in run.groups))
    baseline = "none" if "none" in mitigations else next(iter(mitigations), "")
    found = []
    for mitigation, prompt_set in run.groups:
        for shown in run.tabled if mitigation != baseline else ():
            base = run.metric(shown, baseline, prompt_set)
            other = run.metric(shown, mitigation, prompt_set)
            if base and other and base.value is not None and other.value is not None:
                told = turned(shown, other.value - base.value, base, other)
                found += [f"{shown.name}, {mitigation} minus {baseline} ({prompt_set}): {told}"] * bool(told)
    return found


def earlier(metrics: Iterable[Metric]) -> str:
    """That numbers are an earlier version's, which had one interval and no bounds; empty where none is."""
    old = any(m.value is not None and m.fixed_low is None for m in metrics if measure(m.metric).tabled)
    return (
        "The intervals are an earlier version's, which had none for these very characters; `copycat score "
        "RUN` computes all of them anew."
        if old
        else ""
    )
