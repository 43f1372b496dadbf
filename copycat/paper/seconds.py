"""What a picture costs in time, and a judgement (Tables 4 and 5 of He et al. 2024)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from pydantic import Field

from copycat.paper.base import Data, Document, Sources
from copycat.paper.laid import Laid
from copycat.paper.write import NOT_RUN
from copycat.report.words import DASH, number
from copycat.runs.data import RunData


class Line(Data):
    """One published time."""

    label: str
    names: tuple[str, ...] = ()
    """Cards of ours that it stands beside: of models, or of judges."""
    seconds: float = Field(gt=0)
    below: bool = False
    """Whether it is printed as less than that."""


class Seconds(Document):
    """Wall time, as published and as our rows have it."""

    measured: str
    of: Literal["pictures", "judgements"]
    rows: tuple[Line, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Timed:
    """What one run took."""

    name: str
    """The model's, or the judge's, as its card is called."""
    seconds: float | None
    """For one; None where it is not known, and `why` says so."""
    n: int
    """How many it is the mean of."""
    why: str = ""


def _drawn(run: RunData) -> Timed:
    rows = [r for r in run.images.values() if r.outcome == "ok" and r.seconds > 0]
    if not rows:
        return Timed(run.model, None, 0, "no picture was drawn and timed in it")
    return Timed(run.model, fmean(r.seconds for r in rows), len(rows))


def _judged(run: RunData) -> Timed:
    name, record = run.judge.partition("@")[0], run.manifest.stages.get("judge")
    asked = [v for v in run.verdicts if not v.voters]
    if len({v.judge for v in asked}) > 1:
        return Timed(name, None, 0, "several judges were asked, whose times are not kept apart")
    if not asked or record is None or not record.seconds:
        return Timed(name, None, 0, "no judge was asked and timed in it")
    return Timed(name, record.seconds / len(asked), len(asked))


_TIMED: dict[str, Callable[[RunData], Timed]] = {"pictures": _drawn, "judgements": _judged}

COLUMNS = ("table", "row", "whose", "name", "seconds", "below", "n", "device", "hardware", "run")


def read(document: Seconds, sources: Sources) -> Laid:
    """The published times, each with those of our runs of the same card under each, then other cards."""
    timed = [(run, _TIMED[document.of](run)) for run in sources.runs]
    lines: list[tuple[str, ...]] = []
    records: list[dict[str, object]] = []
    placed: set[str] = set()
    for row in document.rows:
        label = f"{'< ' * row.below}{row.seconds:g}"
        lines.append((row.label, label, DASH, "published"))
        records.append(_record(document, row.label, "published", seconds=row.seconds, below=row.below))
        own = [(run, t) for run, t in timed if t.name in row.names]
        placed |= {t.name for _, t in own}
        for run, t in own:
            lines.append(_line(run, t))
            records.append(_ours(document, row.label, run, t))
        if not own:
            lines.append((row.label, NOT_RUN, DASH, "ours"))
            records.append(_record(document, row.label, "ours"))
    for run, t in timed:
        if t.name not in placed:
            lines.append(_line(run, t))
            records.append(_ours(document, t.name, run, t))
    one = document.of.removesuffix("s")
    heads = (f"who makes the {one}", f"seconds a {one}", document.of, "whose")
    return Laid(heads, lines, COLUMNS, records, list(_remarks(document, timed)))


def _line(run: RunData, t: Timed) -> tuple[str, ...]:
    return t.name, number(t.seconds, 2), str(t.n), f"ours, {_machine(run)}"


def _machine(run: RunData) -> str:
    known = run.manifest.hardware
    return known.get("gpu") or known.get("cpu") or "a machine that is not told"


def _record(document: Seconds, row: str, whose: str, **more: object) -> dict[str, object]:
    return {"table": document.table, "row": row, "whose": whose, **more}


def _ours(document: Seconds, row: str, run: RunData, t: Timed) -> dict[str, object]:
    return _record(
        document,
        row,
        "ours",
        name=t.name,
        seconds=t.seconds,
        n=t.n,
        device=run.manifest.device,
        hardware=_machine(run),
        run=str(run.path),
    )


def _remarks(document: Seconds, timed: list[tuple[RunData, Timed]]) -> Iterator[str]:
    if document.of == "pictures" and timed:
        yield "Ours: the wall time of a batch divided by its pictures, mean over those that were drawn."
    if document.of == "judgements" and timed:
        yield (
            "Ours: the wall time of the stage that judges, loading the judge among it, divided by its "
            "answers; a picture is asked about more than once."
        )
    for run, t in timed:
        if t.why:
            yield f"{run.path}: {t.why}."
