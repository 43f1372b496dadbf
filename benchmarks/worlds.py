"""Simulated worlds of characters in which the truth is known, to measure `copycat.stats` on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from copycat.stats.gaps import LEVEL
from copycat.stats.intervals import Interval

Numbers = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int, int, int], Numbers]
"""(random numbers, runs, characters, seeds) to the number of each picture, or to the difference of each pair:
shape (runs, characters, seeds)."""


@dataclass(frozen=True)
class World:
    """A law of characters and of their pictures."""

    name: str
    draw: Draw
    truth: float
    """Mean over all characters that might be drawn."""


def verdicts(name: str, a: float, b: float) -> World:
    """Yes-or-no verdicts; a character's probability is from Beta(a, b), U-shaped where both are below 1."""

    def draw(rng: np.random.Generator, runs: int, characters: int, seeds: int) -> Numbers:
        return _verdicts(rng, rng.beta(a, b, (runs, characters)), seeds)

    return World(name, draw, a / (a + b))


def few_always(name: str, always: float, background: float, *, never: bool = False) -> World:
    """Verdicts: the share `always` of characters comes out every time, the others at a rate of `background`;
    with `never`, the reverse of all that."""

    def draw(rng: np.random.Generator, runs: int, characters: int, seeds: int) -> Numbers:
        rates = np.where(rng.random((runs, characters)) < always, 1.0, background)
        return _verdicts(rng, 1 - rates if never else rates, seeds)

    mean = always + (1 - always) * background
    return World(name, draw, 1 - mean if never else mean)


@dataclass(frozen=True)
class Cast:
    """A fixed set of characters, of which other pictures are drawn in each run."""

    name: str
    rates: Callable[[int], Numbers]
    """How often each of so many characters comes out."""

    def draw(self, rng: np.random.Generator, runs: int, characters: int, seeds: int) -> Numbers:
        """The verdicts; shape (runs, characters, seeds)."""
        return _verdicts(rng, np.tile(self.rates(characters), (runs, 1)), seeds)

    def truth(self, characters: int) -> float:
        """Mean over these characters."""
        return float(self.rates(characters).mean())


def cast(name: str, background: float, always: float = 0.0) -> Cast:
    """All at a rate of `background`, but for the share `always` (where above 0, one at least)."""

    def rates(characters: int) -> Numbers:
        sure = max(1, round(always * characters)) if always else 0
        return np.where(np.arange(characters) < sure, 1.0, background)

    return Cast(name, rates)


def shaped(name: str, a: float, b: float) -> Cast:
    """The quantiles of Beta(a, b), evenly spaced."""
    return Cast(name, lambda n: np.asarray(stats.beta.ppf((np.arange(n) + 0.5) / n, a, b)))


@dataclass(frozen=True)
class CastOfPairs:
    """A fixed set of characters under two conditions, of which other pictures are drawn in each run."""

    base: Cast
    other: Cast

    @property
    def name(self) -> str:
        """Both conditions' names."""
        return f"{self.base.name} → {self.other.name}"

    def draw(self, rng: np.random.Generator, runs: int, characters: int, seeds: int) -> Numbers:
        """Differences of verdicts, other − base; shape (runs, characters, seeds)."""
        base = self.base.draw(rng, runs, characters, seeds)
        return self.other.draw(rng, runs, characters, seeds) - base

    def truth(self, characters: int) -> float:
        """Mean difference over these characters."""
        return self.other.truth(characters) - self.base.truth(characters)


def _verdicts(rng: np.random.Generator, rates: Numbers, seeds: int) -> Numbers:
    return (rng.random((*rates.shape, seeds)) < rates[..., None]).astype(float)


def failing_scores(name: str, failing: float, near: float = 0.97, far: float = 0.1) -> World:
    """P("Yes") near 1 for most characters, and near 0 for the share `failing` of them."""

    def draw(rng: np.random.Generator, runs: int, characters: int, seeds: int) -> Numbers:
        mean = np.where(rng.random((runs, characters, 1)) < failing, far, near)
        return np.asarray(rng.beta(20 * mean, 20 * (1 - mean), (runs, characters, seeds)))

    return World(name, draw, failing * far + (1 - failing) * near)


def spread_scores(name: str, centre: float, sd: float) -> World:
    """P("Yes") of any size: logistic of a normal number for the character plus one for the picture."""

    def draw(rng: np.random.Generator, runs: int, characters: int, seeds: int) -> Numbers:
        x = rng.normal(centre, sd, (runs, characters, 1)) + rng.normal(0, 1, (runs, characters, seeds))
        return _logistic(x)

    return World(name, draw, _mean_logistic(centre, (sd**2 + 1) ** 0.5))


def paired(name: str, base: float, other: float, sd: float, correlation: float, *, binary: bool) -> World:
    """Differences other − base: logits of both conditions are normal over characters and correlated.

    Of yes-or-no verdicts with those probabilities, or of the P("Yes") themselves with noise of 1 a picture.
    """

    def draw(rng: np.random.Generator, runs: int, characters: int, seeds: int) -> Numbers:
        shared, own = rng.normal(size=(2, runs, characters))
        a, b = base + sd * shared, other + sd * (correlation * shared + (1 - correlation**2) ** 0.5 * own)
        if binary:
            yes = [_verdicts(rng, _logistic(x), seeds) for x in (a, b)]
        else:
            noise = rng.normal(size=(2, runs, characters, seeds))
            yes = [_logistic(x[..., None] + n) for x, n in zip((a, b), noise, strict=True)]
        return np.asarray(yes[1] - yes[0])

    width = sd if binary else (sd**2 + 1) ** 0.5
    return World(name, draw, _mean_logistic(other, width) - _mean_logistic(base, width))


def judged(
    rng: np.random.Generator, probabilities: Numbers, seeds: int, sensitivity: float, specificity: float
) -> Numbers:
    """The verdicts of a judge that errs, on characters that come out with `probabilities`; with one more
    axis, of `seeds`."""
    shown = _verdicts(rng, probabilities, seeds)
    return _verdicts(rng, np.where(shown > 0, sensitivity, 1 - specificity), 1)[..., 0]


def cluster_t(means: Numbers, scale: float = 1.0) -> Interval:
    """Mean ± t·s/√C of one run's C characters, with Student's t of C − 1: a check on what tables show.

    It may reach beyond what the metric can be, and its width is zero where all characters are the same.
    """
    values = np.asarray(means, float)
    mean = float(values.mean())
    half = float(stats.t.ppf((1 + LEVEL) / 2, values.size - 1) * values.std(ddof=1)) / values.size**0.5
    return Interval(mean * scale, (mean - half) * scale, (mean + half) * scale, values.size)


def _logistic(x: Numbers) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-x)))


def _mean_logistic(centre: float, sd: float) -> float:
    """Mean of the logistic of a normal number, by the trapezoid rule over ±8 standard deviations."""
    z = np.linspace(-8, 8, 4001)
    weights = np.exp(-(z**2) / 2)
    return float((weights * _logistic(centre + sd * z)).sum() / weights.sum())


DETECT_LIKE = (
    verdicts("DETECT 25 of 50, U-shaped", 0.2, 0.2),
    verdicts("DETECT 38 of 50, U-shaped", 0.38, 0.12),
    verdicts("DETECT 5 of 50, U-shaped", 0.03, 0.27),
    verdicts("DETECT 1.5 of 50, U-shaped", 0.0075, 0.2425),
    verdicts("DETECT 1 of 50, every character alike", 2, 98),
    verdicts("DETECT 25 of 50, every character alike", 20, 20),
)
RARE = (
    few_always("1 % of pictures", 0, 0.01),
    few_always("2 % of pictures", 0, 0.02),
    few_always("1 in 50 always, the rest 1 %", 0.02, 0.01),
    few_always("2 in 50 always, the rest 1 %", 0.04, 0.01),
    few_always("3 in 50 always, the rest 1 %", 0.06, 0.01),
    few_always("3 in 50 never, the rest 99 %", 0.06, 0.01, never=True),
)
"""Worlds in which an interval is most easily too narrow."""
CASTS = (
    cast("1 % of pictures", 0.01),
    cast("2 % of pictures", 0.02),
    cast("1 in 50 always, the rest 1 %", 0.01, 0.02),
    cast("2 in 50 always, the rest 1 %", 0.01, 0.04),
    cast("3 in 50 always, the rest 2 %", 0.02, 0.06),
    cast("half of the pictures of each", 0.5),
    shaped("DETECT 25 of 50, U-shaped", 0.2, 0.2),
    shaped("DETECT 38 of 50, U-shaped", 0.38, 0.12),
    shaped("any rate alike", 1, 1),
)
CONS_LIKE = (
    spread_scores("CONS .81, spread", 2, 1.5),
    spread_scores("CONS .83, U-shaped", 4, 4),
    failing_scores("CONS .93, 1 character in 20 fails", 0.05),
    failing_scores("CONS .84, 3 characters in 20 fail", 0.15),
)


def changing(name: str, share: float, background: float) -> World:
    """Differences of verdicts: the `share` of characters that always came out never does any more, the others
    do at a rate of `background` in both."""

    def draw(rng: np.random.Generator, runs: int, characters: int, seeds: int) -> Numbers:
        changes = rng.random((runs, characters)) < share
        base, other = np.where(changes, 1.0, background), np.where(changes, 0.0, background)
        return _verdicts(rng, other, seeds) - _verdicts(rng, base, seeds)

    return World(name, draw, -share)


DIFFERENCES = (
    changing("2 in 50 change, the rest 1 %", 0.04, 0.01),
    changing("5 in 50 change, the rest 1 %", 0.1, 0.01),
    paired("DETECT 38 to 38", 4, 4, 5, 0.9, binary=True),
    paired("DETECT 38 to 28", 4, 1, 5, 0.9, binary=True),
    paired("DETECT 25 to 4", 0, -6, 4, 0.7, binary=True),
    paired("DETECT 2 to 1", -6, -8, 4, 0.9, binary=True),
    paired("CONS .82 to .76", 4, 3, 4, 0.9, binary=False),
    paired("CONS .96 to .95", 5, 4.5, 2, 0.8, binary=False),
)

CASTS_OF_PAIRS = (
    CastOfPairs(cast("half of the pictures", 0.5), cast("40 %", 0.4)),
    CastOfPairs(cast("1 % of pictures", 0.01), cast("1 %", 0.01)),
    CastOfPairs(cast("3 in 50 always, the rest 1 %", 0.01, 0.06), cast("1 %", 0.01)),
    CastOfPairs(shaped("any rate alike", 1, 1), shaped("its cube", 1 / 3, 1)),
    CastOfPairs(shaped("DETECT 38 of 50, U-shaped", 0.38, 0.12), cast("none", 0.0)),
)
