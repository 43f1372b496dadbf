"""Agreement between the judges of a run, corrected for chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

from copycat.measures.base import Evidence, Measure, measures
from copycat.measures.detect import THRESHOLD
from copycat.records import Agreement
from copycat.stats.agreement import cohen_kappa, fleiss_kappa


def agreements(evidence: Evidence) -> list[Agreement]:
    """Every pair of judges of a run, and all of them together where they are three or more.

    `evidence` has the verdicts of all judges. A value above a half is a yes, any other a no. A panel is no
    rater here: it says what its members said. Pictures and videos that one of them did not answer are left
    out of that comparison.
    """
    verdicts = [v for v in evidence.verdicts if not v.voters]
    found = []
    for measure in measures():
        if measure.ask is None or not measure.compared:
            continue
        kind = measure.ask.kind
        judges = list(dict.fromkeys(v.judge for v in verdicts if v.kind == kind and v.scored))
        seen = {
            j: _labels(measure, replace(evidence, verdicts=[v for v in verdicts if v.judge == j]))
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
    values = [o.value for o in measure.observe(evidence)]
    return [None if v is None else float(v > THRESHOLD) for v in values]


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
