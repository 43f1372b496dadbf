"""Two conditions by a t test over run seeds (Table 3 of He et al. 2024)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from copycat.measures import DETECT
from copycat.measures.summary import by_seed
from copycat.paper.base import Data, Document, Place, Sources
from copycat.paper.fill import Found, check_scored, find
from copycat.paper.laid import Laid
from copycat.paper.write import NOT_RUN, about
from copycat.report.words import DASH, number
from copycat.runs.data import RunData
from copycat.stats.t_test import Group, naive_t, one_tailed


class Published(Data):
    """One published comparison, as it is printed."""

    base: float
    base_sd: float
    other: float
    other_sd: float
    t: float


class Comparison(Data):
    """One row: DETECT under two conditions."""

    label: str
    base: tuple[Place, ...] = Field(min_length=1)
    other: tuple[Place, ...] = Field(min_length=1)
    published: Published


class TTests(Document):
    """One-tailed t tests of DETECT over run seeds."""

    hint = "runs with several seeds"
    measured: str
    runs: int = Field(ge=2)
    """Runs behind each published mean."""
    rows: tuple[Comparison, ...] = Field(min_length=1)

    def choices(self) -> list[list[Place]]:
        return [list(places) for row in self.rows for places in (row.base, row.other)]


HEADS = (
    *("prompts", "without, ± SD (ddof 0)", "with, ± SD (ddof 0)", "t, ddof 0", "t, ddof 1", "p, one-tailed"),
    *("seeds", "whose"),
)
COLUMNS = (
    *("table", "row", "whose", "model", "run", "base", "base_sd", "other", "other_sd", "seeds", "t_printed"),
    *("t_ddof0", "t_ddof1", "p_one_tailed", "base_mitigation", "other_mitigation", "prompt_set"),
)


def read(document: TTests, sources: Sources) -> Laid:
    """Every published test, computed from what is printed, and under it that of each run.

    Raises UserError for a run without metrics.
    """
    for run in sources.runs:
        check_scored(run)
    lines, records = [], []
    for row in document.rows:
        for line, record in _of_row(document, row, sources):
            lines.append(line)
            records.append(record)
    # Without what is said of means and intervals, since here are none.
    return Laid(HEADS, lines, COLUMNS, records, about(sources.runs)[1:])


def _of_row(
    document: TTests, row: Comparison, sources: Sources
) -> Iterator[tuple[tuple[str, ...], dict[str, object]]]:
    p = row.published
    groups = Group(p.base, p.base_sd, document.runs), Group(p.other, p.other_sd, document.runs)
    yield _line(document, row, groups, "published", {"t_printed": p.t})
    ours = list(_pairs(row, sources))
    for base, other, pair in ours:
        told: dict[str, object] = {
            "model": base.source.model,
            "run": str(base.source.path),
            "base_mitigation": base.mitigation,
            "other_mitigation": other.mitigation,
            "prompt_set": other.prompts,
        }
        detect = other.source.metric(DETECT, other.mitigation, other.prompts)
        of = f"{base.source.model}, {detect.characters if detect else 0} characters"
        whose = f"{of}: {other.mitigation} against {base.mitigation} on {other.prompts}"
        yield _line(document, row, pair, whose, told)
    if not ours:
        yield (
            (row.label, *(NOT_RUN for _ in HEADS[1:-1]), "ours"),
            {"table": document.table, "row": row.label},
        )


def _pairs(row: Comparison, sources: Sources) -> Iterator[tuple[Found, Found, tuple[Group, Group]]]:
    """Base and other condition of each run that holds both, on one prompt set where it has both there."""
    for run in sources.runs:
        bases, others = (_scored(places, run, sources.rewriter) for places in (row.base, row.other))
        together = (
            (b, o) for b in bases for o in others if (b.prompts, b.place.by) == (o.prompts, o.place.by)
        )
        found = next(together, None)
        if found:
            values = [_by_seed(f) for f in found]
            # Numbers can be there without the rows that they were computed from.
            if all(values):
                first, second = map(Group.of, values)
                yield *found, (first, second)


def _scored(places: Sequence[Place], run: RunData, rewriter: str) -> list[Found]:
    found = find(places, [run], rewriter)
    return [f for f in found if (m := run.metric(DETECT, f.mitigation, f.prompts)) and m.value is not None]


def _by_seed(found: Found) -> list[float]:
    """DETECT of each seed."""
    seen = [
        o
        for o in found.source.observations(DETECT).values()
        if (o.request.mitigation, o.request.prompt_set) == (found.mitigation, found.prompts)
    ]
    return list(by_seed(DETECT, seen).values())


def _line(
    document: TTests, row: Comparison, pair: tuple[Group, Group], whose: str, told: dict[str, object]
) -> tuple[tuple[str, ...], dict[str, object]]:
    base, other = pair
    test, naive = one_tailed(base, other), naive_t(base, other)
    t, p = (test.t, test.p) if test else (None, None)
    line = (
        row.label,
        *(f"{number(g.mean, 2)} ± {number(g.population_sd, 2)}" for g in pair),
        *(number(x, 2) for x in (naive, t)),
        DASH if p is None else f"{p:.2g}",
        str(base.n) if base.n == other.n else f"{base.n} and {other.n}",
        whose,
    )
    record = {
        "table": document.table,
        "row": row.label,
        "whose": "published" if whose == "published" else "ours",
        "base": base.mean,
        "base_sd": base.population_sd,
        "other": other.mean,
        "other_sd": other.population_sd,
        "seeds": base.n,
        "t_ddof0": naive,
        "t_ddof1": t,
        "p_one_tailed": p,
    }
    return line, {**record, **told}
