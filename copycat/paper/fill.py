"""Puts the metrics of runs into a published table's cells. A cell without a run stays empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copycat.errors import UserError
from copycat.measures import CONS, DETECT
from copycat.paper.published import Column, Line, PaperTable, Place, Published, canonical, places_of
from copycat.records import Metric
from copycat.runs.data import RunData, lookup


@dataclass(frozen=True)
class Source:
    """One run, as a table reads it."""

    run: str
    model: str
    """Card name as the user gave it, a folder's last part."""
    identity: str
    judge: str
    rates: Mapping[str, Any] | None
    """What is known of the judge's errors."""
    seeds: int
    oracle: bool
    """Whether mitigations were told which character was meant, as in the paper."""
    notes: tuple[str, ...]
    """What the run says of itself, as prompts that its model did not read to their end."""
    metrics: Sequence[Metric]


@dataclass(frozen=True)
class Cell:
    """One row under one condition: the published number and ours."""

    published: Published | None
    source: Source | None = None
    """None when no run holds it."""
    detect: Metric | None = None
    cons: Metric | None = None
    instead_of: Place | None = None
    """What the table would rather have there, where ours is another of its choices."""


@dataclass(frozen=True)
class Row:
    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Block:
    """The rows for one model; or for all of them, where rows are models."""

    model: str | None
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Filled:
    """A published table with our numbers beside it."""

    table: PaperTable
    blocks: tuple[Block, ...]
    sources: tuple[Source, ...]
    unplaced: tuple[str, ...]
    """What the runs hold that the table has no cell for, or holds twice; one sentence each."""


def source(run: RunData) -> Source:
    """Reads a run; raises UserError for one without metrics."""
    if not run.metrics:
        raise UserError(f"{run.path} has no metrics yet; run `copycat score {run.path}` first.")
    manifest = run.manifest
    return Source(
        run=str(run.path),
        model=Path(manifest.config.model).name,
        identity=manifest.model,
        judge=manifest.judge or manifest.config.judge,
        rates=run.rates,
        seeds=len(manifest.config.seeds),
        oracle=manifest.config.oracle,
        notes=manifest.notes,
        metrics=run.metrics,
    )


def fill(table: PaperTable, runs: Iterable[RunData]) -> Filled:
    """`table` with the numbers of `runs` in it.

    Where two runs hold a cell, the first one given is shown, those without oracle last: the paper had one.
    """
    sources = tuple(sorted((source(r) for r in runs), key=lambda s: not s.oracle))
    used: set[tuple[str, str, str]] = set()
    models = list(dict.fromkeys(s.model for s in sources))
    if table.by_model:
        known = {m for row in table.rows for m in row.models}
        rows = [*table.rows, *(Line(label=m, models=(m,)) for m in models if m not in known)]
        blocks = [Block(None, tuple(_row(r, table, _select_models(sources, r.models), used) for r in rows))]
    else:
        blocks = [
            Block(m, tuple(_row(r, table, _select_models(sources, (m,)), used) for r in table.rows))
            for m in models
        ]
        if not models:
            blocks = [Block(None, tuple(_row(r, table, (), used) for r in table.rows))]
    return Filled(table, tuple(blocks), sources, tuple(_unplaced(sources, used)))


def _select_models(sources: Sequence[Source], models: Sequence[str]) -> list[Source]:
    """Runs of these models, in the order of `models`."""
    return [s for m in models for s in sources if s.model == m]


def _row(line: Line, table: PaperTable, sources: Sequence[Source], used: set[tuple[str, str, str]]) -> Row:
    published = line.published or (None,) * len(table.columns)
    cells = [_cell(line, c, p, sources, used) for c, p in zip(table.columns, published, strict=True)]
    return Row(line.label, tuple(cells))


def _cell(
    line: Line,
    column: Column,
    published: Published | None,
    sources: Sequence[Source],
    used: set[tuple[str, str, str]],
) -> Cell:
    first, *_ = places = places_of(line, column)
    for place in places:
        for s in sources:
            for mitigation in dict.fromkeys(m.mitigation for m in s.metrics):
                if canonical(mitigation) != canonical(place.mitigation):
                    continue
                detect = lookup(s.metrics, DETECT, mitigation, place.prompts)
                if detect is not None:
                    used.add((s.run, mitigation, place.prompts))
                    cons = lookup(s.metrics, CONS, mitigation, place.prompts)
                    return Cell(published, s, detect, cons, None if place == first else first)
    return Cell(published)


def _unplaced(sources: Iterable[Source], used: set[tuple[str, str, str]]) -> Iterable[str]:
    for s in sources:
        for pair in dict.fromkeys((m.mitigation, m.prompt_set) for m in s.metrics):
            if (s.run, *pair) not in used:
                what = f"{pair[0]} on {pair[1]} of {s.run}"
                yield f"Not shown: {what} (no cell for it, or another run fills it)."
