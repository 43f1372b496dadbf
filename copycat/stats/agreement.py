"""Agreement between raters beyond chance: Cohen's κ, Fleiss' κ and Krippendorff's α of named answers.

Labels are a table, a row an item (a picture and a character) and a column a rater; None is a missing label,
anything else that can be hashed is an answer. Answers have no order, and none is nearer to another. Every
coefficient is at most 1, which is perfect agreement; 0 is what chance gives, below it is worse than chance.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Answer = Hashable | None
RESAMPLES = 2000
_AT_ONCE = 2_000_000
"""Numbers drawn together by the bootstrap, to keep its memory in check."""

Counts = npt.NDArray[np.float64]
"""Shape (items, answers): how many raters gave each answer."""


@dataclass(frozen=True)
class Coefficient:
    """A coefficient with its 95 % interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None
    items: int
    """Items that it rests on."""


def cohen_kappa(a: Sequence[Answer], b: Sequence[Answer]) -> float | None:
    """Cohen's κ (1960) of two raters, in [-1, 1].

    Missing labels: items that either left out are in no sum (pairwise complete). None without an item
    that both labelled, and where chance alone explains everything, as when both always say the same.
    Equal to `sklearn.metrics.cohen_kappa_score` on the items that both labelled.
    """
    both = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
    if not both:
        return None
    answers = {v: i for i, v in enumerate(dict.fromkeys(v for pair in both for v in pair))}
    table = np.zeros((len(answers), len(answers)))
    for x, y in both:
        table[answers[x], answers[y]] += 1
    chance = float((table.sum(axis=0) * table.sum(axis=1)).sum()) / len(both) ** 2
    return None if chance >= 1 else (float(np.trace(table)) / len(both) - chance) / (1 - chance)


def fleiss_kappa(labels: Sequence[Sequence[Answer]]) -> float | None:
    """Fleiss' κ (1971), in [-1, 1]; the raters of one item need not be those of another.

    Missing labels: Gwet's generalisation (2014, section 2.6). Observed agreement is the mean over items with
    two labels or more of the share of their pairs that agree; an answer's chance is the mean over items
    with a label of the share that gave it. With equally many labels on every item that is Fleiss' own
    formula, and equal to `statsmodels.stats.inter_rater.fleiss_kappa`; else it equals `CAC.fleiss` of
    irrCAC. None without an item that two raters labelled, and where chance explains everything.
    """
    table = _counts(labels)
    table = table[table.sum(axis=1) > 0]
    given = table.sum(axis=1)
    paired = given >= 2
    if not paired.any():
        return None
    n = given[paired]
    observed = float((((table[paired] ** 2).sum(axis=1) - n) / (n * (n - 1))).mean())
    chance = float(((table / given[:, None]).mean(axis=0) ** 2).sum())
    return None if np.isclose(chance, 1, atol=1e-12, rtol=0) else (observed - chance) / (1 - chance)


def krippendorff_alpha(
    labels: Sequence[Sequence[Answer]], groups: Sequence[Hashable] | None = None, seed: int = 0
) -> Coefficient:
    """Krippendorff's α for nominal data (2004, section 11.3), at most 1, with a bootstrap interval.

    Missing labels are what it is made for: every item with two labels or more counts with all its labels,
    one with fewer counts nowhere. `groups` says which items stand or fall together, as those of one
    picture do; groups, by default items, are drawn with replacement for the 95 % percentile interval.
    Draws in which only one answer is left have no α and are left out. Value None without an item that
    two raters labelled and when all say the same; interval None with fewer than two groups.
    Equal to `krippendorff.alpha(level_of_measurement="nominal")`.
    """
    table = _counts(labels)
    paired = table.sum(axis=1) >= 2
    table = table[paired]
    if not len(table):
        return Coefficient(None, None, None, 0)
    n = table.sum(axis=1, keepdims=True)
    # Of each item: its labels by answer, and its pairs that differ; all that α needs are their sums.
    sums = np.hstack([table, (n**2 - (table**2).sum(axis=1, keepdims=True)) / (n - 1)])
    if groups is not None:
        kept = [g for g, keep in zip(groups, paired, strict=True) if keep]
        places = {g: i for i, g in enumerate(dict.fromkeys(kept))}
        together = np.zeros((len(places), sums.shape[1]))
        np.add.at(together, [places[g] for g in kept], sums)
        sums = together
    value = _alphas(sums.sum(axis=0, keepdims=True))[0]
    if not np.isfinite(value):
        return Coefficient(None, None, None, len(table))
    low, high = _interval(sums, _alphas, seed)
    return Coefficient(float(value), low, high, len(table))


def clustered_kappa(tables: npt.NDArray[np.float64], seed: int = 0) -> Coefficient:
    """Cohen's κ of yes and no, with a 95 % percentile bootstrap interval over groups.

    `tables` has shape (groups, 4): how often both say yes, only the first, only the second, neither.
    Groups, such as the pictures of one character, are drawn with replacement; draws in which chance
    explains everything have no κ and are left out. Interval None with fewer than two groups.
    """
    value = _kappas(tables.sum(axis=0, keepdims=True))[0]
    n = int(tables.sum())
    if not np.isfinite(value):
        return Coefficient(None, None, None, n)
    low, high = _interval(tables, _kappas, seed)
    return Coefficient(float(value), low, high, n)


def _kappas(tables: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    both, first, second, neither = tables.T
    n = tables.sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        chance = ((both + first) * (both + second) + (second + neither) * (first + neither)) / n**2
        return np.asarray(((both + neither) / n - chance) / (1 - chance))


def _counts(labels: Sequence[Sequence[Answer]]) -> Counts:
    answers = {v: i for i, v in enumerate(dict.fromkeys(v for row in labels for v in row if v is not None))}
    table = np.zeros((len(labels), max(1, len(answers))))
    for i, row in enumerate(labels):
        for v in row:
            if v is not None:
                table[i, answers[v]] += 1
    return table


def _alphas(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """α of each row of sums; not a number where only one answer is left."""
    labels, differing = sums[:, :-1], sums[:, -1]
    n = labels.sum(axis=1)
    by_chance = n**2 - (labels**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(1 - (n - 1) * differing / by_chance)


def _interval(
    sums: npt.NDArray[np.float64],
    coefficient: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
    seed: int,
) -> tuple[float | None, float | None]:
    """Of a coefficient that follows from sums over groups, one row a group."""
    groups = len(sums)
    if groups < 2:
        return None, None
    r, found = np.random.default_rng(seed), []
    step = max(1, _AT_ONCE // groups)
    for start in range(0, RESAMPLES, step):
        drawn = r.multinomial(groups, np.full(groups, 1 / groups), size=min(step, RESAMPLES - start))
        found.append(coefficient(drawn @ sums))
    values = np.concatenate(found)
    values = values[np.isfinite(values)]
    if not values.size:
        return None, None
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
