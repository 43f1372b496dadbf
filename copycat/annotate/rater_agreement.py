"""How far raters agree, as a summary that says nothing about any one picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from copycat.annotate.answers import RaterAnswer
from copycat.stats.agreement import cohen_kappa, krippendorff_alpha

STEP = 10
"""A rater sees agreement from this many own labels on, and renewed for each so many pictures labelled twice:
a figure that moved with every answer would tell what the others said."""


@dataclass(frozen=True)
class Pair:
    """Two raters, on the pictures to which both said yes or no."""

    raters: tuple[str, str]
    pictures: int
    agree: float
    """Share on which they say the same, in [0, 1]."""
    kappa: float | None
    """Cohen's κ, in [-1, 1]; None where chance explains all, as when all say the same."""


@dataclass(frozen=True)
class Summary:
    """Agreement of all raters."""

    raters: int
    pictures: int
    """Pictures with a character asked about, to which two raters or more said yes or no."""
    agree: float | None
    """Share of the pairs of labels of one picture that say the same, mean over pictures; None without any."""
    statistic: str
    value: float | None
    """At most 1, 0 is chance; None where it is undefined, as when all always say the same."""
    low: float | None
    high: float | None
    """95 % interval; None with fewer than two pictures."""
    pairs: tuple[Pair, ...]


def summarise(answers: Iterable[RaterAnswer], *, whole: bool = True) -> Summary:
    """The agreement in `answers`, of which each rater has one at most about the same; oldest first.

    Not `whole`: the last pictures labelled twice are left out, down to a multiple of :data:`STEP`.
    """
    table: dict[tuple[str, str], dict[str, bool]] = {}
    twice: dict[tuple[str, str], None] = {}
    for a in answers:
        if a.answer in ("yes", "no"):
            row = table.setdefault(a.about, {})
            row[a.rater] = a.answer == "yes"
            if len(row) > 1:
                twice.setdefault(a.about)
    kept = list(twice)[: None if whole else len(twice) // STEP * STEP]
    rows = [table[about] for about in kept]
    raters = sorted({r for row in rows for r in row})
    alpha = krippendorff_alpha([[row.get(r) for r in raters] for row in rows])
    return Summary(
        raters=len(raters),
        pictures=len(rows),
        agree=sum(map(_same, rows)) / len(rows) if rows else None,
        statistic="Krippendorff's α",
        value=alpha.value,
        low=alpha.low,
        high=alpha.high,
        pairs=tuple(p for pair in combinations(raters, 2) if (p := _pair(rows, pair))),
    )


def _same(row: Mapping[str, bool]) -> float:
    pairs = list(combinations(row.values(), 2))
    return sum(a == b for a, b in pairs) / len(pairs)


def _pair(rows: Sequence[Mapping[str, bool]], raters: tuple[str, str]) -> Pair | None:
    a, b = raters
    both = [(row[a], row[b]) for row in rows if a in row and b in row]
    if not both:
        return None
    kappa = cohen_kappa([x for x, _ in both], [y for _, y in both])
    return Pair(raters, len(both), sum(x == y for x, y in both) / len(both), kappa)
