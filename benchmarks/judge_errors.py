"""How often the corrected numbers hold the truth when the judge errs by character and by mitigation.

    python benchmarks/judge_errors.py --runs 2000 [--only "FPR 0.30"] [--every 0]

Nominal is 95 %. Two mitigations of one run are judged by a judge that errs more on some characters than on
others and, in some worlds, more under one mitigation; some pictures are labelled. A cell is the share of
simulated runs whose interval holds the truth, and after the stroke its mean width, in characters.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from copycat.stats.differences import population_difference
from copycat.stats.intervals import population
from copycat.stats.prevalence import corrected, corrected_difference, differing, judge_error

Floats = npt.NDArray[np.float64]
BASE, OTHER = "none", "negprompt"


@dataclass(frozen=True)
class World:
    """Whether characters come out under two mitigations, and how a judge errs on them."""

    name: str
    shown: tuple[float, float]
    """Centres of the logit, over characters, of the chance that a character comes out under either."""
    sd: float
    tpr: tuple[float, float]
    fpr: tuple[float, float]
    """Under either mitigation."""
    alike: float
    """Intra-class correlation of errors within characters."""

    @property
    def truth(self) -> Floats:
        """Share of characters that come out, under either mitigation."""
        z = special.ndtri((np.arange(20_000) + 0.5) / 20_000)
        return np.array([(special.expit(c + self.sd * z)).mean() for c in self.shown])


WORLDS = (
    World("DETECT 38 and 28, errors alike", (4, 1), 5, (0.9, 0.9), (0.1, 0.1), 0.2),
    World("DETECT 38 and 28, FPR 0.40 and 0.05", (4, 1), 5, (0.95, 0.95), (0.4, 0.05), 0.2),
    World("DETECT 38 and 28, TPR 0.95 and 0.70", (4, 1), 5, (0.95, 0.7), (0.05, 0.05), 0.2),
    World("DETECT 25 and 4, errors alike", (0, -6), 4, (0.9, 0.9), (0.1, 0.1), 0.2),
    World("DETECT 25 and 4, FPR 0.20 and 0.10", (0, -6), 4, (0.9, 0.9), (0.2, 0.1), 0.2),
    World("DETECT 25 and 4, errors rare", (0, -6), 4, (0.99, 0.99), (0.01, 0.01), 0.5),
    World("DETECT 25 and 25, FPR 0.30 and 0.05", (0, 0), 4, (0.95, 0.9), (0.3, 0.05), 0.4),
)
DESIGNS = {
    "a half of the run's own pictures": (50, 3, None),
    "10 pictures of 20 other characters": (50, 3, (20, 10)),
    "30 pictures of 10 other characters": (50, 3, (10, 30)),
    "a half of the run's own, 20 characters × 5": (20, 5, None),
}
"""Characters and seeds of the run, and of pictures that are labelled instead of its own."""


def pictures(rng: np.random.Generator, world: World, characters: int, seeds: int) -> tuple[Floats, Floats]:
    """What is shown and what the judge says, each of shape (mitigations, characters, seeds)."""
    shared, own, *hard = rng.standard_normal((4, characters))
    places = (shared, 0.8 * shared + 0.6 * own)
    alike = world.alike / (1 - world.alike)
    truth, said = np.zeros((2, 2, characters, seeds))
    for i, (centre, tpr, fpr) in enumerate(zip(world.shown, world.tpr, world.fpr, strict=True)):
        truth[i] = rng.random((characters, seeds)) < special.expit(centre + world.sd * places[i])[:, None]
        # The same characters are hard under both mitigations, more or less.
        rates = [
            special.betaincinv(p / alike, (1 - p) / alike, special.ndtr(0.8 * z + 0.6 * more))[:, None]
            for p, z, more in zip((tpr, fpr), hard, rng.standard_normal((2, characters)), strict=True)
        ]
        said[i] = rng.random((characters, seeds)) < np.where(truth[i] > 0, *rates)
    return truth, said


def calibration(truth: Floats, said: Floats, labelled: Floats) -> dict[str, Any]:
    """The rates of a calibration file, of the `labelled` pictures."""
    cells = []
    for i, mitigation in enumerate((BASE, OTHER)):
        for c in range(truth.shape[1]):
            t, s = truth[i, c][labelled[i, c] > 0] > 0, said[i, c][labelled[i, c] > 0] > 0
            numbers = (t & s).sum(), (~t & s).sum(), (t & ~s).sum(), (~t & ~s).sum()
            cells.append([f"c{c}", mitigation, *map(int, numbers)])
    tp, fp, fn, tn = (sum(cell[k] for cell in cells) for k in (2, 3, 4, 5))
    if not tp + fn or not fp + tn:
        return {}
    return {"tpr": tp / (tp + fn), "fpr": fp / (fp + tn), "cells": cells}


def measured(
    world: World, design: tuple[int, int, tuple[int, int] | None], runs: int, every: int = 0
) -> list[str]:
    """The cells of one row. Of `every` runs one is tested for a difference; none where it is 0."""
    characters, seeds, apart = design
    rng = np.random.default_rng([characters, seeds, WORLDS.index(world)])
    truth = world.truth
    held = {name: [0, 0.0] for name in ("raw", BASE, OTHER, "difference")}
    tested: list[bool] = []
    bias, left = 0.0, 0
    for i in range(runs):
        shown, said = pictures(rng, world, characters, seeds)
        if apart:
            rates = calibration(*(other := pictures(rng, world, *apart)), np.ones_like(other[0]))
        else:
            rates = calibration(shown, said, rng.random(shown.shape) < 0.5)
        errors = [judge_error(rates, "identify", m) for m in (BASE, OTHER)]
        if not all(errors):
            left += 1
            continue
        pairs = {
            str(c): [(float(a), float(b)) for a, b in zip(said[0, c], said[1, c], strict=True)]
            for c in range(characters)
        }
        raw = population_difference((said[1] - said[0]).tolist())
        ends = {
            "raw": (raw, truth[1] - truth[0]),
            BASE: (corrected(population(said[0].tolist()), errors[0]), truth[0]),
            OTHER: (corrected(population(said[1].tolist()), errors[1]), truth[1]),
            "difference": (corrected_difference(pairs, raw, *errors), truth[1] - truth[0]),
        }
        for name, (found, true) in ends.items():
            # Where nothing can be corrected nothing is said, and nothing is held.
            low, high = (found.low, found.high) if found else (0.0, 0.0)
            held[name][0] += low <= true <= high
            held[name][1] += high - low
        found = ends["difference"][0]
        bias += (found.value if found else raw.value) - (truth[1] - truth[0])
        if every and i % every == 0:
            tested.append(bool(differing(rates)))
    n = runs - left
    cells = [f"{hits / n:.1%} / {characters * width / n:.1f}" for hits, width in held.values()]
    return [
        f"{sum(tested) / len(tested):.0%}" if tested else "–",
        f"{characters * bias / n:+.1f}".replace("-", "−"),
        *cells,
    ]


def lines(runs: int, only: str = "", every: int = 0) -> Iterable[list[str]]:
    for world in WORLDS:
        for name, design in DESIGNS.items():
            if only in f"{world.name}, {name}":
                yield [world.name, name, *measured(world, design, runs, every)]


def main() -> None:
    from coverage import say

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=2000, help="simulated runs a cell")
    told = "rows whose truth and labelled pictures, with a comma between, hold this text"
    parser.add_argument("--only", default="", help=told)
    told = "of so many runs one is tested for a difference, which takes longer than all else; 0 for none"
    parser.add_argument("--every", type=int, default=5, help=told)
    given = parser.parse_args()
    head = (
        *("truth", "labelled", "found to differ", "bias of the corrected difference", "difference as judged"),
        *("corrected, first", "corrected, second", "corrected difference"),
    )
    say("Judges that err by character and by mitigation", head, lines(given.runs, given.only, given.every))


if __name__ == "__main__":
    main()
