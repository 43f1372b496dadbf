"""Paired differences between mitigations, on the pictures that share their noise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean

from copycat.report.view import Picture, detected
from copycat.stats.intervals import cluster_difference


@dataclass(frozen=True)
class Difference:
    """`mitigation` minus `baseline`; below zero means that the mitigation lowers the metric."""

    metric: str
    mitigation: str
    baseline: str
    prompt_set: str
    value: float
    """DETECT: characters, of `characters`. CONS and CONS_prompt: P("Yes")."""
    low: float | None
    high: float | None
    """95 % interval, see `copycat.stats.intervals.cluster_difference`; None with one character."""
    pairs: int
    """Pairs of pictures with both scored: the denominator."""
    characters: int


def _shown(p: Picture) -> float | None:
    return p.key.score if p.key and p.key.status == "scored" else None


def _wished(p: Picture) -> float | None:
    return p.content


VALUES: dict[str, Callable[[Picture], float | None]] = {
    "DETECT": detected,
    "CONS": _shown,
    "CONS_prompt": _wished,
}


def differences(pictures: Iterable[Picture]) -> list[Difference]:
    """DETECT, CONS and CONS_prompt of each mitigation against `none`, or the first one without a `none`."""
    pictures = list(pictures)
    mitigations = list(dict.fromkeys(p.request.mitigation for p in pictures))
    if len(mitigations) < 2:
        return []
    baseline = "none" if "none" in mitigations else mitigations[0]
    found = []
    for prompt_set in dict.fromkeys(p.request.prompt_set for p in pictures):
        here = [p for p in pictures if p.request.prompt_set == prompt_set]
        for mitigation in mitigations:
            if mitigation != baseline:
                for metric, value in VALUES.items():
                    d = _difference(here, metric, value, mitigation, baseline, prompt_set)
                    found += [d] if d else []
    return found


def _difference(
    pictures: list[Picture],
    metric: str,
    value: Callable[[Picture], float | None],
    mitigation: str,
    baseline: str,
    prompt_set: str,
) -> Difference | None:
    sides: dict[tuple[str, int, int, int], dict[str, float]] = defaultdict(dict)
    for p in pictures:
        r, v = p.request, value(p)
        if v is not None and r.mitigation in {mitigation, baseline}:
            sides[(r.character, r.run_seed, r.prompt_index, r.index)][r.mitigation] = v
    by_character: dict[str, list[float]] = defaultdict(list)
    for (character, *_), both in sides.items():
        if len(both) == 2:
            by_character[character].append(both[mitigation] - both[baseline])
    if not by_character:
        return None
    means = [fmean(d) for d in by_character.values()]
    planned = len({p.request.character for p in pictures})
    pairs = sum(map(len, by_character.values()))
    found = cluster_difference(means, pairs, planned if metric == "DETECT" else 1)
    if found.value is None:
        return None
    return Difference(
        metric,
        mitigation,
        baseline,
        prompt_set,
        found.value,
        found.low,
        found.high,
        pairs,
        planned,
    )
