"""Puts the metrics of runs into a published table's cells. A cell without a run stays empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel

from copycat.errors import UserError
from copycat.records import Metric, Request
from copycat.report.paper.published import (
    Column,
    Line,
    PaperTable,
    Place,
    Published,
    canonical,
    places_of,
)
from copycat.report.view import judge_rates, lookup


class Run(Protocol):
    """The part of a run folder that a table reads."""

    path: Path

    def requests(self) -> list[Request]: ...

    def metrics(self) -> list[Metric]: ...

    def manifest(self) -> BaseModel: ...


@dataclass(frozen=True)
class Source:
    """One run, as a table reads it."""

    run: str
    model: str
    """Card name as the user gave it, a folder's last part."""
    identity: str
    judge: str
    rates: dict[str, Any] | None
    """What is known of the judge's errors."""
    seeds: int
    oracle: bool
    """Whether mitigations were told which character was meant, as in the paper."""
    notes: tuple[str, ...]
    """What the run says of itself, as prompts that its model did not read to their end."""
    metrics: tuple[Metric, ...]


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


def source(run: Run) -> Source:
    """Reads a run; raises UserError for one without metrics."""
    metrics = run.metrics()
    if not metrics:
        raise UserError(f"{run.path} has no metrics yet; run `copycat score {run.path}` first.")
    manifest = run.manifest()
    facts = manifest.model_dump(mode="json")
    config = facts.get("config") or {}
    return Source(
        run=str(run.path),
        model=Path(str(config.get("model", "?"))).name,
        identity=str(facts.get("model") or config.get("model", "?")),
        judge=str(facts.get("judge") or config.get("judge", "?")),
        rates=judge_rates(manifest),
        seeds=len(config.get("seeds") or ()),
        oracle=bool(config.get("oracle", True)),
        notes=tuple(facts.get("notes") or ()),
        metrics=tuple(metrics),
    )


def fill(table: PaperTable, runs: Iterable[Run]) -> Filled:
    """`table` with the numbers of `runs` in it.

    Where two runs hold a cell, the first one given is shown, those without oracle last: the paper had one.
    """
    sources = tuple(sorted((source(r) for r in runs), key=lambda s: not s.oracle))
    used: set[tuple[str, str, str]] = set()
    models = list(dict.fromkeys(s.model for s in sources))
    if table.by_model:
        known = {m for row in table.rows for m in row.models}
        rows = [*table.rows, *(Line(label=m, models=(m,)) for m in models if m not in known)]
        blocks = [Block(None, tuple(_row(r, table, _of(sources, r.models), used) for r in rows))]
    else:
        blocks = [
            Block(m, tuple(_row(r, table, _of(sources, (m,)), used) for r in table.rows)) for m in models
        ]
        if not models:
            blocks = [Block(None, tuple(_row(r, table, (), used) for r in table.rows))]
    return Filled(table, tuple(blocks), sources, tuple(_unplaced(sources, used)))


def _of(sources: Sequence[Source], models: Sequence[str]) -> list[Source]:
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
                detect = lookup(s.metrics, "DETECT", mitigation, place.prompts)
                if detect is not None:
                    used.add((s.run, mitigation, place.prompts))
                    cons = lookup(s.metrics, "CONS", mitigation, place.prompts)
                    return Cell(published, s, detect, cons, None if place == first else first)
    return Cell(published)


def _unplaced(sources: Iterable[Source], used: set[tuple[str, str, str]]) -> Iterable[str]:
    for s in sources:
        for pair in dict.fromkeys((m.mitigation, m.prompt_set) for m in s.metrics):
            if (s.run, *pair) not in used:
                what = f"{pair[0]} on {pair[1]} of {s.run}"
                yield f"Not shown: {what} (no cell for it, or another run fills it)."
