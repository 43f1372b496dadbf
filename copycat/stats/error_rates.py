"""One error rate of a judge, such as its false-positive rate, for each mitigation that was labelled.

What is known of a rate under one mitigation is what was counted under it and, as far as mitigations agree,
what was counted under the others: partial pooling, with the amount of it left to the data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import special

from copycat.stats.proportions import Clustered, clustered

Floats = npt.NDArray[np.float64]
DRAWS = 4000
BETWEEN = 0.3
"""Scale of the half-normal law of how far mitigations lie apart before anything is counted, as a standard
deviation of asin √rate. At 5 % it lets the next mitigation lie at 0 to 25 % without surprise; 2 % beside
40 %, which is nearly twice as far, takes the counts to be believed. A lesser one draws rates that differ so
far together that corrected differences miss the truth (docs/statistics.md)."""
ALIKE, WORTH = 0.5, 10
"""Correlation of the rates of two mitigations, measured on the same characters, before anything is counted;
and as many characters as it weighs."""
_GRID = 16


@dataclass(frozen=True)
class Count:
    """Pictures of one character under one mitigation; all of them show the character, or none does."""

    character: str
    mitigation: str
    """Empty where it was not written down."""
    hits: int
    """Those on which the judge says yes."""
    n: int


@dataclass(frozen=True)
class Estimate:
    """A rate under one mitigation."""

    value: float
    """In [0, 1]."""
    draws: Floats
    """Shape (DRAWS,): rates that the counts leave possible, as likely as each is. Draw i of one mitigation
    goes with draw i of every other, since they share what was counted."""
    own: Clustered | None
    """What was counted under this very mitigation; None where nothing was."""


@dataclass(frozen=True)
class ErrorRate:
    """A rate under each mitigation, and under one that was not measured."""

    pooled: Clustered
    by_mitigation: Mapping[str, Estimate]
    elsewhere: Estimate
    """Under any other mitigation."""

    def under(self, mitigation: str) -> Estimate:
        """The rate under `mitigation`."""
        return self.by_mitigation.get(mitigation, self.elsewhere)


def groups(counts: Sequence[Count]) -> dict[str, list[Count]]:
    """The counts with a picture, by mitigation."""
    found: dict[str, list[Count]] = {}
    for c in counts:
        if c.n:
            found.setdefault(c.mitigation, []).append(c)
    return found


def share(counts: Sequence[Count], spread: float = 0.0) -> Clustered:
    """The share of hits among all pictures of `counts`, clustered by character."""
    by_character: dict[str, list[int]] = {}
    for c in counts:
        both = by_character.setdefault(c.character, [0, 0])
        both[0] += c.hits
        both[1] += c.n
    found = by_character.values()
    return clustered([h for h, _ in found], [n for _, n in found], spread)


@lru_cache(maxsize=64)
def fit(counts: tuple[Count, ...], spread: float = 0.0, seed: int = 0) -> ErrorRate | None:
    """The rate that `counts` tell of; None without a picture.

    asin √rate of each mitigation is normal about the common mean of mitigations, with a standard deviation
    between them from a half-normal law, and is measured with the variance 1 / 4(n + 2) at the effective
    number n of pictures (:func:`copycat.stats.proportions.clustered`, one hit and one miss added). The errors
    of measurement of two mitigations are correlated as the deviations of their common characters are, drawn
    towards :data:`ALIKE`. The law of the spread is summed over a grid. A value is the mean of the counted
    rates with the weights that this gives them: near its own where it is well measured or mitigations differ,
    near that of all where they agree. `spread` is what uncertainty of the truth adds, see `clustered`. The
    draws follow from `seed` alone.
    """
    by_mitigation = groups(counts)
    if not by_mitigation:
        return None
    shares = {m: share(c, spread) for m, c in by_mitigation.items()}
    pooled = share([c for mine in by_mitigation.values() for c in mine], spread)
    if len(shares) == 1:
        alone = single(pooled.hits / pooled.n, pooled.effective, seed)
        # Nothing is known of how mitigations differ, so this one stands for all.
        own = Estimate(alone.value, alone.draws, pooled)
        return ErrorRate(pooled, dict.fromkeys(shares, own), alone)
    raw = np.array([s.hits / s.n for s in shares.values()])
    effective = np.array([s.effective for s in shares.values()])
    y = np.arcsin(np.sqrt((raw * effective + 1) / (effective + 2)))
    sd = 1 / (2 * np.sqrt(effective + 2))
    noise = _correlations(list(by_mitigation.values()), raw) * np.outer(sd, sd)
    smoother, middle, draws, others = _pooled(y, noise, np.random.default_rng(seed))
    values = np.clip(smoother @ raw, 0, 1)
    return ErrorRate(
        pooled,
        {m: Estimate(float(values[i]), _rate(draws[:, i]), s) for i, (m, s) in enumerate(shares.items())},
        Estimate(float(np.clip(middle @ raw, 0, 1)), _rate(others), None),
    )


def single(rate: float, effective: float, seed: int = 0) -> Estimate:
    """A rate that was measured on `effective` independent pictures."""
    y = np.arcsin(np.sqrt((rate * effective + 1) / (effective + 2)))
    z = np.random.default_rng(seed).standard_normal(DRAWS)
    return Estimate(rate, _rate(y + z / (2 * np.sqrt(effective + 2))), None)


def _rate(y: Floats) -> Floats:
    return np.asarray(np.sin(np.clip(y, 0, np.pi / 2)) ** 2)


def _correlations(counted: Sequence[Sequence[Count]], raw: Floats) -> Floats:
    characters = {c: i for i, c in enumerate(dict.fromkeys(c.character for mine in counted for c in mine))}
    off = np.zeros((len(characters), len(counted)))
    for j, mine in enumerate(counted):
        for c in mine:
            off[characters[c.character], j] += c.hits - raw[j] * c.n
    length = np.sqrt((off**2).sum(axis=0))
    supposed = np.full((len(counted),) * 2, ALIKE)
    known = np.outer(length, length) > 0
    seen = np.where(known, off.T @ off / np.where(known, np.outer(length, length), 1), supposed)
    both = (len(characters) * seen + WORTH * supposed) / (len(characters) + WORTH)
    np.fill_diagonal(both, 1.0)
    return np.asarray(both)


def _pooled(y: Floats, noise: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """Weights of the measured in each estimate, and in the common mean; draws of each, and of another one."""
    size, ones = y.size, np.ones(y.size)
    # Quantiles of the half-normal law, so that each has the same weight before anything is counted.
    spreads = BETWEEN * special.ndtri(0.5 + (np.arange(_GRID) + 0.5) / (2 * _GRID))
    fitted, likelihood = [], np.empty(_GRID)
    for k, spread in enumerate(spreads):
        total = noise + spread**2 * np.eye(size)
        inverse = np.linalg.inv(total)
        precision = float(ones @ inverse @ ones)
        middle = ones @ inverse / precision
        off = y - middle @ y
        likelihood[k] = -0.5 * (np.linalg.slogdet(total)[1] + np.log(precision) + off @ inverse @ off)
        fitted.append((inverse, precision, middle))
    weights = np.exp(likelihood - likelihood.max())
    weights /= weights.sum()
    edges = np.round(np.concatenate([[0.0], np.cumsum(weights)]) * DRAWS).astype(int)
    smoother, common = np.zeros((size, size)), np.zeros(size)
    draws, others = np.empty((DRAWS, size)), np.empty(DRAWS)
    for k, (inverse, precision, middle) in enumerate(fitted):
        shrunk = noise @ inverse
        smoother += weights[k] * (np.eye(size) - shrunk @ (np.eye(size) - np.outer(ones, middle)))
        common += weights[k] * middle
        here = slice(edges[k], edges[k + 1])
        n = edges[k + 1] - edges[k]
        mean = middle @ y + rng.standard_normal(n) / precision**0.5
        values, vectors = np.linalg.eigh(noise - shrunk @ noise)
        root = vectors * np.sqrt(np.maximum(values, 0))
        draws[here] = y - (y - mean[:, None]) @ shrunk.T + rng.standard_normal((n, size)) @ root.T
        others[here] = mean + spreads[k] * rng.standard_normal(n)
    return smoother, common, draws, others
