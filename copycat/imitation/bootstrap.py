"""How sure a threshold is: concepts and their pictures are drawn anew, and it is looked for again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from copycat.imitation.locating import Found, Values, located
from copycat.imitation.scores import Scored
from copycat.stats import rising


@dataclass(frozen=True)
class Interval:
    """95 % of a bootstrap's answers."""

    low: float
    high: float
    none: float
    """Share of the draws, in [0, 1], that had no answer; `low` and `high` are of the others."""


@dataclass(frozen=True)
class Draws:
    """Bootstrap draws."""

    counts: Values
    """Of the concepts, rising."""
    weights: Values
    """(draws, concepts): how often each concept is drawn."""
    scores: Values
    """(draws, concepts): its score, its pictures drawn anew within each prompt."""


def draw(order: Sequence[Scored], draws: int, seed: int) -> Draws:
    """`draws` times as many concepts as there are in `order`, which is by rising count; those of one group
    are drawn together, and groups as often as there are."""
    random = np.random.default_rng([seed, len(order)])
    scores = np.stack([_redrawn(s, draws, random) for s in order], axis=1)
    numbers: dict[str | int, int] = {}
    # A concept without a group is one by itself.
    group = [numbers.setdefault(s.group or i, len(numbers)) for i, s in enumerate(order)]
    each = np.full(len(numbers), 1 / len(numbers))
    weights = random.multinomial(len(numbers), each, draws).astype(float)[:, group]
    return Draws(np.array([s.count for s in order]), weights, scores)


def _redrawn(scored: Scored, draws: int, random: np.random.Generator) -> Values:
    """The concept's score in every draw: pictures drawn anew within each prompt."""
    means = []
    # Sorted, so that the order of a table's rows does not matter.
    for prompt in sorted(sorted(p) for p in scored.prompts):
        values = np.asarray(prompt, float)
        means.append(values[random.integers(0, values.size, (draws, values.size))].mean(axis=1))
    return np.asarray(np.mean(means, axis=0))


_DOUBLED = 2.0
"""What drawing concepts anew does to the squared error that a cut by chance takes away: a concept drawn w
times has w times the weight, and the mean of w² is twice that of w."""


def interval(drawn: Draws, answer: Found, rule: str) -> Interval | None:
    """Of the threshold by `rule`, at the price that changes had in `answer`."""
    penalty = answer.penalty * (_DOUBLED if rule == "tested" else 1.0)
    found = []
    for weights, scores in zip(drawn.weights, drawn.scores, strict=True):
        there = weights > 0
        seen = located(drawn.counts[there], scores[there], penalty, rule, weights[there])
        found.append(seen.threshold)
    return _percentiles(found)


def middles(drawn: Draws) -> Interval | None:
    """Of the logistic curve's 50 % point."""
    curves = rising.logistics(drawn.counts, drawn.scores, drawn.weights)
    return _percentiles([c.middle if c else None for c in curves])


def _percentiles(found: Sequence[float | None]) -> Interval | None:
    known = [f for f in found if f is not None]
    if not known:
        return None
    low, high = np.quantile(known, (0.025, 0.975), method="closest_observation")
    return Interval(float(low), float(high), 1 - len(known) / len(found))
