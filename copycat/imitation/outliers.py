"""Concepts that do not behave as their count says, with what may be the reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from copycat.imitation.estimate import Estimate
from copycat.imitation.filtering import Vectors
from copycat.imitation.scores import Scored

PUBLISHED_TIMES = 4.0
"""A concept below the threshold is an outlier where its score is above so many times the mean there;
published."""
_SIGMAS = 3.0
_MOSTLY = 0.5
"""Share of a count from which on that it is doubtful may explain a concept that is not imitated."""


@dataclass(frozen=True)
class Outlier:
    """One concept on the wrong side."""

    scored: Scored
    side: str
    """`above`: imitated though rare; `below`: not imitated though frequent."""
    published: bool
    """Whether the published rule names it too, which knows the rare ones alone."""
    reasons: tuple[str, ...]
    """What may explain it, a clause each; never empty."""


@dataclass(frozen=True)
class Resemblance:
    """The other concept whose reference pictures are the most like a concept's own."""

    other: str
    cosine: float
    """Mean cosine of their reference pictures, in [-1, 1]."""


def outliers(found: Estimate, alike: Mapping[str, Resemblance] | None = None) -> list[Outlier]:
    """The concepts of `found` on the wrong side of its threshold, by count; none where there is none.

    A rare one is an outlier where its score is closer to the level after the threshold than to the level
    before and more than 3 σ above the latter, or by the published rule; a frequent one likewise the other
    way round. `alike` says of each concept whom it resembles, as far as that is known.
    """
    at = found.answer.at
    if at is None:
        return []
    scores = np.array([s.score for s in found.order])
    before, after = float(scores[:at].mean()), float(scores[at:].mean())
    half, margin = (before + after) / 2, _SIGMAS * found.noise
    counts = {s.concept: s.count for s in found.order}
    made = []
    for i, s in enumerate(found.order):
        published = i < at and scores[i] > PUBLISHED_TIMES * before > 0
        if i < at and (published or scores[i] > max(half, before + margin)):
            reasons = _why_imitated(s, counts, found, alike or {})
            made.append(Outlier(s, "above", published, reasons))
        elif i >= at and scores[i] < min(half, after - margin):
            made.append(Outlier(s, "below", False, _why_not(s)))
    return made


def resemblances(gold: Mapping[str, Vectors], above: float) -> dict[str, Resemblance]:
    """Whom each concept's reference pictures resemble the most, of those with a mean cosine above `above`."""
    means = {concept: v.mean(axis=0) for concept, v in gold.items() if len(v)}
    found = {}
    for concept, mine in means.items():
        others = [(float(mine @ theirs), other) for other, theirs in means.items() if other != concept]
        if others and max(others)[0] > above:
            cosine, other = max(others)
            found[concept] = Resemblance(other, cosine)
    return found


def _why_imitated(
    s: Scored, counts: Mapping[str, float], found: Estimate, alike: Mapping[str, Resemblance]
) -> tuple[str, ...]:
    reasons = list(s.notes)
    near = alike.get(s.concept)
    if near is not None and counts.get(near.other, 0.0) >= (found.answer.threshold or np.inf):
        reasons.append(
            f"its reference pictures resemble those of {near.other} (cosine {near.cosine:.2f}), which has "
            f"{counts[near.other]:,.0f}"
        )
    return tuple(reasons) or (
        "its count may be too low: names that were not counted, or pictures whose captions do not name it",
    )


def _why_not(s: Scored) -> tuple[str, ...]:
    # Of a rare one that is imitated a doubtful count explains nothing: then it is rarer still.
    doubt = [s.doubt] if s.doubt and s.doubtful >= _MOSTLY else []
    return (*s.notes, *doubt) or (
        "its count may be too high: something else bears its name, or its pictures differ among themselves",
    )
