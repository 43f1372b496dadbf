"""Puts the metrics of runs into a published table's cells. A cell without a run stays empty."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from copycat.errors import UserError
from copycat.measures import CONS, DETECT
from copycat.mitigations.aliases import canonical, parts
from copycat.mitigations.parse import rewrites
from copycat.paper.base import REWRITER, Place, preferred, rewritten
from copycat.paper.published import Column, Line, PaperTable, Published, places_of
from copycat.records import Metric
from copycat.runs.data import RunData


@dataclass(frozen=True)
class Found:
    """Where a run holds what a place asks for."""

    source: RunData
    mitigation: str
    prompts: str
    place: Place
    """Without `{rewriter}`; it says who rewrote the prompt, where it was rewritten."""


@dataclass(frozen=True)
class Cell:
    """One row under one condition: the published number and ours."""

    published: Published | None
    source: RunData | None = None
    """None when no run holds it."""
    detect: Metric | None = None
    cons: Metric | None = None
    by: str = ""
    """Who rewrote the prompts, in a cell about rewritten ones."""
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
    sources: tuple[RunData, ...]
    unplaced: tuple[str, ...]
    """What the runs hold that the table has no cell for, or holds twice; one sentence each."""


def check_scored(run: RunData) -> None:
    """Raise UserError for a run without metrics."""
    if not run.metrics:
        raise UserError(f"{run.path} has no metrics yet; run `copycat score {run.path}` first.")


def fill(table: PaperTable, runs: Sequence[RunData], rewriter: str = REWRITER) -> Filled:
    """`table` with the numbers of `runs` in it.

    Where two runs hold a cell, the first one given is shown, those without oracle last: the paper had one. Of
    several rewriters `rewriter` is shown first, which is a mitigation or a set of rewritten prompts. Raises
    UserError for a run without metrics.
    """
    for run in runs:
        check_scored(run)
    sources = tuple(sorted(runs, key=lambda r: not r.manifest.config.oracle))
    used: set[_Used] = set()
    models = list(dict.fromkeys(s.model for s in sources))

    def row(line: Line, names: Sequence[str]) -> Row:
        """One line, from the runs of the models `names`, in the order of those."""
        there = [s for m in names for s in sources if s.model == m]
        published = line.published or (None,) * len(table.columns)
        pairs = zip(table.columns, published, strict=True)
        return Row(line.label, tuple(_cell(line, c, p, there, used, rewriter) for c, p in pairs))

    if table.by_model:
        known = {m for line in table.rows for m in line.models}
        lines = [*table.rows, *(Line(label=m, models=(m,)) for m in models if m not in known)]
        blocks = [Block(None, tuple(row(line, line.models) for line in lines))]
    else:
        blocks = [Block(m, tuple(row(line, (m,)) for line in table.rows)) for m in models]
        blocks = blocks or [Block(None, tuple(row(line, ()) for line in table.rows))]
    return Filled(table, tuple(blocks), sources, tuple(_unplaced(sources, used)))


def find(places: Sequence[Place], sources: Sequence[RunData], rewriter: str = REWRITER) -> Iterator[Found]:
    """All that `sources` hold of `places`, the preferred place first, and within it the first source."""
    for place in preferred(places, rewriter):
        matches = [
            Found(s, mitigation, prompts, at)
            for s in sources
            for mitigation, prompts in s.groups
            if prompts == place.prompts and (at := _match(place, mitigation)) is not None
        ]
        # A mitigation with options is the rewriter asked for, where that was named without any.
        yield from sorted(matches, key=lambda f: bool(f.place.by) and not _same(f.place.by, rewriter))


def _match(place: Place, mitigation: str) -> Place | None:
    """`place` as `mitigation` fills it; None where it does not."""
    if "{rewriter}" in place.mitigation:
        head = next(iter(parts(mitigation)), "")
        if not rewrites(head):
            return None
        place = rewritten(place, head).model_copy(update={"by": head})
    return place if canonical(mitigation) == canonical(place.mitigation) else None


def _same(by: str, rewriter: str) -> bool:
    wanted = canonical(rewriter)
    return wanted in (by, by.partition("[")[0])


_Used = tuple[Path, str, str]
"""Run, mitigation and prompt set of a cell that is shown."""


def _cell(
    line: Line,
    column: Column,
    published: Published | None,
    sources: Sequence[RunData],
    used: set[_Used],
    rewriter: str,
) -> Cell:
    places = places_of(line, column)
    first = preferred(places, rewriter)[0]
    for found in find(places, sources, rewriter):
        s, key = found.source, (found.mitigation, found.prompts)
        detect = s.metric(DETECT, *key)
        if detect is not None:
            used.add((s.path, *key))
            wanted = rewritten(first, rewriter)
            instead = None if _is(found, first, rewriter) else wanted
            return Cell(published, s, detect, s.metric(CONS, *key), found.place.by, instead)
    return Cell(published)


def _is(found: Found, wanted: Place, rewriter: str) -> bool:
    """Whether `found` is `wanted`, with any options of the rewriter asked for."""
    by = found.place.by if _same(found.place.by, rewriter) else rewriter
    return found.prompts == wanted.prompts and canonical(found.mitigation) == canonical(
        rewritten(wanted, by).mitigation
    )


def _unplaced(sources: Iterable[RunData], used: set[_Used]) -> Iterable[str]:
    for s in sources:
        for mitigation, prompts in s.groups:
            if (s.path, mitigation, prompts) not in used:
                what = f"{mitigation} on {prompts} of {s.path}"
                yield f"Not shown: {what} (no cell for it, or another run fills it)."
