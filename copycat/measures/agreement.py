"""Agreement between the judges of a run, corrected for chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from copycat.io.columns import NONE, Flags
from copycat.io.rows import Rows, as_rows
from copycat.measures.base import Measure, measures
from copycat.measures.detect import THRESHOLD
from copycat.measures.evidence import Evidence
from copycat.measures.scores import scores
from copycat.records import Agreement, Verdict
from copycat.stats.agreement import cohen_kappa, fleiss_kappa


def agreements(evidence: Evidence) -> list[Agreement]:
    """Every pair of judges of a run, and all of them together where they are three or more.

    `evidence` has the verdicts of all judges. A value above a half is a yes, any other a no. A panel is no
    rater here: it says what its members said. Pictures and videos that one of them did not answer are left
    out of that comparison.
    """
    verdicts = as_rows(evidence.verdicts)
    voters, judge, kinds = (verdicts.column(name) for name in ("voters", "judge", "kind"))
    alone = np.array([first == NONE or not verdicts[int(first)].voters for first in voters.firsts], bool)
    single = alone[voters.codes] if len(verdicts) else np.zeros(0, bool)
    scored = _scored(verdicts)
    found = []
    for measure in measures():
        if measure.ask is None or not measure.compared:
            continue
        kind = measure.ask.kind
        asked = judge.codes[single & scored & kinds.where([kind])]
        judges = [judge.keys[code] for code in dict.fromkeys(asked.tolist())]
        if len(judges) < 2:
            continue
        seen = {
            j: _labels(
                measure, replace(evidence, verdicts=verdicts.take(np.flatnonzero(single & judge.where([j]))))
            )
            for j in judges
        }
        groups = list(combinations(judges, 2)) + ([tuple(judges)] if len(judges) > 2 else [])
        for group in groups:
            rows = zip(*(seen[j] for j in group), strict=True)
            whole = [labels for row in rows if len(labels := [x for x in row if x is not None]) == len(group)]
            if whole:
                found.append(_agreement(kind, group, whole))
    return found


def _labels(measure: Measure, evidence: Evidence) -> list[float | None]:
    values = scores(measure.observe(evidence)).values.tolist()
    return [None if v != v else float(v > THRESHOLD) for v in values]


def _scored(verdicts: Rows[Verdict]) -> Flags:
    """Which of them are answers, shape (verdicts,)."""
    column = verdicts.column("answer")
    answers = np.array([first == NONE or verdicts[int(first)].scored for first in column.firsts], bool)
    found = np.ones(len(verdicts), bool)
    coded = column.codes != NONE
    found[coded] = answers[column.codes[coded]]
    return found


def _agreement(kind: str, judges: tuple[str, ...], labels: Sequence[list[float]]) -> Agreement:
    pair = len(judges) == 2
    kappa = cohen_kappa(*zip(*labels, strict=True)) if pair else fleiss_kappa(labels)
    return Agreement(
        kind=kind,
        judges=judges,
        statistic="Cohen's κ" if pair else "Fleiss' κ",
        kappa=kappa,
        agree=sum(len(set(row)) == 1 for row in labels) / len(labels),
        images=len(labels),
    )
