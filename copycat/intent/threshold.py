"""Where a detector says yes: measured on the registry's neutral prompts, never guessed."""

from __future__ import annotations

from copycat.errors import UserError
from copycat.intent.base import Detector, threshold_at
from copycat.intent.neutral import Neutral

DEFAULT_FPR = 0.05


def measured_threshold(
    detector: Detector, neutral: tuple[Neutral, ...], registry: str, fpr: float = DEFAULT_FPR
) -> float:
    """The least score that at most a share `fpr` of `neutral` reaches, or the detector's own `fixed` one.

    Raises a UserError where there is neither.
    """
    if neutral and not detector.decides:
        return threshold_at([g.score for g in detector.guess([n.text for n in neutral])], fpr)
    if detector.fixed is None:
        raise UserError(
            f"There are no neutral prompts for the registry {registry}, so where {detector.identity} should "
            f"say yes is unknown; say it yourself: gate[by=embedding,threshold=0.9], or take by=lexical."
        )
    return detector.fixed
