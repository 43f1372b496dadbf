"""Score: metrics from rows alone."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from copycat.cards.calibration import read_calibration
from copycat.errors import UserError
from copycat.io.atomic import write_text
from copycat.measures import CATALOG, measures
from copycat.measures.summary import summarise
from copycat.records import Metric, Unscored, Verdict
from copycat.report import tables
from copycat.runs.calibrated import speaks_of
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runs.manifest import RECORDED, Cited

Gap = Literal["pending", "failed", "unasked", "unanswered"]
"""What of a run is not there: pictures not drawn or failed, questions not put or not answered."""


def score(folder: RunFolder, calibration: Path | None = None) -> list[Metric]:
    """Compute `metrics.json`, `agreement.json` and the tables; the metrics are of the judge asked last.

    `calibration` is a calibration file that the run is to cite from now on. Raises UserError for one of
    another judge, or of pictures of another model.
    """
    judge = folder.open().manifest().judge
    if judge is None:
        raise UserError(f"{folder.path} has not been judged yet; run `copycat judge {folder.path}` first.")
    cited = _cited(calibration, judge, folder.data()) if calibration else None
    with folder.stage("score"):
        if cited:
            folder.update(calibration=cited)
        data = folder.data()
        metrics = compute(data)
        folder.write_metrics(metrics)
        folder.write_agreement(data.agreement)
        write_tables(folder.data(), folder.path)
    return metrics


def compute(data: RunData) -> list[Metric]:
    """The metrics that follow from a run's rows; nothing is written.

    What another machine measured and this one cannot is kept as it is.
    """
    here = CATALOG.names()
    chosen = measures(n for n in data.manifest.config.measures or here if n in here)
    others = [m for m in data.metrics if m.metric not in here]
    return [*summarise(data.judged, data.rates, chosen), *others]


def missing(folder: RunFolder) -> list[str]:
    """A sentence for each kind of thing that a run's numbers do not count: pictures that are planned and not
    made, pictures that failed, and verdicts without an answer. Empty where nothing is missing."""
    return list(gaps(folder.data()).values())


def gaps(data: RunData) -> dict[Gap, str]:
    """As :func:`missing`, by what it is that is missing."""
    pending = sum(r.id not in data.images for r in data.requests)
    unanswered = [v for v in data.judged.verdicts if isinstance(v.answer, Unscored)]
    unasked = {
        o.request.id
        for measure in data.measures
        for o in data.observations(measure).values()
        if measure.ask and o.value is None and o.image and o.image.outcome == "ok" and None in o.verdicts
    }
    resume = "the same `copycat run` finishes them"
    elsewhere = _asked_elsewhere(data) or "`copycat judge` asks them."
    sentences: dict[Gap, tuple[int, str]] = {
        "pending": (pending, f"{pending} of {len(data.requests)} pictures are not made yet; {resume}."),
        "failed": (data.failed, f"{data.failed} pictures failed; {resume}."),
        "unasked": (
            len(unasked),
            f"{len(unasked)} pictures have questions without a verdict; {elsewhere}",
        ),
        "unanswered": (len(unanswered), _unanswered(unanswered, data)),
    }
    return {gap: sentence for gap, (count, sentence) in sentences.items() if count}


def _unanswered(verdicts: Sequence[Verdict], data: RunData) -> str:
    reasons = Counter(v.answer.reason for v in verdicts if isinstance(v.answer, Unscored))
    if not reasons:
        return ""
    ((reason, count),) = reasons.most_common(1)
    example = next(v for v in verdicts if isinstance(v.answer, Unscored) and v.answer.reason == reason)
    row = data.images.get(example.request)
    where = f", such as {example.kind} about {row.file}" if row and row.file else ""
    return (
        f"{len(verdicts)} verdicts are no answers and count nowhere, {count} of them because of: {reason}"
        f"{where}. {_asked_elsewhere(data) or '`copycat judge` asks again.'}"
    )


def _asked_elsewhere(data: RunData) -> str:
    """What to do for answers that are missing, where the judge of the numbers cannot be asked; else empty."""
    judge = data.manifest.judged_elsewhere
    if not judge:
        return ""
    if judge.startswith(RECORDED):
        then = "add them to the table and import it again (`copycat import-verdicts`)"
    else:
        then = "`copycat rejudge` asks another judge"
    return f"{judge} was recorded elsewhere and cannot be asked: {then}."


def write_tables(data: RunData, to: Path) -> None:
    """Write the numbers of a run to the folder `to`, as tables for people and for programs."""
    for name, text in tables(data).items():
        write_text(to / name, text)


def _cited(path: Path, judge: str, run: RunData) -> Cited:
    found = read_calibration(path)
    rates = found.rates(judge)
    if rates is None:
        measured = ", ".join(dict.fromkeys(j.judge for j in found.judges if j.question != "label"))
        raise UserError(
            f"{path} is a calibration of {measured}, and this run was judged by {judge}; the rates of one "
            "judge say nothing about another."
        )
    if not speaks_of(rates, run.manifest, run.registry.name):
        raise UserError(
            f"{path} was measured on pictures of {', '.join(found.models)} with the characters of "
            f"{found.registry}, and this run's are of {run.manifest.model} with those of "
            f"{run.registry.name}; label some of them (copycat annotate {run.path}), and calibrate the judge "
            "on those."
        )
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Cited(file=str(path), sha256=sha256, judge=judge, rates=rates)
