"""All metrics of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, mean, stdev
from typing import Any

from copycat.io.columns import by_first, joint
from copycat.measures.base import Measure, measures
from copycat.measures.evidence import Evidence, Observation
from copycat.measures.scores import Scores, by_group, has_video, outcomes, scores
from copycat.records import Metric
from copycat.stats.differences import fixed_difference, population_difference
from copycat.stats.intervals import FIXED_METHOD, METHOD, Interval, fixed_set, population
from copycat.stats.prevalence import JudgeError, corrected, judge_error


def summarise(
    evidence: Evidence, rates: Mapping[str, Any] | None = None, chosen: Sequence[Measure] | None = None
) -> list[Metric]:
    """Every measure for every (prompt set, mitigation), in the order of the plan.

    Measures whose kind of question was never put, while others were, are left out: a detector of
    similarity is not asked for the key characteristic, which is not a failure to answer. `rates` is the
    judge's calibration, with which counts of characters are corrected for its errors; `chosen` are the
    measures, by default all.
    """
    put = evidence.kinds
    found = {
        measure: by_group(measure.observe(evidence))
        for measure in (measures() if chosen is None else chosen)
        if not put or measure.ask is None or measure.ask.kind in put
    }
    table = []
    for prompt_set, mitigation in _groups(evidence):
        for measure, groups in found.items():
            seen = groups.get((prompt_set, mitigation))
            if seen:
                kind = measure.ask.kind if measure.ask else None
                error = judge_error(rates, kind, mitigation) if kind and measure.corrected else None
                table.append(_metric(measure, seen, error))
    return table


def _groups(evidence: Evidence) -> list[tuple[str, str]]:
    """Every (prompt set, mitigation), in the order of the plan."""
    sets, mitigations = (evidence.joined.requests.column(n) for n in ("prompt_set", "mitigation"))
    _, firsts = by_first(joint(sets.codes, mitigations.codes))
    return [(sets.keys[sets.codes[at]], mitigations.keys[mitigations.codes[at]]) for at in firsts]


def interval_of(seen: Iterable[Observation], scale: float = 1.0) -> Interval:
    """The mean over the characters of `seen`, times `scale`, with its 95 % interval for characters like
    these."""
    return population(_scored(scores(seen)), scale)


def by_seed(measure: Measure, seen: Sequence[Observation]) -> dict[int, float]:
    """The number of each run seed alone, in the measure's unit; seeds without a scored picture left out."""
    mine = scores(seen)
    seeds = dict.fromkeys(o.request.run_seed for o in seen)
    values = _by_seed(mine, measure.scale(mine.asked))
    return {seed: value for seed, value in zip(seeds, values, strict=True) if value is not None}


def _by_seed(seen: Scores, scale: float) -> list[float | None]:
    """The number of each run seed alone, in the order in which they first come."""
    ranks, firsts = by_first(seen.seeds)
    of_seeds = (_scored(seen.where(ranks == rank)) for rank in range(len(firsts)))
    return [mean(sum(v) / len(v) for v in values) * scale if values else None for values in of_seeds]


def fixed_interval_of(seen: Iterable[Observation], scale: float = 1.0) -> Interval:
    """The same with its 95 % interval for these very characters."""
    return fixed_set(_scored(scores(seen)), scale)


def bounds_of(seen: Sequence[Observation], scale: float = 1.0) -> tuple[float, float]:
    """What the mean over all characters asked for, times `scale`, would be had every picture that is not
    scored 0, and had each 1. Raises ValueError without observations."""
    values = scores(seen).by_character
    # Of lists, since `fmean` counts what has no length one by one.
    low, high = (
        fmean([fmean([missing if x != x else x for x in v]) for v in values]) for missing in (0.0, 1.0)
    )
    return low * scale, high * scale


def _scored(seen: Scores) -> list[list[float]]:
    """The values of each character that has any."""
    return seen.where(seen.scored).by_character


def paired_values(
    seen: Iterable[Observation], prompt_set: str, mitigation: str, baseline: str
) -> dict[str, list[tuple[float, float]]]:
    """(of `baseline`, of `mitigation`) for all pairs of pictures with both scored, by character."""
    sides: dict[tuple[str, int, int, int], dict[str, float]] = {}
    for o in seen:
        r = o.request
        if o.value is not None and r.prompt_set == prompt_set and r.mitigation in (mitigation, baseline):
            key = r.character, r.run_seed, r.prompt_index, r.index
            sides.setdefault(key, {})[r.mitigation] = o.value
    pairs: dict[str, list[tuple[float, float]]] = {}
    for (character, *_), both in sides.items():
        if len(both) == 2:
            pairs.setdefault(character, []).append((both[baseline], both[mitigation]))
    return pairs


def paired_steps(
    seen: Iterable[Observation], prompt_set: str, mitigation: str, baseline: str
) -> list[list[float]]:
    """`mitigation` minus `baseline` for all pairs of pictures with both scored, by character."""
    pairs = paired_values(seen, prompt_set, mitigation, baseline)
    return [[other - base for base, other in mine] for mine in pairs.values()]


def difference_of(steps: Sequence[Sequence[float]], scale: float) -> Interval:
    """The mean of `steps`, as :func:`paired_steps` gives them, times `scale`, with its 95 % interval for
    characters like these."""
    return population_difference(steps, scale)


def fixed_difference_of(steps: Sequence[Sequence[float]], scale: float) -> Interval:
    """The same with its 95 % interval for these very characters."""
    return fixed_difference(steps, scale)


def _metric(measure: Measure, seen: Sequence[Observation], error: JudgeError | None) -> Metric:
    mine, came = scores(seen), outcomes(seen)
    scale, scored = measure.scale(mine.asked), int(mine.scored.sum())
    interval, fixed, bounds = interval_of(seen, scale), fixed_interval_of(seen, scale), bounds_of(seen, scale)
    totals = [total for total in _by_seed(mine, scale) if total is not None]
    return Metric(
        metric=measure.name,
        mitigation=seen[0].request.mitigation,
        prompt_set=seen[0].request.prompt_set,
        value=interval.value,
        sd=stdev(totals) if len(totals) > 1 else None,
        low=interval.low,
        high=interval.high,
        fixed_low=fixed.low,
        fixed_high=fixed.high,
        all_low=bounds[0],
        all_high=bounds[1],
        **_correction(seen, error, scale),
        characters=mine.asked,
        images=len(seen),
        scored=scored,
        unscored=came.get("ok", 0) - scored,
        refused=came.get("refused_prompt", 0) + came.get("refused_output", 0),
        errors=came.get("error", 0),
        method=f"{METHOD}; {FIXED_METHOD}; over {interval.characters} characters with a scored picture",
    )


def _correction(seen: Sequence[Observation], error: JudgeError | None, scale: float) -> dict[str, Any]:
    """The corrected fields of a count; none where nothing was scored or the judge's errors are unknown."""
    # A video counts when any frame does, and the error rates are those of one picture.
    if error is None or has_video(seen) or not scores(seen).scored.any():
        return {}
    found = corrected(interval_of(seen), error)
    if found is None:
        return {"corrected_note": f"{error.source}: no better than chance, so nothing can be corrected"}
    told = [error.source]
    if found.clipped:
        told.append("clipped to what DETECT can be")
    if found.low is None and (error.positives is None or error.negatives is None):
        told.append("no interval, since it is not known on how many pictures they were measured")
    return {
        "corrected": found.value * scale,
        "corrected_low": None if found.low is None else found.low * scale,
        "corrected_high": None if found.high is None else found.high * scale,
        "corrected_note": "; ".join(told),
    }
