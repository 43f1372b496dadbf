"""How far raters agree, as a summary that says nothing about any one picture."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from statistics import fmean
from typing import Any

from copycat.annotate.answers import RaterAnswer
from copycat.calibration.measure import of_labels

STEP = 10
"""A rater sees agreement from this many own labels on, and renewed for each so many pictures labelled twice:
a figure that moved with every answer would tell what the others said."""


def summarise(answers: Iterable[RaterAnswer], *, whole: bool = True) -> dict[str, Any]:
    """The agreement in `answers`, of which each rater has one at most about the same; oldest first.

    Counts of `raters` and of `pictures` (each with a character asked about) to which two or more said yes or
    no; `agree`, the share of the pairs of labels of one picture that say the same, mean over pictures; the
    `statistic`, its `value` (at most 1, 0 is chance) and 95 % interval; and the same for each two raters,
    with Cohen's κ in [-1, 1]. What is undefined, as where all always say the same, is None. Not `whole`:
    the last pictures labelled twice are left out, down to a multiple of :data:`STEP`.
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
    found = of_labels([[row.get(r) for r in raters] for row in rows], raters)
    same = [fmean(a == b for a, b in combinations(row.values(), 2)) for row in rows]
    return {
        "raters": len(raters),
        "pictures": len(rows),
        "agree": fmean(same) if same else None,
        "statistic": "Krippendorff's α",
        "value": found.alpha,
        "low": found.alpha_low,
        "high": found.alpha_high,
        "pairs": [
            {"raters": p.raters, "pictures": p.agree.n, "agree": p.agree.value, "kappa": p.kappa}
            for p in found.pairs
        ],
    }
