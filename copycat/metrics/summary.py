"""All metrics of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any, Literal

from copycat.characters import Character
from copycat.metrics import cons, detect
from copycat.metrics.observations import Observation, Reader, by_character, observe, observe_content
from copycat.records import ImageRow, Metric, QuestionKind, Request, Verdict
from copycat.stats.intervals import METHOD, cluster_beta
from copycat.stats.prevalence import JudgeError, corrected, judge_error

Name = Literal["DETECT", "DETECT_targeted", "CONS", "CONS_prompt"]
METRICS: dict[Name, tuple[QuestionKind, Reader]] = {
    "DETECT": ("which", detect.named),
    "DETECT_targeted": ("target", detect.targeted),
    "CONS": ("key", cons.shown),
}


def _scale(name: Name, observations: Sequence[Observation]) -> float:
    """DETECT counts characters, CONS is a mean."""
    return 1.0 if name.startswith("CONS") else float(len({o.request.character for o in observations}))


def summarise(
    requests: Sequence[Request],
    frames: Mapping[str, Sequence[ImageRow]],
    verdicts: Iterable[Verdict],
    characters: Mapping[str, Character],
    rates: Mapping[str, Any] | None = None,
) -> list[Metric]:
    """Every metric for every (prompt set, mitigation), in the order of the plan.

    `frames` are the rows of each request, as `RunFolder.frames` gives them: one for a picture.
    Metrics whose kind of question was never put, while others were, are left out: a detector of
    similarity is not asked for the key characteristic, which is not a failure to answer. `rates` is the
    judge's calibration, with which DETECT is corrected for its errors.
    """
    verdicts = list(verdicts)
    put = {v.kind for v in verdicts}
    groups = dict.fromkeys((r.prompt_set, r.mitigation) for r in requests)
    table = []
    for prompt_set, mitigation in groups:
        mine = [r for r in requests if (r.prompt_set, r.mitigation) == (prompt_set, mitigation)]
        for name, (kind, read) in METRICS.items():
            if put and kind not in put:
                continue
            seen = observe(mine, frames, verdicts, characters, kind, read)
            table.append(_metric(name, seen, judge_error(rates, kind)))
        wished = observe_content(mine, frames, verdicts, characters)
        if wished and not (put and "content" not in put):
            table.append(_metric("CONS_prompt", wished))
    return table


def _metric(name: Name, seen: Sequence[Observation], error: JudgeError | None = None) -> Metric:
    scale = _scale(name, seen)
    means = list(by_character(seen).values())
    scored = sum(o.value is not None for o in seen)
    interval = cluster_beta(means, scored, scale)
    per_seed = [by_character(o for o in seen if o.request.run_seed == s) for s in _seeds(seen)]
    totals = [mean(values.values()) * scale for values in per_seed if values]
    outcomes = [o.image.outcome if o.image else None for o in seen]
    return Metric(
        metric=name,
        mitigation=seen[0].request.mitigation,
        prompt_set=seen[0].request.prompt_set,
        value=interval.value,
        sd=stdev(totals) if len(totals) > 1 else None,
        low=interval.low,
        high=interval.high,
        **_correction(name, seen, error),
        characters=len({o.request.character for o in seen}),
        images=len(seen),
        scored=scored,
        unscored=outcomes.count("ok") - scored,
        refused=outcomes.count("refused_prompt") + outcomes.count("refused_output"),
        errors=outcomes.count("error"),
        method=f"{METHOD}; over {interval.characters} characters with a scored picture",
    )


def _correction(name: Name, seen: Sequence[Observation], error: JudgeError | None) -> dict[str, Any]:
    """The corrected fields of a DETECT; none where nothing was scored or the judge's errors are unknown."""
    # A video counts when any frame does, and the error rates are those of one picture.
    videos = any(o.request.sampling.frames for o in seen)
    means = list(by_character(seen).values())
    if error is None or not means or videos or not name.startswith("DETECT"):
        return {}
    share = cluster_beta(means, sum(o.value is not None for o in seen))
    found, scale = corrected(share, error), _scale(name, seen)
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


def _seeds(seen: Sequence[Observation]) -> list[int]:
    return list(dict.fromkeys(o.request.run_seed for o in seen))
