"""Agreement between judges, corrected for chance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

import numpy as np

from copycat.characters import Character
from copycat.metrics import detect
from copycat.metrics.observations import Reader, observe
from copycat.records import Agreement, ImageRow, QuestionKind, Request, Verdict

LABELS: dict[QuestionKind, Reader] = {
    "which": detect.named,
    "target": detect.targeted,
    "key": detect.targeted,
}
"""How a verdict becomes a yes (1) or a no (0) that judges can agree on."""


def cohen_kappa(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Cohen's κ (1960) of two raters' labels of 0 and 1, in [-1, 1]; None when chance explains all."""
    x, y = np.asarray(a, float), np.asarray(b, float)
    if not x.size:
        return None
    chance = float(x.mean() * y.mean() + (1 - x.mean()) * (1 - y.mean()))
    return None if chance == 1 else (float((x == y).mean()) - chance) / (1 - chance)


def fleiss_kappa(labels: Sequence[Sequence[float]]) -> float | None:
    """Fleiss' κ (1971) of raters' labels of 0 and 1, one row an item, one column a rater.

    In [-1, 1]; None without items, with fewer than two raters, or when chance explains all.
    """
    table = np.asarray(labels, float)
    if table.ndim != 2 or not table.size or table.shape[1] < 2:
        return None
    raters, yes = table.shape[1], table.sum(axis=1)
    counts = np.stack([yes, raters - yes], axis=1)
    observed = float(((counts**2).sum(axis=1) - raters).mean()) / (raters * (raters - 1))
    chance = float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())
    return None if chance == 1 else (observed - chance) / (1 - chance)


def agreements(
    requests: Sequence[Request],
    frames: Mapping[str, Sequence[ImageRow]],
    verdicts: Iterable[Verdict],
    characters: Mapping[str, Character],
) -> list[Agreement]:
    """Every pair of judges of a run, and all of them together where they are three or more.

    A panel is no rater here: it says what its members said. Pictures and videos that one of them did not answer
    are left out of that comparison.
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
