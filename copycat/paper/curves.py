"""DETECT against the number of words in the prompt, for each ranking (Figure 3 of He et al. 2024)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from copycat.measures import CONS, DETECT
from copycat.paper.base import Sources
from copycat.paper.fill import check_scored
from copycat.paper.published import Figure
from copycat.paper.write import MADE, NOT_RUN, about, gap, made, ours
from copycat.records import Metric
from copycat.report.files import csv_content
from copycat.report.markdown import escaped, grid
from copycat.report.table import NUMBERS
from copycat.runs.data import RunData

BASELINE = "none"
"""The figure is about prompts, so it shows pictures made without a mitigation."""


@dataclass(frozen=True)
class Point:
    """One prompt set of one model."""

    label: str
    n: int | None
    """Words asked for; None for a set without a size."""
    words: float
    """Words (terms between commas) a prompt has on average: a ranking may run out of them."""
    detect: Metric
    cons: Metric | None
    source: RunData


@dataclass(frozen=True)
class Curves:
    """A figure's points for one model."""

    figure: Figure
    model: str | None
    curves: dict[str, dict[int, Point]]
    """By label, in the figure's order, and by n; empty for a ranking that was not run."""
    levels: dict[str, Point | None]
    sources: tuple[RunData, ...]
    unplaced: tuple[str, ...]

    @property
    def sizes(self) -> list[int]:
        """Every n of any curve."""
        return sorted({n for points in self.curves.values() for n in points})

    def points(self) -> Iterator[Point]:
        """All points, curve by curve, then the levels."""
        for points in self.curves.values():
            yield from (points[n] for n in sorted(points))
        yield from (p for p in self.levels.values() if p)


def curves(figure: Figure, runs: Sequence[RunData]) -> list[Curves]:
    """The points of `runs`, one figure a model. Of two runs of one prompt set the first given is shown.

    Raises UserError for a run without metrics.
    """
    for run in runs:
        check_scored(run)
    models: list[str | None] = list(dict.fromkeys(r.model for r in runs))
    return [_curves(figure, m, [r for r in runs if r.model == m]) for m in models or [None]]


def _curves(figure: Figure, model: str | None, runs: Sequence[RunData]) -> Curves:
    labels = {s.prefix: s.label for s in figure.series}
    flat = {x.prompts: x.label for x in figure.levels}
    found: dict[str, dict[int, Point]] = {label: {} for label in labels.values()}
    levels: dict[str, Point | None] = dict.fromkeys(flat.values())
    unplaced = []
    for run in runs:
        for name in dict.fromkeys(prompt_set for _, prompt_set in run.groups):
            detect, cons = (run.metric(m, BASELINE, name) for m in (DETECT, CONS))
            prefix, n = _split(name)
            if detect is None:
                unplaced.append(f"Not shown: {name} of {run.path} has no pictures without a mitigation.")
                continue
            words = fmean(r.source_prompt.count(",") + 1 for r in run.requests if r.prompt_set == name)
            if name in flat and levels[flat[name]] is None:
                levels[flat[name]] = Point(flat[name], None, words, detect, cons, run)
            elif n and prefix in labels and n not in found[labels[prefix]]:
                found[labels[prefix]][n] = Point(labels[prefix], n, words, detect, cons, run)
            else:
                unplaced.append(
                    f"Not shown: {name} of {run.path} (no place for it, or another run fills it)."
                )
    return Curves(figure, model, found, levels, tuple(runs), tuple(unplaced))


def _split(name: str) -> tuple[str, int]:
    """`cooc5` to its ranking and size; size 0 for a name without one."""
    match = re.fullmatch(r"(.*?)(\d+)", name)
    return (match[1], int(match[2])) if match else (name, 0)


def files(figure: Figure, sources: Sources) -> dict[str, bytes]:
    """The figure as a table and, where there is a run, as a picture, by the endings of its files."""
    drawn = curves(figure, sources.runs)
    texts = {"md": markdown(drawn).encode(), "csv": csv_text(drawn).encode()}
    if sources.runs:
        from copycat.paper.plot import picture

        texts |= {form: picture(drawn, form) for form in ("png", "svg")}
    return texts


def markdown(drawn: Sequence[Curves]) -> str:
    """A ranking a line, an n a column."""
    figure = drawn[0].figure
    out = [f"# {figure.called}: {figure.title}", ""]
    for c in drawn:
        out += [f"## {escaped(c.model)}", ""] if c.model else []
        heads = [DETECT.heading, *(f"n = {n}" for n in c.sizes)]
        lines = ([label, *(_cell(points.get(n)) for n in c.sizes)] for label, points in c.curves.items())
        out += grid(heads, lines)
        out += [*(f"- Prompt: {escaped(x)}: {_cell(p)}" for x, p in c.levels.items()), ""]
    remarks = [figure.published(), *figure.notes]
    sources = [s for c in drawn for s in c.sources]
    remarks += about(sources)
    for c in drawn:
        remarks += [
            gap(f"{p.label}{f', n = {p.n}' if p.n else ''}", p.detect)
            for p in c.points()
            if p.detect.scored < p.detect.images
        ]
        remarks += c.unplaced
    return "\n".join([*out, *(f"- {escaped(r)}" for r in remarks)]) + "\n"


def _cell(point: Point | None) -> str:
    if point is None:
        return NOT_RUN
    # A shorter list than asked for is another prompt than its heading says.
    short = point.n is not None and point.words < point.n - 0.05
    shown = ours(point.detect, None, always=True)
    return shown + (f" ({point.words:.1f} words)" if short else "")


CSV_COLUMNS = (
    *("figure", "model", "ranking", "n", "words", "metric"),
    *(*NUMBERS, "prompt_set", *MADE),
)


def csv_text(drawn: Sequence[Curves]) -> str:
    """One line a number; what was not run has none."""
    return csv_content(CSV_COLUMNS, (row for c in drawn for p in c.points() for row in _records(c, p)))


def _records(c: Curves, p: Point) -> Iterator[dict[str, object]]:
    about = {
        "figure": c.figure.figure,
        "model": c.model,
        "ranking": p.label,
        "n": p.n,
        "words": round(p.words, 2),
        **made(p.source),
    }
    for m in filter(None, (p.detect, p.cons)):
        yield {**about, **m.model_dump(include=set(CSV_COLUMNS))}
