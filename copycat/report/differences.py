"""Paired differences between mitigations, on the pictures that share their noise."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean

from copycat.measures import Measure
from copycat.runs.data import RunData
from copycat.stats.intervals import cluster_difference


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
    """95 % interval, see `copycat.stats.intervals.cluster_difference`; None with one character."""
    pairs: int
    """Pairs of pictures with both scored: the denominator."""


def differences(run: RunData) -> list[Difference]:
    """Each measure of each mitigation against `none`, or the first one without a `none`."""
    mitigations = list(dict.fromkeys(r.mitigation for r in run.requests))
    baseline = "none" if "none" in mitigations else mitigations[0]
    found = []
    for prompt_set in dict.fromkeys(r.prompt_set for r in run.requests):
        characters = len({r.character for r in run.requests if r.prompt_set == prompt_set})
        for mitigation in mitigations:
            if mitigation == baseline:
                continue
            for measure in run.tabled:
                steps = paired_steps(run, measure, prompt_set, mitigation, baseline)
                pairs = sum(map(len, steps))
                d = cluster_difference([fmean(s) for s in steps], pairs, measure.scale(characters))
                if d.value is not None:
                    found.append(
                        Difference(measure, mitigation, baseline, prompt_set, d.value, d.low, d.high, pairs)
                    )
    return found


def paired_steps(
    run: RunData, measure: Measure, prompt_set: str, mitigation: str, baseline: str
) -> list[list[float]]:
    """`mitigation` minus `baseline` for all pairs of pictures with both scored, by character."""
    sides: dict[tuple[str, int, int, int], dict[str, float]] = defaultdict(dict)
    for o in run.observations(measure).values():
        r = o.request
        if o.value is not None and r.prompt_set == prompt_set and r.mitigation in (mitigation, baseline):
            sides[r.character, r.run_seed, r.prompt_index, r.index][r.mitigation] = o.value
    by_character: dict[str, list[float]] = defaultdict(list)
    for (character, *_), both in sides.items():
        if len(both) == 2:
            by_character[character].append(both[mitigation] - both[baseline])
    return list(by_character.values())
