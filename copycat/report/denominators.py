"""Where pictures that are not scored could turn a comparison round, or make a number one of few."""

from __future__ import annotations

from collections.abc import Iterable

from copycat.measures import Measure, measure
from copycat.measures.summary import difference_of, paired_steps
from copycat.records import Metric
from copycat.report.words import number
from copycat.runs.data import RunData

_NOTHING = 1e-9
FEW_REFUSED = 0.1
"""Share of refused pictures up to which a number is ranked among those of pictures that were all drawn."""


def let_through(m: Metric) -> bool:
    """Whether `m` is the number of what was let through rather than of what was asked for: more of its
    pictures than FEW_REFUSED were refused, by a filter or by the model. Such a number is shown, but is not
    ranked as if they had been drawn.
    """
    return m.refused > FEW_REFUSED * m.images


def turned(shown: Measure, paired: float | None, base: Metric | None, other: Metric | None) -> str:
    """A sentence where the pictures that one of the two has not scored, by coming out one way or the other,
    could give the difference, other minus base, another sign; empty where they could not.

    Refused, failed and unscored pictures are in no denominator, so a guardrail that has most of its worst
    pictures refused would look better, or worse, than it is. `paired` is the difference on the pictures that
    both have scored, None where there are none. A guardrail that refuses just those that show the character
    leaves it at 0: a difference that is shown as 0 has no sign to lose, so any picture not scored opens it,
    and so does one whose sign is not that of what each has scored.
    """
    if base is None or other is None:
        return ""
    ends = base.all_low, base.all_high, other.all_low, other.all_high
    if None in ends:
        return ""
    base_low, base_high, other_low, other_high = (float(x or 0.0) for x in ends)
    low, high = other_low - base_high, other_high - base_low
    told = {"on the pictures that both have scored": paired}
    if base.value is not None and other.value is not None:
        told["of all that each has scored"] = other.value - base.value
    found = {where: d for where, d in told.items() if d is not None}
    signs = {_sign(d, shown.places) for d in found.values()}
    reached = (-1 in signs and high > _NOTHING) or (1 in signs and low < -_NOTHING)
    if not signs or high - low <= _NOTHING or not (reached or 0 in signs or len(signs) > 1):
        return ""
    missing = [f"{m.images - m.scored} of {m.images} pictures" for m in (base, other)]
    between = " and ".join(number(x, shown.places, signed=True) for x in (low, high))
    seen = ", ".join(f"{number(d, shown.places, signed=True)} {where}" for where, d in found.items())
    return (
        f"{missing[0]} of the base and {missing[1]} of the other are not scored. The difference is {seen}. "
        f"As the others come out, it may be anything between {between}: which of the two is lower is open."
    )


def _sign(difference: float, places: int) -> int:
    """-1, 0 or 1; 0 where the difference is shown as 0."""
    return (difference > 0) - (difference < 0) if abs(difference) >= 0.5 * 10.0**-places else 0


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
            if base and other and (base.scored < base.images or other.scored < other.images):
                told = turned(shown, _paired(run, shown, prompt_set, mitigation, baseline), base, other)
                found += [f"{shown.name}, {mitigation} minus {baseline} ({prompt_set}): {told}"] * bool(told)
    return found


def _paired(run: RunData, shown: Measure, prompt_set: str, mitigation: str, baseline: str) -> float | None:
    """The difference on the pictures that both have scored, in the measure's unit."""
    steps = paired_steps(run.observations(shown).values(), prompt_set, mitigation, baseline)
    characters = len({r.character for r in run.requests if r.prompt_set == prompt_set})
    return difference_of(steps, shown.scale(characters)).value


def earlier(metrics: Iterable[Metric]) -> str:
    """That numbers are an earlier version's, which had one interval and no bounds; empty where none is."""
    old = any(m.value is not None and m.fixed_low is None for m in metrics if measure(m.metric).tabled)
    return (
        "The intervals are an earlier version's, which had none for these very characters; `copycat score "
        "RUN` computes all of them anew."
        if old
        else ""
    )
