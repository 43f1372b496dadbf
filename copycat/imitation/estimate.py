"""The imitation threshold of concepts with counts and scores: where it is, how sure that is, or that there
is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from copycat.errors import UserError
from copycat.imitation.bootstrap import Interval, draw, interval, middles
from copycat.imitation.locating import Found, Values, located, nowhere, shortest_segment
from copycat.imitation.scores import Scored, by_content, in_order
from copycat.stats import changepoints, rising
from copycat.stats.changepoints import REFERENCE_PENALTY

RULES = {
    "tested": "scores must rise by a permutation test (p < 0.05), and a change costs 3 σ² ln n",
    "reference": "the first change point of PELT with a fixed penalty, as published",
}
"""How a threshold is found, in words."""
FEWEST = 8
"""Concepts below which nothing is estimated: not even a clear step could be told from chance."""
_ALPHA = 0.05


@dataclass(frozen=True)
class Settings:
    """How a threshold is looked for."""

    rule: str = "tested"
    """One of RULES."""
    penalty: float = REFERENCE_PENALTY
    """Of the rule `reference`: price of a change point in squared units of the score."""
    times: float = 3.0
    """Of the rule `tested`: the price is so many σ² ln n."""
    draws: int = 1000
    """Of the bootstrap; 0 for no interval."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise UserError(f"'{self.rule}' is no rule; take one of {', '.join(RULES)}.")
        if not self.penalty > 0 or not self.times > 0:
            raise UserError("A penalty is a number above 0, such as the published 0.9.")
        if self.draws and self.draws < 20:
            raise UserError("An interval takes 20 bootstrap draws or more; 0 leaves it out.")


@dataclass(frozen=True)
class Segment:
    """Consecutive concepts whose scores have one level."""

    first: int
    """Index of its first concept in the order of counts."""
    concepts: int
    mean: float
    least: float
    """Smallest and greatest count in it."""
    most: float


@dataclass(frozen=True)
class Estimate:
    """All that is estimated of some concepts."""

    settings: Settings
    order: tuple[Scored, ...]
    """The concepts by rising count."""
    answer: Found
    """By the rule of `settings`."""
    reference: Found
    """By the published rule, with the penalty of `settings`."""
    interval: Interval | None
    """Of the answer's threshold; None where there is none, or no bootstrap was asked for."""
    segments: tuple[Segment, ...]
    """Of the answer."""
    noise: float
    """σ of scores around their segments."""
    step_p: float | None
    """p of the permutation test for a step upwards."""
    trend_p: float | None
    """p of the permutation test for any rise, by the isotonic fit."""
    halfway: float | None
    """Count at which the isotonic fit is half-way up; None where it is flat."""
    curve: rising.Logistic | None
    """Logistic dose–response; None where none fits."""
    middle: Interval | None
    """Of the curve's 50 % point."""
    smallest_step: float
    """The least step, half-way through these concepts and without noise, that the rule would have found."""


def estimate(scored: Sequence[Scored], settings: Settings | None = None) -> Estimate:
    """Find the threshold of `scored`, in whatever order they come.

    The interval is that of a percentile bootstrap that draws concepts anew, those of one group together, and,
    within each of their prompts, pictures. Of the rule `tested` a change costs twice there what it costs in
    the data, since concepts that are drawn several times make chance cuts as much larger. Of that rule
    neither order nor names matter: concepts of one count are never cut apart. Raises UserError with fewer
    than FEWEST concepts, or where all have the same count.
    """
    settings = settings or Settings()
    order = tuple(in_order(scored))
    if len(order) < FEWEST:
        raise UserError(
            f"An imitation threshold takes {FEWEST} concepts or more with counts and scores; there are "
            f"{len(order)}."
        )
    if order[0].count == order[-1].count:
        raise UserError(f"All concepts have the same count, {order[0].count:g}; there is nothing to compare.")
    counts, scores = arrays(order)
    decided = decide(counts, scores, settings)
    answer = decided.answer
    scores = _settled(counts, scores)
    middle = rising.logistic(counts, scores)
    redrawn = order if settings.rule == "reference" else by_content(order)
    drawn = draw(redrawn, settings.draws, settings.seed) if settings.draws else None
    return Estimate(
        settings,
        order,
        answer,
        decided.reference,
        interval(drawn, answer, settings.rule) if drawn is not None and answer.at is not None else None,
        _segments(order, answer.changes),
        changepoints.noise(scores, counts),
        decided.step_p,
        rising.isotonic_p(scores, seed=settings.seed, doses=counts),
        rising.halfway(counts, scores),
        middle,
        middles(drawn) if drawn is not None and middle is not None else None,
        float(np.sqrt(4 * answer.penalty / len(order))),
    )


def arrays(order: Sequence[Scored]) -> tuple[Values, Values]:
    """Counts and scores."""
    return np.array([s.count for s in order]), np.array([s.score for s in order])


@dataclass(frozen=True)
class Decided:
    """Whether there is a threshold and where, without anything else."""

    answer: Found
    reference: Found
    step_p: float | None


def decide(counts: Values, scores: Values, settings: Settings) -> Decided:
    """The answer for concepts in the order of their `counts`."""
    step_p = changepoints.rise_p(scores, shortest_segment(scores.size), seed=settings.seed, doses=counts)
    reference, tested = (
        found_by(rule, counts, scores, price(rule, counts, scores, settings), step_p)
        for rule in ("reference", "tested")
    )
    return Decided(reference if settings.rule == "reference" else tested, reference, step_p)


def price(rule: str, counts: Values, scores: Values, settings: Settings) -> float:
    """What a change costs under `rule`."""
    if rule == "reference":
        return settings.penalty
    return changepoints.scaled_penalty(_settled(counts, scores), settings.times, counts)


def found_by(rule: str, counts: Values, scores: Values, penalty: float, step_p: float | None) -> Found:
    """The whole answer of `rule` at some price of a change; of `tested` that includes its test, whose p is
    `step_p`."""
    if rule == "reference":
        return located(counts, scores, penalty, rule)
    rises = step_p is not None and step_p < _ALPHA
    return located(counts, _settled(counts, scores), penalty, rule) if rises else nowhere(penalty)


def _settled(counts: Values, scores: Values) -> Values:
    """`scores` by count, of equal counts by score: to the last bit the same for any order and names."""
    return scores[np.lexsort((scores, counts))]


def _segments(order: Sequence[Scored], changes: tuple[int, ...]) -> tuple[Segment, ...]:
    made = []
    for first, end in pairwise((0, *changes, len(order))):
        part = order[first:end]
        mean = float(np.mean([s.score for s in part]))
        made.append(Segment(first, len(part), mean, part[0].count, part[-1].count))
    return tuple(made)
