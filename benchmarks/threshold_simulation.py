"""How often the imitation threshold is right, on simulated concepts.

Run it from the root of a checkout: `PYTHONPATH=$PWD python -m benchmarks.threshold_simulation --trials 1000`.

Scores have one step, of a size in units of the noise σ, somewhere in the middle half of the concepts;
counts are log-uniform. For each number of concepts and size it prints the share of trials in which the
threshold is within one concept of the step, that in which there is none, the same of the published rule at
a σ, and how often the bootstrap's interval holds the step. Size 0 is flat. `--heteroscedastic` has three
times the noise before the step, as on the menagerie, where rare characters differ most.
"""

from __future__ import annotations

import argparse
import sys
import time

import numpy as np

from copycat.imitation.estimate import Settings, decide, estimate
from copycat.imitation.scores import Scored

_LEVEL = 0.2


def trial(
    n: int, size: float, sigma: float, draws: int, random: np.random.Generator, *, uneven: bool
) -> tuple[int | None, int | None, bool | None, int]:
    """Index that the default rule and the published one find, whether the interval holds the step, and the
    step."""
    at = int(random.integers(n // 4, 3 * n // 4 + 1))
    counts = np.round(np.geomspace(1, 5000, n)) + np.arange(n)
    noise = np.full(n, sigma)
    if uneven:
        noise[:at] *= 3
        noise *= sigma / float(np.sqrt((noise**2).mean()))
    y = _LEVEL + random.normal(0, 1, n) * noise + size * sigma * (np.arange(n) >= at)
    decided, held = decide(counts, y, Settings()), None
    if draws and decided.answer.at is not None:
        scored = [Scored(f"c{i:04d}", float(counts[i]), ((float(y[i]),),)) for i in range(n)]
        found = estimate(scored, Settings(draws=draws)).interval
        held = found and bool(found.low <= counts[at] <= found.high)
    return decided.answer.at, decided.reference.at, held, at


def line(n: int, size: float, sigma: float, trials: int, draws: int, seed: int, *, uneven: bool) -> str:
    """One row of the table."""
    random = np.random.default_rng([seed, n, round(100 * size)])
    began = time.process_time()
    made = [trial(n, size, sigma, draws, random, uneven=uneven) for _ in range(trials)]
    seconds = (time.process_time() - began) / trials
    answers = [a for a, _, _, _ in made]
    published = [p for _, p, _, _ in made]
    steps = [s for _, _, _, s in made]
    held = [h for _, _, h, _ in made if h is not None]
    cells = [str(n), f"{size:g}", f"{size * sigma:.2f}"]
    for found in (answers, published):
        near = sum(f is not None and abs(f - s) <= 1 for f, s in zip(found, steps, strict=True))
        none = sum(f is None for f in found)
        cells += ["–" if size == 0 else f"{near / trials:.1%}", f"{none / trials:.1%}"]
    cells += [f"{np.mean(held):.1%}" if held and size else "–", f"{seconds:.3f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--concepts", type=int, nargs="+", default=[60, 150, 400])
    parser.add_argument("--sizes", type=float, nargs="+", default=[0, 1, 2, 3, 4, 5])
    parser.add_argument("--sigma", type=float, default=0.1, help="noise of a concept's score")
    parser.add_argument("--draws", type=int, default=0, help="of the bootstrap's interval")
    parser.add_argument("--heteroscedastic", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    out = sys.stdout
    out.write(
        "| concepts | size in σ | size | within 1 | none | published: within 1 | none | interval holds | "
        "s a trial |\n"
        "|---|---|---|---|---|---|---|---|---|\n"
    )
    for n in given.concepts:
        for size in given.sizes:
            row = line(
                n, size, given.sigma, given.trials, given.draws, given.seed, uneven=given.heteroscedastic
            )
            out.write(f"{row}\n")
            out.flush()


if __name__ == "__main__":
    main()
