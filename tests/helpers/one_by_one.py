"""What a measure makes of each picture, worked out picture by picture from the rows alone.

This is what `Measure.observe` says of all pictures together; where the two differ, that one is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean, mean, stdev

from copycat.measures import Measure, Observation
from copycat.records import ImageRow, Metric, Request, Verdict
from copycat.runs.data import RunData
from copycat.stats.intervals import fixed_set, population

Answers = dict[tuple[str, int, str | None], Verdict]


def latest(requests: Sequence[Request], images: Sequence[ImageRow]) -> dict[str, tuple[ImageRow, ...]]:
    """The latest rows of each request; a video of which one is missing is not yet made."""
    rows: dict[str, dict[int, ImageRow]] = {}
    for row in images:
        rows.setdefault(row.request, {})[row.frame] = row
    made = {}
    for r in requests:
        mine = rows.get(r.id, {})
        if 0 in mine and mine[0].outcome != "ok":
            made[r.id] = (mine[0],)
        elif all(frame in mine for frame in r.sampling.judged):
            made[r.id] = tuple(mine[frame] for frame in r.sampling.judged)
    return made


def current(verdicts: Sequence[Verdict], judge: str | None) -> list[Verdict]:
    """The latest verdict of each judge on each question; of `judge` alone, if one is named."""
    rows = {(v.request, v.frame, v.kind, v.judge, v.question_hash): v for v in verdicts}
    return [v for v in rows.values() if judge in (None, v.judge)]


def observe(measure: Measure, data: RunData) -> list[Observation]:
    """What `measure`, which asks something, makes of each picture of a run."""
    frames, answers = latest(data.requests, data.image_rows), dict[str, Answers]()
    for v in current(data.verdict_rows, data.manifest.judge):
        answers.setdefault(v.kind, {})[v.request, v.frame, v.item] = v
    assert measure.ask
    by = measure.settled_by.ask if measure.settled_by else None
    settling = answers.get(by.kind, {}) if by else {}
    seen = []
    for r in data.requests:
        character, rows = data.registry[r.character], frames.get(r.id, ())
        items = measure.items(r, character) if measure.concerns(r) else ()
        decisive = tuple(
            measure.decide(rows, answers.get(measure.ask.kind, {}), character, item, settling)
            for item in items
        )
        values = [x for v in decisive if (x := measure.value(v, character)) is not None]
        if items:
            value = fmean(values) if len(values) == len(items) else None
            seen.append(Observation(r, rows[0] if rows else None, value, decisive))
    return seen


def check(metric: Metric, measure: Measure, observed: Sequence[Observation]) -> None:
    """Assert that `metric` is, to the last bit, what follows from what was `observed` in all groups."""
    group = (metric.prompt_set, metric.mitigation)
    seen = [o for o in observed if (o.request.prompt_set, o.request.mitigation) == group]
    scale = measure.scale(len({o.request.character for o in seen}))
    values = list(_by_character(seen).values())
    like, own = population(values, scale), fixed_set(values, scale)
    assert (metric.value, metric.low, metric.high) == (like.value, like.low, like.high)
    assert (metric.fixed_low, metric.fixed_high) == (own.low, own.high)
    seeds = dict.fromkeys(o.request.run_seed for o in seen)
    apart = [_by_character(o for o in seen if o.request.run_seed == s) for s in seeds]
    totals = [mean(sum(v) / len(v) for v in mine.values()) * scale for mine in apart if mine]
    assert metric.sd == (stdev(totals) if len(totals) > 1 else None)
    outcomes = [o.image.outcome if o.image else None for o in seen]
    scored = sum(o.value is not None for o in seen)
    counts = (metric.images, metric.scored, metric.unscored, metric.errors)
    assert counts == (len(seen), scored, outcomes.count("ok") - scored, outcomes.count("error"))
    assert metric.refused == outcomes.count("refused_prompt") + outcomes.count("refused_output")


def _by_character(seen) -> Mapping[str, list[float]]:
    values: dict[str, list[float]] = {}
    for o in seen:
        if o.value is not None:
            values.setdefault(o.request.character, []).append(o.value)
    return values
