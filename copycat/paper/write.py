"""A filled table as Markdown, CSV and LaTeX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from copycat.measures import CONS, DETECT, Measure
from copycat.paper.base import Sources
from copycat.paper.fill import Block, Filled, fill
from copycat.paper.published import PaperTable, Published
from copycat.records import Metric
from copycat.report.files import csv_content
from copycat.report.latex import floating, tabular, tex
from copycat.report.markdown import escaped, grid
from copycat.report.table import VALUES
from copycat.report.words import (
    DASH,
    DENOMINATORS,
    INTERVALS,
    both_intervals,
    estimate,
    judge_sentence,
    of_all_where_open,
)
from copycat.runs.data import RunData

NOT_RUN = "not run"
UNSCORED = "nothing scored"
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Sheet:
    """One block as text, before any markup: a header and its lines."""

    title: str
    groups: tuple[str, ...]
    """Labels of the conditions, four columns each: published and ours, of DETECT and of CONS."""
    stub: str
    lines: tuple[tuple[str, ...], ...]


def sheets(filled: Filled) -> tuple[list[Sheet], list[str]]:
    """The blocks' texts, and the remarks under them."""
    marks: list[str] = []
    made = [_sheet(block, filled, marks) for block in filled.blocks]
    remarks = [f"{str(i).translate(_RAISED)} {text}" for i, text in enumerate(marks, 1)]
    remarks += [filled.table.published(), *filled.table.notes]
    return made, [*remarks, *about(filled.sources), *_gaps(filled), *filled.unplaced]


def about(sources: Sequence[RunData]) -> list[str]:
    """How our numbers were made, and what is known of their judges."""
    if not sources:
        return []
    configs = [s.manifest.config for s in sources]
    return [
        f"Ours: mean ± SD over run seeds. {INTERVALS} {DENOMINATORS}",
        *(
            f"{s.path}: {s.manifest.model}, {len(c.seeds)} seed{'s' * (len(c.seeds) != 1)}, judged by "
            f"{s.judge}{'' if c.oracle else '; without oracle, mitigations guess the character'}."
            for s, c in zip(sources, configs, strict=True)
        ),
        *(
            f"{s.path}: {note}"
            for s in sources
            for note in (*s.manifest.taken, *s.manifest.served, *s.manifest.notes)
        ),
        *dict.fromkeys(f"{s.judge}. {judge_sentence(s.rates)}" for s in sources),
    ]


def _sheet(block: Block, filled: Filled, marks: list[str]) -> Sheet:
    lines = []
    for row in block.rows:
        texts = [row.label]
        for cell in row.cells:
            mark = _mark(cell.published, marks)
            texts += [
                _published(cell.published, DETECT, mark),
                _named(ours(cell.detect, filled.table.of), cell.by) if cell.source else NOT_RUN,
                _published(cell.published, CONS, ""),
                ours(cell.cons, None) if cell.source else NOT_RUN,
            ]
        lines.append(tuple(texts))
    groups = tuple(c.label for c in filled.table.columns)
    return Sheet(block.model or "", groups, filled.table.stub, tuple(lines))


def _named(text: str, by: str) -> str:
    """A cell about rewritten prompts says who rewrote them."""
    return f"{text} by {by}" if by else text


def _mark(published: Published | None, marks: list[str]) -> str:
    if published is None or not published.note:
        return ""
    if published.note not in marks:
        marks.append(published.note)
    return str(marks.index(published.note) + 1).translate(_RAISED)


def _published(published: Published | None, measure: Measure, mark: str) -> str:
    value, sd = published.number(measure) if published else (None, None)
    if value is None:
        return DASH + mark
    return f"{value:.2f}" + (f" ± {sd:.2f}" if sd is not None else "") + mark


def ours(m: Metric | None, of: int | None, *, always: bool = False) -> str:
    """Mean ± SD, both intervals, and a count over all asked for where some is not scored. `of` is what the
    published number is out of; ours says so where it differs, or `always`."""
    if m is None or m.value is None:
        return UNSCORED
    others = f" of {m.characters}" if always or (of is not None and m.characters != of) else ""
    return ", ".join(filter(None, (f"{estimate(m)}{others}", both_intervals(m), of_all_where_open(m))))


def gap(where: str, m: Metric) -> str:
    """That a number stands on fewer pictures than planned."""
    return (
        f"{where}: {m.metric} is over {m.scored} of {m.images} pictures "
        f"({m.unscored} unscored, {m.refused} refused, {m.errors} failed)."
    )


def _gaps(filled: Filled) -> Iterable[str]:
    """Which of our cells are another choice than the first, or stand on fewer pictures than planned."""
    for block in filled.blocks:
        for row in block.rows:
            for cell, column in zip(row.cells, filled.table.columns, strict=True):
                where = f"{row.label}, {column.label}{f', {block.model}' * bool(block.model)}"
                if cell.instead_of and cell.detect:
                    mine, first = cell.detect, cell.instead_of
                    yield (
                        f"{where}: {mine.mitigation} on {mine.prompt_set}, "
                        f"in place of {first.mitigation} on {first.prompts}."
                    )
                for m in (cell.detect, cell.cons):
                    if m is not None and m.scored < m.images:
                        yield gap(where, m)


def markdown(filled: Filled) -> str:
    """One table a block, with the remarks under the last."""
    made, remarks = sheets(filled)
    out = [f"# {filled.table.called}: {filled.table.title}", ""]
    for sheet in made:
        if sheet.title:
            out += [f"## {escaped(sheet.title)}", ""]
        heads = [sheet.stub]
        for group in sheet.groups:
            heads += [f"{group}: {DETECT.heading} published", "ours", f"{CONS.heading} published", "ours"]
        out += grid(heads, sheet.lines)
    out += [f"- {escaped(r)}" for r in remarks]
    return "\n".join(out) + "\n"


MADE = ("seeds", "judge", "judge_kappa", "judge_fpr", "run")
"""What a line of CSV says of the run that a number comes from, by column."""


def made(run: RunData) -> dict[str, object]:
    """The columns of :data:`MADE`."""
    rates = run.rates or {}
    told = len(run.manifest.config.seeds), run.judge, rates.get("kappa"), rates.get("fpr"), str(run.path)
    return dict(zip(MADE, told, strict=True))


_OURS = {"ours" if name == "value" else f"ours_{name}": name for name in VALUES}
"""Names of a metric's numbers, by the columns that hold them."""
CSV_COLUMNS = (
    *("table", "model", "row", "condition", "metric", "published", "published_sd", "published_note"),
    *(*_OURS, "characters", "images", "scored", "unscored", "refused", "errors"),
    *("mitigation", "prompt_set", "rewritten_by", *MADE),
)


def csv_text(filled: Filled) -> str:
    """One line a number; what was not run is empty."""
    return csv_content(CSV_COLUMNS, _records(filled))


def _records(filled: Filled) -> Iterator[dict[str, object]]:
    for block in filled.blocks:
        for row in block.rows:
            for cell, column in zip(row.cells, filled.table.columns, strict=True):
                p = cell.published
                for which, ours in ((DETECT, cell.detect), (CONS, cell.cons)):
                    value, sd = p.number(which) if p else (None, None)
                    measured = _measured(ours, cell.source) if ours and cell.source else {}
                    yield {
                        "table": filled.table.table or filled.table.stem,
                        "model": cell.source.model if cell.source else block.model,
                        "row": row.label,
                        "condition": column.label,
                        "metric": which.name,
                        "published": value,
                        "published_sd": sd,
                        "published_note": p.note if p else None,
                        "rewritten_by": cell.by,
                        **measured,
                    }


def _measured(m: Metric, run: RunData) -> dict[str, object]:
    shared = m.model_dump(include=set(CSV_COLUMNS) - {"metric"})
    numbers = {column: getattr(m, name) for column, name in _OURS.items()}
    return {**numbers, **shared, **made(run)}


def latex(filled: Filled) -> str:
    """One `tabular` a block in a `table*` environment; needs the packages booktabs and graphicx."""
    made, remarks = sheets(filled)
    label = f"tab:copycat-{filled.table.table or filled.table.stem}"
    return floating([_tabular(sheet) for sheet in made], remarks, filled.table.title, label)


def _tabular(sheet: Sheet) -> list[str]:
    n = len(sheet.groups)
    spans = [rf"\multicolumn{{4}}{{c}}{{{tex(g)}}}" for g in sheet.groups]
    rules = [rf"\cmidrule(lr){{{2 + 4 * i}-{5 + 4 * i}}}" for i in range(n)]
    heads = [tex(x) for m in (DETECT, CONS) for x in (f"{m.heading}, publ.", "ours")]
    head = [
        " & ".join([tex(sheet.title), *spans]) + r" \\",
        " ".join(rules),
        " & ".join([tex(sheet.stub), *(heads * n)]) + r" \\",
    ]
    return tabular("l" + "rrrr" * n, head, sheet.lines)


WRITERS: dict[str, Callable[[Filled], str]] = {"md": markdown, "csv": csv_text, "tex": latex}


def files(table: PaperTable, sources: Sources) -> dict[str, bytes]:
    """`table` with the numbers of runs in it, by the endings of its files."""
    filled = fill(table, sources.runs, sources.rewriter)
    return {ending: write(filled).encode() for ending, write in WRITERS.items()}
