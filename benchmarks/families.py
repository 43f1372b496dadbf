"""How often a family of tests claims something false, and how often it finds what is there; prints a table of
docs/statistics.md.

    python benchmarks/families.py --runs 1000

Nominal is 5 %. A cell is the share of simulated families with p ≤ 0.05: in the columns called false, in one
test or more of those of which nothing is true; in those called found, in the one test in which something is.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from copycat.stats.paired import adjust
from copycat.stats.permutation import max_t, sign_flip

Steps = npt.NDArray[np.float64]
"""Of each character the differences of all tests; shape (characters, tests)."""
CHARACTERS, TESTS, FLIPS, LEVEL = 50, 12, 999, 0.05


def alike(part: float) -> Callable[[np.random.Generator], Steps]:
    """Measures of one pair of conditions that have `part` of their variance in common, with heavy tails."""

    def draw(rng: np.random.Generator) -> Steps:
        shared, own = rng.standard_t(4, (CHARACTERS, 1)), rng.standard_t(4, (CHARACTERS, TESTS))
        return np.asarray(part**0.5 * shared + (1 - part) ** 0.5 * own)

    return draw


def one_base(rng: np.random.Generator) -> Steps:
    """Verdicts of conditions that are all the same against one base, which is skewed: 15 % of the characters
    come out."""
    rates = rng.beta(0.15, 0.85, CHARACTERS)
    seen = rng.binomial(3, rates[:, None], (CHARACTERS, TESTS + 1)) / 3
    return np.asarray(seen[:, 1:] - seen[:, :1])


WORLDS: dict[str, Callable[[np.random.Generator], Steps]] = {
    "12 measures of their own": alike(0.0),
    "12 measures, half in common": alike(0.5),
    "12 measures that nearly say the same": alike(0.95),
    "12 conditions against one base, verdicts": one_base,
}
EFFECT = 0.45
"""Of the last test, in standard deviations, where something is true."""


def tested(steps: Steps) -> tuple[list[float], list[float]]:
    """(Holm, max-T)."""
    p = [sign_flip(column) for column in steps.T]
    holm = [a.holm if a else 1.0 for a in adjust(p)]
    joint = max_t([dict(enumerate(column)) for column in steps.T], flips=FLIPS)
    return holm, [1.0 if x is None else x for x in joint]


def lines(runs: int) -> Iterable[list[str]]:
    for name, draw in WORLDS.items():
        rng = np.random.default_rng(12)
        false, found = np.zeros(2), np.zeros(2)
        for _ in range(runs):
            steps = draw(rng)
            false += [min(p) <= LEVEL for p in tested(steps)]
            steps[:, -1] += EFFECT * steps[:, -1].std()
            found += [p[-1] <= LEVEL for p in tested(steps)]
        yield [name, *(f"{x / runs:.1%}" for x in (*false, *found))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1000, help="simulated families a line")
    head = ("50 characters", "Holm: false", "max-T: false", "Holm: found", "max-T: found")
    sys.stdout.write(f"| {' | '.join(head)} |\n{'|---' * len(head)}|\n")
    for line in lines(parser.parse_args().runs):
        sys.stdout.write(f"| {' | '.join(line)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
