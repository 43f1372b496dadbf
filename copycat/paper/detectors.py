"""How well prompts that are after a character are told from others (Table 9 of He et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from copycat.intent.evaluate import GateReport, SetResult
from copycat.paper.base import Data, Document, Sources
from copycat.paper.laid import Laid
from copycat.paper.write import NOT_RUN
from copycat.report.words import DASH


class Line(Data):
    """One published detector."""

    label: str
    accuracy: float = Field(ge=0, le=1)
    tpr: float = Field(ge=0, le=1)
    fpr: float = Field(ge=0, le=1)


class Detectors(Document):
    """Detectors of intent at their threshold."""

    reads = "filters"
    hint = "reports of input filters; `copycat gate --out FOLDER` writes one"
    measured: str
    rows: tuple[Line, ...] = Field(min_length=1)


HEADS = ("detector", "accuracy", "TPR", "FPR", "prompts, of characters and neutral", "whose")
COLUMNS = (
    *("table", "detector", "whose", "prompt_set", "accuracy", "tpr", "fpr", "prompts", "neutral", "registry"),
    *("threshold", "file"),
)


def read(document: Detectors, sources: Sources) -> Laid:
    """Published detectors first, then every prompt set of each report."""
    lines: list[tuple[str, ...]] = []
    records: list[dict[str, object]] = []
    for row in document.rows:
        rates = {"accuracy": row.accuracy, "tpr": row.tpr, "fpr": row.fpr}
        lines.append((row.label, *(f"{r:.2%}" for r in rates.values()), DASH, "published"))
        records.append({"table": document.table, "detector": row.label, "whose": "published", **rates})
    remarks: list[str] = []
    for f in sources.filters:
        r = f.report
        for s in r.sets:
            tpr, fpr = s.reached, len(r.false_positives) / r.neutral
            accuracy = _accuracy(s, r)
            cells = (DASH if x is None else f"{x:.2%}" for x in (accuracy, tpr, fpr))
            counts = f"{s.prompts} and {r.neutral}"
            lines.append((r.detector, *cells, counts, f"ours, {s.set} of {r.registry}: {f.path}"))
            records.append(
                {
                    "table": document.table,
                    "detector": r.detector,
                    "whose": "ours",
                    "prompt_set": s.set,
                    "accuracy": accuracy,
                    "tpr": tpr,
                    "fpr": fpr,
                    "prompts": s.prompts,
                    "neutral": r.neutral,
                    "registry": r.registry,
                    "threshold": r.threshold,
                    "file": str(f.path),
                }
            )
        remarks += _remarks(f.path.name, r)
    if not sources.filters:
        lines.append(("ours", *(NOT_RUN for _ in HEADS[1:-1]), "ours"))
    return Laid(HEADS, lines, COLUMNS, records, remarks)


def _accuracy(s: SetResult, r: GateReport) -> float | None:
    """Share of both kinds of prompts that are told right, at the threshold."""
    if s.reached is None:
        return None
    right = s.reached * s.prompts + (r.neutral - len(r.false_positives))
    return right / (s.prompts + r.neutral)


def _remarks(name: str, r: GateReport) -> Iterator[str]:
    if r.unanswered:
        yield f"{name}: {r.unanswered} prompts got no answer and are counted nowhere."
    if any(s.reached is None for s in r.sets):
        yield f"{name} was written by an earlier version and lacks the TPR; run `copycat gate` again."
