"""What the rows of a dataset must be like before anything is made of them, and whether its numbers follow."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from copycat.annotate.answers import LONGEST_NAME, rater_name
from copycat.annotate.tasks import recorded
from copycat.calibration.calibrate import calibrate
from copycat.calibration.labels import deduplicate
from copycat.cards.calibration import Calibration
from copycat.errors import BadFile, UserError
from copycat.measures import CATALOG
from copycat.measures.summary import summarise
from copycat.publish.people import PublishedLabel, digest, measured_on, together
from copycat.records import ImageRow, Metric, Request, Similarities, Unscored, Verdict, YesNo
from copycat.runs import same_numbers
from copycat.runs.data import RunData
from copycat.runs.manifest import Manifest

_ROUNDING = 1e-3
"""By how much sums of probabilities and similarities of half precision may pass their range."""


def check_answer(verdict: Verdict, status: str, where: str) -> None:
    """Raise BadFile for an answer outside its range, or one that is told as `scored` and holds none."""
    answer, why = verdict.answer, ""
    if isinstance(answer, Unscored) and status == "scored":
        why = answer.reason
    elif isinstance(answer, YesNo) and not _within(answer.answer_probability or 0.0, 0, 1):
        why = f"the probability of yes or no together is {answer.answer_probability}"
    elif isinstance(answer, Similarities):
        told = [*answer.similarities.values(), answer.threshold]
        wrong = next((s for s in told if not _within(s, -1, 1)), None)
        why = "" if wrong is None else f"a similarity is {wrong}, and they lie in [-1, 1]"
    if why:
        raise BadFile(f"{where} holds a verdict on the request {verdict.request} that can be none: {why}.")


def _within(value: float, low: float, high: float) -> bool:
    return low - _ROUNDING <= value <= high + _ROUNDING  # False for NaN


def check_rows(
    requests: Sequence[Request],
    images: Sequence[ImageRow],
    verdicts: Sequence[Verdict],
    manifest: Manifest,
    where: str,
) -> None:
    """Raise BadFile for rows about requests that are not there, for pictures without a file or a hash, and
    for a run that calls itself complete while pictures have no row."""
    known = {r.id for r in requests}
    about = [*(row.request for row in images), *(v.request for v in verdicts)]
    strange = next((request for request in about if request not in known), None)
    if strange is not None:
        raise BadFile(f"{where} is not whole: it has rows of the request {strange}, which is not in it.")
    hashes: dict[str, str] = {}
    for row in images:
        if row.outcome == "ok" and not (row.file and row.sha256):
            raise BadFile(
                f"{where} is not whole: the picture of the request {row.request} has no file or hash."
            )
        if row.file and hashes.setdefault(row.file, row.sha256 or "") != row.sha256:
            raise BadFile(f"{where} names two pictures {row.file}.")
    for request, numbers in _amounts(images, verdicts):
        if not all(math.isfinite(n) and n >= 0 for n in numbers):
            raise BadFile(f"{where}: the time or cost of the request {request} is no number that can be.")
    made = {row.request for row in images}
    lacking = [r.id for r in requests if r.id not in made]
    stage = manifest.stages.get("generate")
    if lacking and stage and stage.status == "complete":
        raise BadFile(
            f"{where} is not whole: {len(lacking)} of {len(requests)} pictures have no row, and the run is "
            "told to be complete."
        )


def _amounts(images: Iterable[ImageRow], verdicts: Iterable[Verdict]) -> Iterator[tuple[str, list[float]]]:
    """Seconds, dollars and counts of each row, with its request."""
    for row in images:
        review = row.review
        yield row.request, [row.seconds, row.cost_usd or 0.0]
        if review:
            counts = [float(review.extra_pictures), float(review.answers)]
            yield row.request, [review.extra_seconds, review.extra_cost_usd or 0.0, *counts]
    for v in verdicts:
        yield v.request, [v.cost_usd or 0.0]


def check_there(images: Iterable[ImageRow], there: Iterable[str], where: str) -> None:
    """Raise BadFile where files that rows name are not among those that are `there`."""
    there = set(there)
    named = {f for row in images for f in (row.file, row.video, row.strip) if f}
    if lacking := sorted(named - there):
        raise BadFile(
            f"{where} is not whole: it says that its pictures are included, and {len(lacking)} of "
            f"{len(named)} are not (such as {lacking[0]})."
        )


def check_labels(labels: Sequence[PublishedLabel], run: RunData, where: str) -> None:
    """Raise BadFile for a label of a picture that is none of the run's or has other pixels, of a character
    that is not in its registry, by a rater whose name none can be, and for one who says both yes and no of
    one picture."""
    known = {task.pixels: task for task in recorded(run)}
    slugs = {c.slug for c in run.registry.characters}
    for label in labels:
        task = known.get(label.pixels)
        if task is None or label.image not in task.images or label.sha256 != task.sha256:
            raise BadFile(f"{where} has a label of {label.image} that is of none of its pictures.")
        if label.character not in slugs:
            raise BadFile(f"{where} has a label of {label.character}, who is not in its registry.")
    for rater in dict.fromkeys(label.rater for label in labels):
        try:
            rater_name(rater)
        except UserError as e:
            raise BadFile(f"{where} has labels of a rater called {rater[:LONGEST_NAME]!r}: {e}") from e
    deduplicate(labels, where)


def recalibrated(
    name: str,
    found: Calibration,
    runs: Mapping[str, RunData],
    labels: Mapping[str, Sequence[PublishedLabel]],
) -> Calibration:
    """What `found`, the calibration of the run `name`, would be, measured anew on `labels` and the verdicts
    of those of the `runs` that it is of; raises UserError where there is nothing to compare."""
    of = [n for n in _of(name, found) if n in runs]
    rows = measured_on(found, name, labels) or together(of, labels)
    made = calibrate(
        {runs[n].path: runs[n].evidence() for n in of},
        rows,
        source=found.labels,
        command=found.command,
        commit=found.commit,
        truth=found.truth,
    )
    # A single run may be called otherwise now; of several those are named that are there.
    named = found.runs if len(of) == len(found.runs) else tuple(of)
    return made.calibration.model_copy(update={"labels_sha256": digest(rows), "runs": named})


def calibration_difference(
    name: str,
    found: Calibration,
    runs: Mapping[str, RunData],
    labels: Mapping[str, Sequence[PublishedLabel]],
) -> str:
    """Why the calibration of the run `name` does not follow from `labels` and the verdicts of `runs`, in
    words; empty where it does, and where it was measured on labels or runs that are not there."""
    if not found.labels_sha256:
        return ""
    if not measured_on(found, name, labels):
        return "it was measured on others"
    if not runs.keys() >= set(_of(name, found)):
        return ""
    try:
        made = recalibrated(name, found, runs, labels)
    except UserError as e:
        return str(e).rstrip(".")
    about = {"models", "registry", "items", "positives", "ties", "unanswered", "raters"}
    if field := _differing(found.model_dump(include=about), made.model_dump(include=about)):
        return f"its {field} is another"
    again = {(j.judge, j.question): j for j in made.judges}
    for j in found.judges:
        other = again.get((j.judge, j.question))
        if other is None:
            return f"there are no answers of {j.judge} ({j.question})"
        if field := _differing(j.model_dump(), other.model_dump()):
            return f"the {field} of {j.judge} ({j.question}) is another"
    return ""


def _of(name: str, found: Calibration) -> Sequence[str]:
    """The runs that a calibration is of; a single one may have been renamed since."""
    return found.runs if len(found.runs) > 1 else (name,)


_BY_METHOD = frozenset(
    {"low", "high", "effective", "kappa_low", "kappa_high", "alpha_low", "alpha_high", "reference"}
)
"""What in a calibration another version may compute by another method: intervals, and what is drawn anew."""


def _differing(told: object, found: object, name: str = "") -> str:
    """Where `found` is not what is `told`, by the names of fields; empty where all is the same. What is not
    told, as in files of earlier versions, is no difference."""
    if told in (None, (), []):
        return ""
    if isinstance(told, dict) and isinstance(found, dict):
        parts = (
            (v, found.get(k), f"{name}.{k}" if name else k) for k, v in told.items() if k not in _BY_METHOD
        )
    elif isinstance(told, list | tuple) and isinstance(found, list | tuple) and len(told) == len(found):
        parts = ((one, other, name) for one, other in zip(told, found, strict=True))
    else:
        return "" if same_numbers.same(told, found) else name
    return next(filter(None, (_differing(*part) for part in parts)), "")


def difference(run: RunData) -> str:
    """The first number of a run that does not follow from its rows, in words; empty where all do.

    Of measures that are installed here, without what follows from a calibration, which may be another here,
    and without intervals that were made by another method.
    """
    asked = run.manifest.config.measures or ()
    known = [
        CATALOG.get(n)
        for n in dict.fromkeys((*asked, *(m.metric for m in run.metrics)))
        if n in CATALOG.names()
    ]
    names = {m.name for m in known}
    # Not by their places: a measure may be of some conditions only, and be met there first.
    published = {_key(m): m for m in run.metrics if m.metric in names}
    computed = {_key(m): m for m in summarise(run.judged, None, known)}
    for key in dict.fromkeys((*published, *computed)):
        if (key in published) != (key in computed):
            lacks = "does not follow" if key in published else "is not published"
            return f"{_called(key)} {lacks}"
        told, found = published[key], computed[key]
        if name := same_numbers.difference(told, found, corrected=False):
            return (
                f"{name} of {_called(key)} is published as {getattr(told, name)} and found to be "
                f"{getattr(found, name)}"
            )
    return ""


def _key(metric: Metric) -> tuple[str, str, str]:
    return metric.metric, metric.mitigation, metric.prompt_set


def _called(key: tuple[str, str, str]) -> str:
    metric, mitigation, prompt_set = key
    return f"{metric} of {mitigation} on {prompt_set}"
