"""How often each interval holds the truth where it is known; prints the tables of docs/statistics.md.

    python benchmarks/coverage.py --runs 2000

Nominal is 95 %. A cell is the share of simulated runs whose interval holds the truth, and after the stroke
the interval's mean width: in characters of as many as are in the row for DETECT, in P("Yes") for CONS.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

import numpy as np
from worlds import (
    CASTS,
    CASTS_OF_PAIRS,
    CONS_LIKE,
    DETECT_LIKE,
    DIFFERENCES,
    RARE,
    Cast,
    CastOfPairs,
    World,
    cluster_t,
    judged,
)

from copycat.stats import intervals
from copycat.stats.differences import fixed_difference, population_difference
from copycat.stats.intervals import Interval, Values
from copycat.stats.power import Effect, closed_form, simulated, unrelated_sd
from copycat.stats.prevalence import JudgeError, corrected

DESIGNS = ((50, 3), (50, 1), (20, 3), (10, 2))
"""Characters and seeds."""
SIZES, SEEDS = (5, 20, 50), (1, 3, 5, 10)
"""Characters and seeds of the tables of both intervals."""
Method = Callable[[Values], Interval]
MEANS: dict[str, Method] = {
    "population (shown)": intervals.population,
    "t": lambda values: cluster_t(_means(values)),
    "bootstrap": lambda values: intervals.cluster_bootstrap(_means(values)),
}
STEPS: dict[str, Method] = {
    "gains and losses (shown)": population_difference,
    "t": lambda values: cluster_t(_means(values)),
    "bootstrap": lambda values: intervals.cluster_bootstrap(_means(values)),
}
JUDGES = ((0.99, 0.99, 980, 1020), (0.83, 0.83, 100, 100), (0.80, 0.95, 40, 60))
"""Sensitivity, specificity, and on how many pictures of either kind they were measured."""


def measured(world: World, methods: dict[str, Method], design: tuple[int, int], runs: int) -> list[str]:
    characters, seeds = design
    scale = 1.0 if "CONS" in world.name else float(characters)
    drawn = world.draw(np.random.default_rng([characters, seeds]), runs, characters, seeds).tolist()
    return [_cell(map(m, drawn), world.truth, scale) for m in methods.values()]


def grid(worlds: Iterable[World | Cast | CastOfPairs], method: Method, runs: int) -> Iterable[list[str]]:
    """Coverage and width by characters and seeds."""
    for world in worlds:
        for characters in SIZES:
            cells = []
            for seeds in SEEDS:
                rng = np.random.default_rng([characters, seeds])
                drawn = world.draw(rng, runs, characters, seeds).tolist()
                truth = world.truth if isinstance(world, World) else world.truth(characters)
                cells.append(_cell(map(method, drawn), truth, float(characters)))
            yield [world.name, str(characters), *cells]


def _means(values: Values) -> list[float]:
    return [fmean(v) for v in values]


def _cell(found: Iterable[Interval], truth: float, scale: float) -> str:
    ends = np.array([(i.low, i.high) for i in found], float)
    holds = (ends[:, 0] - 1e-12 <= truth) & (truth <= ends[:, 1] + 1e-12)
    width = (ends[:, 1] - ends[:, 0]).mean() * scale
    return f"{holds.mean():.1%} / {width:.{3 if scale == 1 else 1}f}"


def corrections(world: World, runs: int) -> Iterable[list[str]]:
    """Bias and coverage of the corrected DETECT of 50 characters × 3 seeds."""
    a, b = {w.name: ab for w, ab in zip(DETECT_LIKE, _SHAPES, strict=True)}[world.name]
    for sensitivity, specificity, positives, negatives in JUDGES:
        rng = np.random.default_rng(50)
        raw, mended, hits, width = [], [], 0, 0.0
        for _ in range(runs):
            said = judged(rng, rng.beta(a, b, 50), 3, sensitivity, specificity)
            judge = JudgeError(
                rng.binomial(positives, sensitivity) / positives,
                rng.binomial(negatives, specificity) / negatives,
                positives,
                negatives,
            )
            found = corrected(intervals.population(said.tolist()), judge)
            assert found is not None and found.low is not None and found.high is not None  # noqa: S101, PT018
            raw.append(said.mean() - world.truth)
            youden = judge.sensitivity + judge.specificity - 1
            mended.append((said.mean() + judge.specificity - 1) / youden - world.truth)
            hits += found.low <= world.truth <= found.high
            width += found.high - found.low
        of = f"{sensitivity:g} / {specificity:g} on {positives} / {negatives}"
        # Adding 0 turns −0.0 into 0.0.
        bias = [f"{round(50 * float(np.mean(x)), 1) + 0.0:+.1f}".replace("-", "−") for x in (raw, mended)]
        yield [world.name, of, *bias, f"{hits / runs:.1%} / {50 * width / runs:.1f}"]


_SHAPES = ((0.2, 0.2), (0.38, 0.12), (0.03, 0.27), (0.0075, 0.2425), (2, 98), (20, 20))


def powers() -> Iterable[list[str]]:
    for base, other in ((0.76, 0.64), (0.76, 0.57), (0.5, 0.1), (0.1, 0.02)):
        for characters, seeds in ((50, 3), (50, 1), (20, 3)):
            effect = Effect(other - base, unrelated_sd(base, other), 0.5)
            yield [
                f"{base:.0%} to {other:.0%}",
                f"{characters} × {seeds}",
                f"{simulated(effect, characters, seeds, runs=10_000):.1%}",
                f"{closed_form(effect, characters, seeds):.1%}",
            ]


def _seeds(n: int) -> str:
    return f"{n} seed{'s' * (n > 1)}"


def say(title: str, head: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    sys.stdout.write(f"### {title}\n\n| {' | '.join(head)} |\n{'|---' * len(head)}|\n")
    for line in lines:
        sys.stdout.write(f"| {' | '.join(line)} |\n")
        sys.stdout.flush()
    sys.stdout.write("\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=2000, help="simulated runs a cell")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="sections to print; default all")
    told = parser.parse_args()
    for name in told.only or SECTIONS:
        SECTIONS[name](told.runs)


HEAD = ("truth", "characters", *map(_seeds, SEEDS))


def both(runs: int) -> None:
    say("For these characters", HEAD, grid(CASTS, intervals.fixed_set, runs))
    like = (*RARE, *DETECT_LIKE[:3], DETECT_LIKE[5])
    say("For characters like these", HEAD, grid(like, intervals.population, runs))


def differences(runs: int) -> None:
    fixed = grid(CASTS_OF_PAIRS, fixed_difference, runs)
    say("Paired differences, for these characters", HEAD, fixed)
    against("Paired differences, for characters like these", DIFFERENCES, STEPS, runs)


def against(title: str, worlds: Sequence[World], methods: dict[str, Method], runs: int) -> None:
    lines = (
        [w.name, f"{design[0]} × {design[1]}", *measured(w, methods, design, runs)]
        for w in worlds
        for design in DESIGNS
    )
    say(title, ("truth", "characters × seeds", *methods), lines)


def corrected_counts(runs: int) -> None:
    head = (
        "truth",
        "judge: TPR / TNR, measured on",
        "bias of DETECT",
        "bias of corrected",
        "corrected: held / width",
    )
    say("Corrected DETECT", head, (line for w in DETECT_LIKE[:4] for line in corrections(w, runs)))


SECTIONS: dict[str, Callable[[int], None]] = {
    "both": both,
    "means": lambda runs: against("DETECT and CONS", DETECT_LIKE + CONS_LIKE, MEANS, runs),
    "differences": differences,
    "corrected": corrected_counts,
    "power": lambda _: say(
        "Power", ("DETECT", "characters × seeds", "simulated test", "closed form"), powers()
    ),
}


if __name__ == "__main__":
    main()
