"""Paired differences between mitigations, on the pictures that share their noise."""

from __future__ import annotations

from dataclasses import dataclass

from copycat.measures import Measure
from copycat.measures.corrections import correct_difference
from copycat.measures.summary import difference_of, fixed_difference_of, paired_values
from copycat.runs.data import RunData
from copycat.stats.prevalence import Corrected
from copycat.subjects.innocents import is_innocent


@dataclass(frozen=True)
class Difference:
    """`mitigation` minus `baseline`; below zero means that the mitigation lowers the measure."""

    measure: Measure
    mitigation: str
    baseline: str
    prompt_set: str
    value: float
    """In the measure's unit."""
    low: float | None
    high: float | None
    """95 % interval for characters like these, see `copycat.stats.differences`; None with one character."""
    fixed_low: float | None
    fixed_high: float | None
    """95 % interval for these very characters."""
    pairs: int
    """Pairs of pictures with both scored: the denominator."""
    corrected: Corrected | None = None
    """Without the judge's known errors, in the measure's unit; None where they are unknown, and of videos."""


def differences(run: RunData) -> list[Difference]:
    """Each measure of each mitigation against `none`, or the first one without a `none`."""
    mitigations = list(dict.fromkeys(r.mitigation for r in run.requests))
    baseline = "none" if "none" in mitigations else mitigations[0]
    found = []
    for prompt_set in dict.fromkeys(r.prompt_set for r in run.requests if not is_innocent(r.prompt_set)):
        characters = len({r.character for r in run.requests if r.prompt_set == prompt_set})
        for mitigation in mitigations:
            if mitigation == baseline:
                continue
            for measure in run.tabled:
                seen = run.observations(measure).values()
                pairs = paired_values(seen, prompt_set, mitigation, baseline)
                steps = [[b - a for a, b in mine] for mine in pairs.values()]
                scale = measure.scale(characters)
                d, own = difference_of(steps, scale), fixed_difference_of(steps, scale)
                if d.value is None:
                    continue
                # The error rates are those of one picture.
                videos = any(o.request.sampling.frames for o in seen)
                sides = (run.rates, baseline), (run.rates, mitigation)
                found.append(
                    Difference(
                        measure,
                        mitigation,
                        baseline,
                        prompt_set,
                        value=d.value,
                        low=d.low,
                        high=d.high,
                        fixed_low=own.low,
                        fixed_high=own.high,
                        pairs=sum(map(len, steps)),
                        corrected=None if videos else correct_difference(measure, pairs, d, scale, *sides),
                    )
                )
    return found
