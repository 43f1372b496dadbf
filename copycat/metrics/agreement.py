"""Agreement between the judges of a run, corrected for chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from copycat.characters import Character
from copycat.metrics import detect
from copycat.metrics.observations import Reader, observe
from copycat.records import Agreement, ImageRow, QuestionKind, Request, Verdict
from copycat.stats.agreement import cohen_kappa, fleiss_kappa

LABELS: dict[QuestionKind, Reader] = {
    "which": detect.named,
    "target": detect.targeted,
    "key": detect.targeted,
}
"""How a verdict becomes a yes (1) or a no (0) that judges can agree on."""


def agreements(
    requests: Sequence[Request],
    frames: Mapping[str, Sequence[ImageRow]],
    verdicts: Iterable[Verdict],
    characters: Mapping[str, Character],
) -> list[Agreement]:
    """Every pair of judges of a run, and all of them together where they are three or more.

    A panel is no rater here: it says what its members said. Pictures and videos that one of them did
    not answer are left out of that comparison.
    """
    verdicts = [v for v in verdicts if not v.voters]
    found = []
    for kind, read in LABELS.items():
        judges = list(dict.fromkeys(v.judge for v in verdicts if v.kind == kind and v.status == "scored"))
        seen = {
            j: observe(requests, frames, [v for v in verdicts if v.judge == j], characters, kind, read)
            for j in judges
        }
        groups = list(combinations(judges, 2)) + ([tuple(judges)] if len(judges) > 2 else [])
        for group in groups:
            rows = zip(*(seen[j] for j in group), strict=True)
            labels = [[o.value for o in row if o.value is not None] for row in rows]
            whole = [row for row in labels if len(row) == len(group)]
            if whole:
                found.append(_agreement(kind, group, whole))
    return found


def _agreement(kind: QuestionKind, judges: tuple[str, ...], labels: list[list[float]]) -> Agreement:
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
