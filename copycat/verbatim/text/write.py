"""What a study leaves beside its rows: page, table, scores, figure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copycat.io.atomic import write_bytes, write_text
from copycat.report.files import csv_content
from copycat.stats.intervals import Interval
from copycat.verbatim.text.page import render
from copycat.verbatim.text.picture import curve
from copycat.verbatim.text.rungs import NAMES
from copycat.verbatim.text.scores import Best, Scored, Scorer, best_of
from copycat.verbatim.text.settings import Settings
from copycat.verbatim.text.study import GUARDS, PAGE, PICTURE, SCORES, TABLE, Ran
from copycat.verbatim.text.summary import Cell, Guarding, guarding, table

_MEASURES = ("prefix", "substring", "similarity")
_COLUMNS = (
    *("role", "set", "prompts", "length", "mitigation", "documents", "asked", "answered", "refused"),
    *("failed", "withheld"),
    *(f"{m}{end}" for m in _MEASURES for end in ("", "_low", "_high", "_normalised")),
    *(f"{rung}{end}" for rung in NAMES for end in ("", "_low", "_high")),
)
_GUARD_COLUMNS = (
    *("mitigation", "reached", "stopped", "benign", "changed", "withheld"),
    *(f"{name}_{side}" for name in ("substring", "surprise", "seconds") for side in ("without", "with")),
)
_SCORE_COLUMNS = (
    *("asked", "role", "set", "title", "prompts", "length", "begin", "mitigation", "sample", "outcome"),
    *("prefix", "substring", "similarity", "rung", "tokens", "held", "surprise", "seconds", "reason"),
)


@dataclass(frozen=True)
class Found:
    """The numbers of a study."""

    scored: tuple[Scored, ...]
    best: tuple[Best, ...]
    cells: tuple[Cell, ...]
    guards: tuple[Guarding, ...]


def measure(settings: Settings, ran: Ran) -> Found:
    """All numbers, from the rows."""
    scorer = Scorer(settings.documents, ran.plan.promptings)
    scored = [scorer.score(a, ran.written[a.id]) for a in ran.plan.asked if a.id in ran.written]
    best = best_of(scored)
    return Found(tuple(scored), tuple(best), tuple(table(best)), tuple(guarding(best, scored)))


def write(settings: Settings, ran: Ran, found: Found, out: Path) -> list[Path]:
    """Write all of it to `out`; returns the files, the page first."""
    write_text(out / SCORES, csv_content(_SCORE_COLUMNS, map(_score_line, found.scored)))
    write_text(out / TABLE, csv_content(_COLUMNS, map(_line, found.cells)))
    made = [out / PAGE, out / TABLE, out / SCORES]
    if found.guards:
        write_text(out / GUARDS, csv_content(_GUARD_COLUMNS, map(_guard_line, found.guards)))
        made.append(out / GUARDS)
    drawing = curve(found.cells, "png")
    if drawing is not None:
        write_bytes(out / PICTURE, drawing)
        made.append(out / PICTURE)
    write_text(out / PAGE, render(settings, ran, found.cells, found.guards, found.best))
    return made


def _line(cell: Cell) -> dict[str, Any]:
    told = {
        "role": cell.role,
        "set": cell.group,
        **{name: getattr(cell, name) for name in _COLUMNS[2:11]},
    }
    for name, normalised in zip(_MEASURES, cell.normalised, strict=True):
        told |= _ends(name, getattr(cell, name)) | {f"{name}_normalised": _rounded(normalised)}
    for name, found in cell.rungs.items():
        told |= _ends(name, found)
    return told


def _guard_line(found: Guarding) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(found, name) for name in _GUARD_COLUMNS[:6]}
    for name in ("substring", "surprise", "seconds"):
        pair = getattr(found, name) or (None, None)
        told |= {f"{name}_without": _rounded(pair[0]), f"{name}_with": _rounded(pair[1])}
    return told


def _ends(name: str, found: Interval) -> dict[str, float | str]:
    ends = {"": found.value, "_low": found.low, "_high": found.high}
    return {f"{name}{end}": _rounded(value) for end, value in ends.items()}


def _score_line(s: Scored) -> dict[str, Any]:
    a, w = s.asked, s.written
    return {
        **{name: getattr(a, name) for name in ("role", "title", "prompts", "length", "begin", "mitigation")},
        "asked": a.id,
        "set": a.group,
        "sample": a.sample,
        "outcome": w.outcome,
        **(
            {}
            if s.close is None
            else {
                "prefix": s.close.prefix,
                "substring": s.close.substring,
                "similarity": _rounded(s.close.similarity),
            }
        ),
        "rung": s.rung,
        "tokens": w.tokens,
        "held": w.held,
        "surprise": w.surprise,
        "seconds": w.seconds,
        "reason": w.reason,
    }


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 4)
