"""Where a detector says yes: measured on the registry's neutral prompts, never guessed."""

from __future__ import annotations

from collections.abc import Sequence

from copycat.errors import UserError
from copycat.intent.base import Detector
from copycat.stats.roc import threshold_at
from copycat.subjects.neutral import Neutral

DEFAULT_FPR = 0.05
STEP = 1e-4
"""Scores are told apart by no less: more digits would differ between machines."""


def reached_at(neutral: Sequence[float], fpr: float) -> float:
    """The least score that at most a share `fpr` of the neutral scores reaches; four digits, as they."""
    return min(neutral) if fpr >= 1 else round(threshold_at(neutral, fpr) + STEP, 4)


def operating_point(detector: Detector, neutral: Sequence[float], fpr: float) -> float | None:
    """The least score that at most a share `fpr` of the neutral scores reaches; None where none are there.

    What is `certain` for the detector counts even if more of them reach it, as where a name is a word.
    """
    if detector.decides or not neutral:
        return detector.certain
    threshold = reached_at(neutral, fpr)
    return threshold if detector.certain is None else min(threshold, detector.certain)


def measured_threshold(
    detector: Detector, neutral: tuple[Neutral, ...], registry: str, fpr: float = DEFAULT_FPR
) -> float:
    """The operating point of `detector` on `neutral`; raises a UserError where it has none."""
    scores = [] if detector.decides else [g.score for g in detector.guess([n.text for n in neutral])]
    threshold = operating_point(detector, scores, fpr)
    if threshold is None:
        raise UserError(
            f"There are no neutral prompts for the registry {registry}, so where {detector.identity} should "
            f"say yes is unknown; say it yourself: gate[by=embedding,threshold=0.9], or take by=lexical."
        )
    return threshold
