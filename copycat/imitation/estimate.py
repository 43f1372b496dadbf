"""The imitation threshold of concepts with counts and scores: where it is, how sure that is, or that there
is none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from copycat.errors import UserError
from copycat.imitation.scores import Scored, in_order
from copycat.stats import changepoints, rising
from copycat.stats.changepoints import REFERENCE_PENALTY

Values = npt.NDArray[np.float64]
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
class Found:
    """What one rule finds."""

    changes: tuple[int, ...]
    """Indices, in the order of counts, of the concepts that segments begin with; the first segment aside."""
    at: int | None
    """That of the threshold; None for no threshold."""
    threshold: float | None
    """The count of that concept: the first one after the change."""
    below: float | None
    """The count of the concept before it: the change lies between the two."""
    penalty: float


@dataclass(frozen=True)
class Interval:
    """95 % of a bootstrap's answers."""

    low: float
    high: float
    none: float
    """Share of the draws, in [0, 1], that had no answer; `low` and `high` are of the others."""


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

    The interval is that of a percentile bootstrap that draws concepts anew and, within each of their prompts,
    pictures. Of the rule `tested` a change costs twice there what it costs in the data, since concepts that
    are drawn several times make chance cuts as much larger. Raises UserError with fewer than FEWEST
    concepts, or where all have the same count.
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
    counts, scores = (np.array([getattr(s, part) for s in order]) for part in ("count", "score"))
    decided = decide(counts, scores, settings)
    answer = decided.answer
    middle = rising.logistic(counts, scores)
    drawn = _draws(order, settings) if settings.draws else None
    return Estimate(
        settings,
        order,
        answer,
        decided.reference,
        _interval(drawn, answer, settings.rule) if drawn is not None and answer.at is not None else None,
        _segments(order, answer.changes),
        changepoints.noise(scores),
        decided.step_p,
        rising.isotonic_p(scores, seed=settings.seed),
        rising.halfway(counts, scores),
        middle,
        _middles(drawn) if drawn is not None and middle is not None else None,
        float(np.sqrt(4 * answer.penalty / len(order))),
    )


@dataclass(frozen=True)
class Decided:
    """Whether there is a threshold and where, without anything else."""

    answer: Found
    reference: Found
    step_p: float | None


def decide(counts: Values, scores: Values, settings: Settings) -> Decided:
    """The answer for concepts in the order of their `counts`."""
    shortest = shortest_segment(scores.size)
    step_p = changepoints.rise_p(scores, shortest, seed=settings.seed)
    reference = _located(counts, scores, settings.penalty, "reference")
    charged = changepoints.scaled_penalty(scores, settings.times)
    if settings.rule == "reference":
        return Decided(reference, reference, step_p)
    rises = step_p is not None and step_p < _ALPHA
    answer = _located(counts, scores, charged, "tested") if rises else Found((), None, None, None, charged)
    return Decided(answer, reference, step_p)


def shortest_segment(concepts: int) -> int:
    """Of the rule `tested`: a twentieth of the concepts and three at least, so that no outlier is a
    segment."""
    return max(3, concepts // 20)


def locate(scored: Sequence[Scored], rule: str, penalty: float) -> Found:
    """The threshold that a price of `penalty` for a change finds under `rule`, without test and interval."""
    order = in_order(scored)
    return _located(np.array([s.count for s in order]), np.array([s.score for s in order]), penalty, rule)


def _located(
    counts: Values, scores: Values, penalty: float, rule: str, weights: Values | None = None
) -> Found:
    """The published rule takes the first change, the other one the first at which scores rise."""
    shortest = 1 if rule == "reference" else shortest_segment(scores.size)
    changes = changepoints.partition(scores, penalty, shortest, weights)
    at = changes[0] if changes and rule == "reference" else None
    if rule == "tested":
        means = [
            float(np.average(scores[a:b], weights=None if weights is None else weights[a:b]))
            for a, b in pairwise((0, *changes, scores.size))
        ]
        at = next((c for c, (a, b) in zip(changes, pairwise(means), strict=True) if b > a), None)
    if at is None:
        return Found(changes, None, None, None, penalty)
    return Found(changes, at, float(counts[at]), float(counts[at - 1]), penalty)


def _segments(order: Sequence[Scored], changes: tuple[int, ...]) -> tuple[Segment, ...]:
    made = []
    for first, end in pairwise((0, *changes, len(order))):
        part = order[first:end]
        mean = float(np.mean([s.score for s in part]))
        made.append(Segment(first, len(part), mean, part[0].count, part[-1].count))
    return tuple(made)


@dataclass(frozen=True)
class _Draws:
    """Bootstrap draws."""

    counts: Values
    """Of the concepts, rising."""
    weights: Values
    """(draws, concepts): how often each concept is drawn."""
    scores: Values
    """(draws, concepts): its score, its pictures drawn anew within each prompt."""


def _draws(order: Sequence[Scored], settings: Settings) -> _Draws:
    random = np.random.default_rng([settings.seed, len(order)])
    scores = np.stack([_redrawn(s, settings.draws, random) for s in order], axis=1)
    each = np.full(len(order), 1 / len(order))
    weights = random.multinomial(len(order), each, settings.draws).astype(float)
    return _Draws(np.array([s.count for s in order]), weights, scores)


def _redrawn(scored: Scored, draws: int, random: np.random.Generator) -> Values:
    """The concept's score in every draw: pictures drawn anew within each prompt."""
    means = []
    for prompt in scored.prompts:
        values = np.asarray(prompt, float)
        means.append(values[random.integers(0, values.size, (draws, values.size))].mean(axis=1))
    return np.asarray(np.mean(means, axis=0))


_DOUBLED = 2.0
"""What drawing concepts anew does to the squared error that a cut by chance takes away: a concept drawn w
times has w times the weight, and the mean of w² is twice that of w."""


def _interval(draws: _Draws, answer: Found, rule: str) -> Interval | None:
    penalty = answer.penalty * (_DOUBLED if rule == "tested" else 1.0)
    found = []
    for weights, scores in zip(draws.weights, draws.scores, strict=True):
        drawn = weights > 0
        seen = _located(draws.counts[drawn], scores[drawn], penalty, rule, weights[drawn])
        found.append(seen.threshold)
    return _percentiles(found)


def _middles(draws: _Draws) -> Interval | None:
    curves = rising.logistics(draws.counts, draws.scores, draws.weights)
    return _percentiles([c.middle if c else None for c in curves])


def _percentiles(found: Sequence[float | None]) -> Interval | None:
    known = [f for f in found if f is not None]
    if not known:
        return None
    low, high = np.quantile(known, (0.025, 0.975), method="closest_observation")
    return Interval(float(low), float(high), 1 - len(known) / len(found))
