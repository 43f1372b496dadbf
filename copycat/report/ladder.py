"""The near-verbatim ladder in a run's report: its table, and what the rungs are called."""

from __future__ import annotations

from collections.abc import Sequence

from copycat.copies.calibration import STYLE
from copycat.report.words import DASH
from copycat.runs.ladder import CHARACTER, NONE, Cell, Ladder, Share, levels

LABELS = {
    "exact": "exact",
    "perceptual": "same hash",
    "near-copy": "near copy",
    "copy": "copy",
    CHARACTER: "character",
    STYLE: "style",
    NONE: "none",
}
"""What rungs are called in headings; others as they are."""
ABOUT = (
    "Shares of the pictures that stand on each rung or higher, with 95 % intervals for characters like "
    "these. A picture stands on the highest rung that it reaches: a reference picture itself, a copy of "
    "one, the character anew, or its style alone. The last line is what references reach that are copies "
    "of nothing: among many references of one character something is near by chance, and only what is "
    "above that tells of memorisation."
)
WORST = "Worst of seeds: of the prompts, how many came out so with any seed."


def columns() -> tuple[str, ...]:
    """The rungs that tables show, highest first."""
    return tuple(rung for rung in levels() if rung != NONE)


def label(rung: str) -> str:
    """What a rung is called for readers."""
    return LABELS.get(rung, rung)


def percent(value: float | None) -> str:
    """`12.3 %`; a dash for None."""
    return DASH if value is None else f"{100 * value:.1f} %"


def interval(share: Share) -> str:
    """`1.0–4.2`, in percent; empty without one."""
    if share.low is None or share.high is None:
        return ""
    return f"{100 * share.low:.1f}–{100 * share.high:.1f}"


def head(what: str) -> tuple[str, ...]:
    """Headings of :func:`cells`; `what` is what the second column says."""
    return ("mitigation", what, *map(label, columns()), "compared", "refused", "missing")


def cells(rows: Sequence[Cell], *, worst: bool = False) -> list[tuple[str, ...]]:
    """A line for each cell; of the shares over the worst of seeds with `worst`."""
    lines = []
    for cell in rows:
        shares = cell.worst if worst else cell.above
        told = [shares.get(rung) for rung in columns()]
        found = [DASH if s is None else _with_interval(s) for s in told]
        counts = f"{cell.compared} of {cell.planned}", str(cell.refused), str(cell.missing)
        lines.append((cell.mitigation, cell.prompt_set or cell.explicit, *found, *counts))
    return lines


def by_chance(found: Ladder) -> tuple[str, ...]:
    """A last line: references that were kept out of the search, copies of nothing, as far as they reach."""
    chance = found.thresholds.chance
    shares = (percent(chance[rung]) if rung in chance else DASH for rung in columns())
    return ("references kept out", "by chance", *shares, str(found.thresholds.kept_out), DASH, DASH)


def _with_interval(share: Share) -> str:
    spread = interval(share)
    return percent(share.value) + (f" ({spread})" if spread else "")


def lines(rows: Sequence[Cell]) -> list[str]:
    """A sentence for each cell."""
    told = []
    for cell in rows:
        shares = [
            f"{label(rung)} {percent(cell.above[rung].value)}" for rung in columns() if rung in cell.above
        ]
        what = cell.prompt_set or cell.explicit
        told.append(f"{cell.mitigation} ({what}), {cell.compared} compared, or nearer: {', '.join(shares)}")
    return told


def section(found: Ladder | None) -> dict[str, object] | None:
    """What the report's page says of the ladder; None where `copycat verbatim` has not been asked."""
    if found is None:
        return None
    return {
        "head": head("prompts"),
        "cells": [*cells(found.cells), by_chance(found)],
        "about": ABOUT,
        "against": f"Compared with {found.count:,} references: {found.references}.",
    }
