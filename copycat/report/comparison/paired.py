"""Every paired comparison of conditions, with its tests corrected for their number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from copycat.errors import UnknownName
from copycat.metrics.detect import THRESHOLD
from copycat.report.compare import VALUES
from copycat.report.comparison.common import Common, Condition
from copycat.report.view import Picture
from copycat.stats.paired import Adjusted, Paired, adjust, compare


def _targeted(p: Picture) -> float | None:
    known = p.target is not None and p.target.status == "scored" and p.target.score is not None
    return float(p.target.score > THRESHOLD) if known else None  # type: ignore[union-attr,operator]


_METRICS: Mapping[str, Callable[[Picture], float | None]] = {
    "DETECT": VALUES["DETECT"],
    "DETECT_targeted": _targeted,
    "CONS": VALUES["CONS"],
    "CONS_prompt": VALUES["CONS_prompt"],
}


@dataclass(frozen=True)
class Comparison:
    """One metric of two conditions on one prompt set."""

    metric: str
    prompt_set: str
    base: Condition
    other: Condition
    found: Paired
    characters: int
    """Characters asked for; DETECT is out of so many."""
    adjusted: Adjusted | None = None
    """Of the family of all comparisons made together; None with one character."""


def comparisons(shared: Common, *, baseline: str | None = None, all_pairs: bool = False) -> list[Comparison]:
    """Every condition against `baseline`, or every two, for every metric and prompt set.

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
        for metric in _METRICS
        if (c := _comparison(metric, prompt_set, a, b, shared.characters_of(prompt_set)))
    ]
    family = adjust([c.found.p for c in made])
    return [replace(c, adjusted=a) for c, a in zip(made, family, strict=True)]


def _baseline(conditions: Sequence[Condition], wanted: str | None) -> Condition:
    if wanted is None:
        return next((c for c in conditions if c.mitigation == "none"), conditions[0])
    for c in conditions:
        if wanted in (c.label, c.mitigation):
            return c
    raise UnknownName("condition", wanted, [c.label for c in conditions])


def _comparison(
    metric: str, prompt_set: str, base: Condition, other: Condition, characters: int
) -> Comparison | None:
    value = _METRICS[metric]
    pairs: dict[str, list[tuple[float, float]]] = {}
    for key, picture in base.pictures.items():
        second = other.pictures.get(key)
        if key[0] != prompt_set or second is None:
            continue
        a, b = value(picture), value(second)
        if a is not None and b is not None:
            pairs.setdefault(key[1], []).append((a, b))
    if not pairs:
        return None
    binary = metric.startswith("DETECT")
    found = compare(pairs, binary=binary, scale=characters if binary else 1.0)
    return Comparison(metric, prompt_set, base, other, found, characters)
