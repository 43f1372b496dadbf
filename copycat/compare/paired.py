"""Every paired comparison of conditions, with its tests corrected for their number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from copycat.compare.common import Common, Condition
from copycat.errors import UnknownName
from copycat.measures import Measure
from copycat.measures.corrections import correct_difference
from copycat.stats.paired import Adjusted, Paired, adjust, compare
from copycat.stats.prevalence import Corrected


@dataclass(frozen=True)
class Comparison:
    """One measure of two conditions on one prompt set."""

    measure: Measure
    prompt_set: str
    base: Condition
    other: Condition
    found: Paired
    characters: int
    """Characters asked for; a count is out of so many."""
    corrected: Corrected | None = None
    """The difference without the judges' known errors, in the measure's unit; None where they are unknown,
    and of videos, since the rates are those of one picture."""
    adjusted: Adjusted | None = None
    """Of the family of all comparisons made together; None with one character."""


def comparisons(shared: Common, *, baseline: str | None = None, all_pairs: bool = False) -> list[Comparison]:
    """Every condition against `baseline`, or every two, for every measure and prompt set.

    `baseline` is a condition's label, or a mitigation's name; by default the first condition without a
    mitigation, else the first. All p values are one family. Raises UnknownName.
    """
    base = _baseline(shared.conditions, baseline)
    rest = [c for c in shared.conditions if c is not base]
    pairs = list(combinations([base, *rest], 2)) if all_pairs else [(base, c) for c in rest]
    made = [
        c
        for prompt_set in shared.prompt_sets
        for a, b in pairs
        for measure in shared.measures
        if (c := _comparison(measure, prompt_set, a, b, shared.characters_of(prompt_set)))
    ]
    family = adjust([c.found.p for c in made], [c.found.steps for c in made])
    return [replace(c, adjusted=a) for c, a in zip(made, family, strict=True)]


def _baseline(conditions: Sequence[Condition], wanted: str | None) -> Condition:
    if wanted is None:
        return next((c for c in conditions if c.mitigation == "none"), conditions[0])
    for c in conditions:
        if wanted in (c.label, c.mitigation):
            return c
    raise UnknownName("condition", wanted, [c.label for c in conditions])


def _comparison(
    measure: Measure, prompt_set: str, base: Condition, other: Condition, characters: int
) -> Comparison | None:
    second = other.values(measure)
    pairs: dict[str, list[tuple[float, float]]] = {}
    for key, value in base.values(measure).items():
        if key[0] == prompt_set and key in second:
            pairs.setdefault(key[1], []).append((value, second[key]))
    if not pairs:
        return None
    scale = measure.scale(characters)
    found = compare(pairs, binary=measure.binary, scale=scale)
    videos = any(r.sampling.frames for c in (base, other) for r in c.requests.values())
    sides = [(c.data.rates, c.mitigation) for c in (base, other)]
    mended = None if videos else correct_difference(measure, pairs, found.difference, scale, *sides)
    return Comparison(measure, prompt_set, base, other, found, characters, mended)
