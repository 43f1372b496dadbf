"""Our numbers less the published ones, with an interval that knows both sides' uncertainty."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields

from scipy.stats import t

from copycat.measures import CONS, DETECT, Measure
from copycat.paper.fill import Cell, Filled
from copycat.paper.published import PaperTable, load
from copycat.records import Metric

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
    published: float
    difference: float
    """Ours less the published one."""
    difference_low: float | None
    difference_high: float | None
    """95 %; None where the paper gives no SD or our number has no interval."""
    reads: str
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
                            filled.table.table, model, row.label, column.label, measure.name, *found
                        )


_Numbers = tuple[float, float | None, float | None, float, float, float | None, float | None, str, str]


def _difference(filled: Filled, cell: Cell, measure: Measure, ours: Metric | None) -> _Numbers | None:
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
    low, high = (None if x is None else x * scale for x in (ours.low, ours.high))
    gap = value - mean
    ends: tuple[float | None, float | None] = (None, None)
    if sd is not None and low is not None and high is not None:
        half = float(t.ppf(0.975, RUNS - 1)) * sd * math.sqrt(RUNS / (RUNS - 1)) / math.sqrt(RUNS)
        ends = gap - math.hypot(value - low, half), gap + math.hypot(high - value, half)
    return value, low, high, mean, gap, *ends, _reading(*ends), "; ".join(notes)


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
    out = io.StringIO()
    writer = csv.DictWriter(out, [f.name for f in fields(Difference)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(d) for d in found)
    return out.getvalue()


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
            f"{d.ours:.{digits}f}{_ends(d.low, d.high, digits)}", f"{d.published:.{digits}f}",
            f"{d.difference:+.{digits}f}{_ends(d.difference_low, d.difference_high, digits, '+')}",
            d.reads, d.note,
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "Intervals are 95 %: ours as in the tables, that of a difference by MOVER (Zou and Donner 2008) "
        "from ours and from Student's of the paper's three runs, whose SD is taken for a population SD. The "
        "paper's judge was GPT-4V; see docs/reproduce-the-paper.md.",
    ]
    return "\n".join(lines) + "\n"


def _ends(low: float | None, high: float | None, digits: int, sign: str = "") -> str:
    return "" if low is None or high is None else f" [{low:{sign}.{digits}f}, {high:{sign}.{digits}f}]"
