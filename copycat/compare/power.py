"""The power of a comparison that is yet to be made, in words and as a table."""

from __future__ import annotations

from collections.abc import Sequence

from copycat.errors import UnknownName, UserError
from copycat.measures import DETECT
from copycat.measures.summary import paired_steps
from copycat.report.words import number
from copycat.runs.data import RunData
from copycat.stats.power import (
    MOST,
    Effect,
    estimate,
    mean_difference,
    needed,
    simulated,
    spread,
    unrelated_sd,
)
from copycat.subjects.innocents import is_innocent

_SPREAD = "Standard deviation of a pair's difference"
ICC = 0.5
"""Within-character correlation that is assumed where none is measured or given."""


def assumed(
    shares: tuple[float, float], *, sd: float | None = None, icc: float | None = None
) -> tuple[Effect, list[str]]:
    """The difference between two shares of characters, and what was assumed about it, in sentences.

    Without `sd` the verdicts of the two conditions are taken to have nothing in common. Raises UserError
    for an `sd` that verdicts cannot have.
    """
    base, other = shares
    assumptions = [
        f"To tell {base:.1%} of characters from {other:.1%}, a difference of {_points(other - base)} points."
    ]
    if sd is None:
        sd = unrelated_sd(base, other)
        assumptions.append(
            f"{_SPREAD}: {sd:.2f}, assuming that the two conditions' verdicts on the same noise have nothing "
            "in common, which is cautious (--sd or --run say better)."
        )
    else:
        assumptions.append(f"{_SPREAD}: {sd:.2f}, as given.")
    icc, told = _correlation(icc, None, "assumed (--icc or --run say better)")
    assumptions.append(told)
    return _effect(other - base, sd, icc), assumptions


def measured(
    run: RunData,
    between: Sequence[str] = (),
    prompt_set: str | None = None,
    shares: tuple[float, float] | None = None,
    *,
    sd: float | None = None,
    icc: float | None = None,
) -> tuple[Effect, list[str]]:
    """The difference between two mitigations of a run, or between `shares` with the run's spread.

    What is given as `sd` or `icc` comes before what the run shows. Raises UserError where the run has no two
    mitigations or too little that was scored, UnknownName for a mitigation or prompt set it does not have.
    """
    sets = list(dict.fromkeys(r.prompt_set for r in run.requests if not is_innocent(r.prompt_set)))
    chosen = prompt_set or sets[0]
    if chosen not in sets:
        raise UnknownName("prompt set of the run", chosen, sets)
    mitigations = list(dict.fromkeys(r.mitigation for r in run.requests))
    for name in between:
        if name not in mitigations:
            raise UnknownName("mitigation of the run", name, mitigations)
    pair = tuple(dict.fromkeys(between or mitigations[:2]))
    if len(pair) != 2:
        raise UserError(f"{run.path} has to hold two mitigations to compare; choose two with --between A,B.")
    steps = paired_steps(run.observations(DETECT).values(), chosen, pair[1], pair[0])
    if len(steps) < 2:
        raise UserError(
            f"{run.path} has too few judged pairs of {' and '.join(pair)} to measure their spread on."
        )
    found_sd, found_icc = estimate(steps)
    pairs = sum(map(len, steps))
    difference = shares[1] - shares[0] if shares else mean_difference(steps)
    assumptions = [
        f"{pair[1]} against {pair[0]} on {chosen}, from {pairs} pairs of {len(steps)} characters "
        f"of {run.path.name}.",
        f"To find a difference of {_points(difference)} points"
        + (", as given." if shares else ", the run's own."),
    ]
    least, most = spread(difference)
    used = min(max(found_sd, least), most) if sd is None else sd
    if sd is not None:
        source = "as given"
    elif abs(used - found_sd) > 1e-9:
        source = f"the nearest to the run's {found_sd:.2f} that such a difference allows"
    else:
        source = "as the run has it"
    reason = "assumed, since the run has one seed a character or nothing changed (--icc says better)"
    icc, told = _correlation(icc, found_icc, reason)
    assumptions += [f"{_SPREAD}: {used:.2f}, {source}.", told]
    return _effect(difference, used, icc), assumptions


def _points(difference: float) -> str:
    return number(100 * difference, 1, signed=True)


def _correlation(given: float | None, found: float | None, reason: str) -> tuple[float, str]:
    """The correlation to use and where it comes from; with `reason` it is :data:`ICC`."""
    if given is not None:
        used, source = given, "as given"
    elif found is not None:
        used, source = found, "as the run has it"
    else:
        used, source = ICC, reason
    return used, f"Within-character correlation between seeds: {used:.2f}, {source}."


def _effect(difference: float, sd: float, icc: float) -> Effect:
    if difference == 0:
        raise UserError(
            "The two do not differ, so no number of pictures can tell them apart; give other X and Y."
        )
    try:
        return Effect(difference, sd, icc)
    except ValueError as e:
        raise UserError(f"{str(e)[0].upper()}{str(e)[1:]}.") from e


def table(
    effect: Effect, characters: Sequence[int], seeds: Sequence[int], *, wanted: float, alpha: float
) -> str:
    """Power of the permutation test over characters by simulation, and how many characters are enough."""
    head = ["characters", *(f"{n} seed{'s' * (n != 1)}" for n in seeds)]
    lines = [
        [str(c), *(f"{simulated(effect, c, s, alpha):.0%}" if c > 1 else "–" for s in seeds)]
        for c in sorted(characters)
    ]
    enough = [needed(effect, s, wanted, alpha) for s in seeds]
    lines.append([f"for {wanted:.0%}", *("> " + str(MOST) if n is None else str(n) for n in enough)])
    widths = [max(len(row[i]) for row in [head, *lines]) for i in range(len(head))]
    rows = ["  ".join(x.rjust(w) for x, w in zip(row, widths, strict=True)) for row in [head, *lines]]
    return "\n".join(
        [
            f"Chance to find it at p ≤ {alpha:.3g} (2,000 simulated comparisons a cell, ± 2 points), and how",
            f"many characters are enough for {wanted:.0%}:",
            "",
            *rows,
        ]
    )
