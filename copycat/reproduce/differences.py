"""Our numbers less the published ones, with an interval that knows both sides' uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from typing import Any

from scipy.stats import t

from copycat.measures import CONS, DETECT, Measure
from copycat.paper import load
from copycat.paper.fill import Cell, Filled
from copycat.paper.published import PaperTable
from copycat.records import Metric
from copycat.report.files import csv_content
from copycat.report.words import DENOMINATORS, INTERVALS, POPULATION

RUNS = 3
"""Runs of the paper behind each of its SDs."""


@dataclass(frozen=True)
class Difference:
    """One published number beside ours."""

    table: str
    model: str
    row: str
    column: str
    measure: str
    """DETECT in characters of `of`; CONS in [0, 1]."""
    ours: float
    low: float | None
    high: float | None
    """95 % interval of ours for characters like these."""
    fixed_low: float | None
    fixed_high: float | None
    """95 % interval of ours for these very characters."""
    all_low: float | None
    all_high: float | None
    """Ours over all pictures asked for, had those that are not scored the lowest number, or the highest."""
    published: float
    difference: float
    """Ours less the published one."""
    difference_low: float | None
    difference_high: float | None
    """95 %, for characters like these; None where the paper gives no SD or our number has no interval."""
    difference_fixed_low: float | None
    difference_fixed_high: float | None
    """The same for these very characters."""
    reads: str
    """What the interval for characters like these, the more careful one, says."""
    note: str


def differences(filled: Filled) -> Iterator[Difference]:
    """Every cell that has both numbers.

    The interval is MOVER's (Zou and Donner 2008) of our interval and Student's of the published mean of three
    runs. Its SD is taken for a population SD, as most of the paper's are, the wider reading. A run of fewer
    characters than the paper's is scaled to as many, and its note says so.
    """
    for block in filled.blocks:
        for row in block.rows:
            for column, cell in zip(filled.table.columns, row.cells, strict=True):
                for measure in (DETECT, CONS):
                    ours = cell.detect if measure is DETECT else cell.cons
                    found = _difference(filled, cell, measure, ours)
                    if found:
                        model = cell.source.manifest.config.model if cell.source else ""
                        yield Difference(
                            filled.table.table, model, row.label, column.label, measure.name, **found
                        )


_Ends = tuple[float | None, float | None]


def _difference(filled: Filled, cell: Cell, measure: Measure, ours: Metric | None) -> dict[str, Any] | None:
    mean, sd = cell.published.number(measure) if cell.published else (None, None)
    if ours is None or ours.value is None or mean is None:
        return None
    scale, notes = 1.0, _other_model(filled, cell)
    if measure is DETECT and ours.characters != filled.table.of:
        scale = filled.table.of / ours.characters
        notes.append(f"ours of {ours.characters} characters, scaled to {filled.table.of}")
    if cell.instead_of is not None:
        notes.append(f"ours is another condition than {cell.instead_of.mitigation}")
    value = ours.value * scale
    mine = {k: None if (x := getattr(ours, k)) is None else x * scale for k in _SCALED}
    wide = _interval(value, mine["low"], mine["high"], mean, sd)
    fixed = _interval(value, mine["fixed_low"], mine["fixed_high"], mean, sd)
    return {
        **mine,
        "ours": value,
        "published": mean,
        "difference": value - mean,
        "difference_low": wide[0],
        "difference_high": wide[1],
        "difference_fixed_low": fixed[0],
        "difference_fixed_high": fixed[1],
        "reads": _reading(*wide),
        "note": "; ".join(notes),
    }


_SCALED = ("low", "high", "fixed_low", "fixed_high", "all_low", "all_high")


def _interval(value: float, low: float | None, high: float | None, mean: float, sd: float | None) -> _Ends:
    """Of our `value`, in `low` to `high`, less the published `mean` of runs with `sd`."""
    if sd is None or low is None or high is None:
        return None, None
    half = float(t.ppf(0.975, RUNS - 1)) * sd * math.sqrt(RUNS / (RUNS - 1)) / math.sqrt(RUNS)
    gap = value - mean
    return gap - math.hypot(value - low, half), gap + math.hypot(high - value, half)


def _other_model(filled: Filled, cell: Cell) -> list[str]:
    """Says so where a table of one model's numbers stands beside another's."""
    models = load("2")
    if filled.table.by_model or cell.source is None or not isinstance(models, PaperTable):
        return []
    lines = [line for line in models.rows if line.models and line.label in filled.table.measured]
    same = any(cell.source.model in line.models for line in lines)
    return [] if same else [f"the paper's is of {line.label}" for line in lines]


def _reading(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "no interval"
    if low > 0:
        return "ours is higher"
    return "ours is lower" if high < 0 else "no difference shown"


def csv_text(found: Iterable[Difference]) -> str:
    """One line a cell and measure."""
    return csv_content([f.name for f in fields(Difference)], map(asdict, found))


def markdown(found: Iterable[Difference]) -> str:
    """The same for readers, with how it was reckoned."""
    rows = list(found)
    shown = [d for d in rows if d.difference_low is not None]
    alike = sum(d.reads == "no difference shown" for d in shown)
    lines = [
        "# Differences to the paper",
        "",
        f"{len(rows)} numbers stand beside published ones, {len(shown)} of them with an interval of the "
        f"difference; {alike} of those intervals hold 0. No difference shown is not equality: the paper's "
        "mean of three runs says little, and so do few characters or seeds of ours.",
        "",
        "| table | model | row | column | measure | ours | published | difference | reads | note |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for d in rows:
        digits = 2 if d.measure == DETECT.name else 3
        cells = (
            d.table, d.model, d.row, d.column, d.measure,
            f"{d.ours:.{digits}f}{_named(d.fixed_low, d.fixed_high, d.low, d.high, digits)}{_of_all(d)}",
            f"{d.published:.{digits}f}", f"{d.difference:+.{digits}f}" + _named(
                d.difference_fixed_low, d.difference_fixed_high, d.difference_low, d.difference_high,
                digits, "+",
            ),
            d.reads, d.note,
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        f"{INTERVALS} Those of a difference are by MOVER (Zou and Donner 2008) from ours and from "
        "Student's of the paper's three runs, whose SD is taken for a population SD. What a difference "
        f"reads as, and how many hold 0, is by the interval for {POPULATION}. "
        f"{DENOMINATORS} The paper's judge was GPT-4V; see docs/reproduce-the-paper.md.",
    ]
    return "\n".join(lines) + "\n"


def _named(
    fixed_low: float | None,
    fixed_high: float | None,
    low: float | None,
    high: float | None,
    digits: int,
    sign: str = "",
) -> str:
    """Both intervals, named; those that there are."""
    both = ("these", fixed_low, fixed_high), ("like these", low, high)
    return "".join(
        f", {name} [{a:{sign}.{digits}f}, {b:{sign}.{digits}f}]"
        for name, a, b in both
        if a is not None and b is not None
    )


def _of_all(d: Difference) -> str:
    if d.measure != DETECT.name or d.all_low is None or d.all_high is None or d.all_low == d.all_high:
        return ""
    return f", of all asked for {d.all_low:.2f} … {d.all_high:.2f}"
