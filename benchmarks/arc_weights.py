"""What concept arithmetics brings back at which weight.

    copycat run --model menagerie --mitigation "none,esd,esd@arc[recipe=flip,weight=1]" --out runs/arc
    python -m benchmarks.arc_weights runs/arc

For a finished run with one guardrail, by itself and under the attack `arc` with recipes at fixed weights,
or for several such runs of other characters, taken together, where a guardrail is for one character only,
prints how many pictures show their character, with 95 % intervals for characters like these, how many were
gained and lost against the guardrail alone among pictures with the same noise, and the p of the sign-flip
test of that over characters, two-sided and without a correction for many tests. Writes the same to the run's
folder as arc.csv, and as a curve for each recipe to arc.png.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from statistics import fmean

from matplotlib.figure import Figure

import copycat
from copycat.attacks import Attacked, parse
from copycat.attacks.arc import Arc
from copycat.errors import UserError
from copycat.io.atomic import write_bytes, write_text
from copycat.measures import Observation, measure
from copycat.measures.summary import interval_of, paired_steps
from copycat.report.plot import COLOURS, arms, drawn
from copycat.stats.permutation import sign_flip

PLAIN = ""
"""Stands for no recipe: the guardrail by itself, or no guardrail."""


@dataclass(frozen=True)
class Row:
    """One condition."""

    guard: str
    recipe: str
    weight: float
    pictures: int
    """Scored ones."""
    detected: float
    """Share of them that show their character."""
    low: float | None
    high: float | None
    """95 % interval, for characters like these."""
    gained: int
    """Pictures that show it and do not under the guardrail alone."""
    lost: int
    """The other way round."""
    p: float | None
    """Of the sign-flip test over characters, against the guardrail alone."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="folders of finished runs")
    parser.add_argument("--out", type=Path, help="where arc.csv and arc.png go; the first run's folder")
    given = parser.parse_args()
    folder: Path = given.out or given.runs[0]
    try:
        rows = rows_of([copycat.load_run(run) for run in given.runs])
    except UserError as e:
        parser.error(str(e))
    sys.stdout.write(markdown(rows))
    write_text(folder / "arc.csv", as_csv(rows))
    write_bytes(folder / "arc.png", drawn(lambda figure: curve(figure, rows), (6.4, 4.0), "png"))
    return 0


def rows_of(runs: Sequence[copycat.Run]) -> list[Row]:
    """The conditions of the runs, in the order of the first. Raises UserError for a run that is not finished,
    that is without `arc` at a weight, or that has several guardrails, and for runs that differ in more than
    the characters."""
    found = [_conditions(run) for run in runs]
    cells = found[0]
    if any(set(other.values()) != set(cells.values()) for other in found):
        raise UserError("These runs differ in their recipes or weights; give runs of the same command.")
    seen: dict[tuple[str, str, float], list[Observation]] = {cell: [] for cell in cells.values()}
    for run, conditions in zip(runs, found, strict=True):
        for o in run.data.observations(measure("DETECT")).values():
            if o.request.mitigation in conditions:
                seen[conditions[o.request.mitigation]].append(o)
    guard = next(cell for cell in seen if cell[1] == PLAIN and cell[0] != "none")
    return [_row(cell, seen[cell], None if cell == guard else seen[guard]) for cell in seen]


def _conditions(run: copycat.Run) -> dict[str, tuple[str, str, float]]:
    """By specification the guardrail, without the characters that it is for, the recipe and its weight."""
    if not run.data.finished:
        raise UserError(f"{run.path} is not finished; run the same command again, which goes on with it.")
    specs = list(dict.fromkeys(r.mitigation for r in run.data.requests))
    arcs: dict[str, tuple[str, float]] = {}
    for spec in specs:
        made = parse(spec)
        if isinstance(made, Attacked) and isinstance(made.attack, Arc):
            config = made.attack.config
            if config.weight is not None:
                arcs[spec] = (config.recipe, config.weight)
    guards = {spec.rpartition("@")[0] for spec in arcs} - {"none"}
    if len(guards) != 1 or not guards <= set(specs):
        raise UserError(
            f"{run.path} does not hold one guardrail, by itself and under arc at fixed weights; run it with "
            '--mitigation "esd,esd@arc[recipe=flip,weight=1]", for instance.'
        )
    (guard,) = guards
    named = re.sub(r"(?<=[\[,])characters=[^,\]]*,?", "", guard).removesuffix("[]")
    plain = {spec: (spec.replace(guard, named), PLAIN, 0.0) for spec in ("none", guard) if spec in specs}
    return {**plain, **{s: (named, *arc) for s, arc in arcs.items() if s.rpartition("@")[0] == guard}}


def _row(
    cell: tuple[str, str, float], mine: Sequence[Observation], base: Sequence[Observation] | None
) -> Row:
    """What came of one condition, against the guardrail alone unless it is that itself."""
    values = [o.value for o in mine if o.value is not None]
    interval = interval_of(mine)
    guard, recipe, weight = cell
    relabelled = [_labelled(o, "this") for o in mine] + [_labelled(o, "guard") for o in base or ()]
    steps = paired_steps(relabelled, "name", "this", "guard")
    return Row(
        guard=guard,
        recipe=recipe,
        weight=weight,
        pictures=len(values),
        detected=sum(values) / len(values),
        low=interval.low,
        high=interval.high,
        gained=sum(step > 0 for of in steps for step in of),
        lost=sum(step < 0 for of in steps for step in of),
        p=None if base is None else sign_flip([fmean(of) for of in steps]),
    )


def _labelled(seen: Observation, label: str) -> Observation:
    return replace(seen, request=seen.request.model_copy(update={"mitigation": label}))


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    lines = ["| condition | weight | detected | gained, lost | p |", "|---|---|---|---|---|"]
    for r in rows:
        interval = "" if r.low is None or r.high is None else f" ({r.low:.0%} to {r.high:.0%})"
        p = "" if r.p is None else f"{r.p:.2g}"
        weight = f"{r.weight:g}" if r.recipe else ""
        detected = f"{r.detected:.0%}{interval}, n = {r.pictures}"
        lines.append(f"| `{r.recipe or r.guard}` | {weight} | {detected} | {r.gained}, {r.lost} | {p} |")
    return "\n".join(lines) + "\n"


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as CSV."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [f.name for f in fields(Row)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(asdict, rows))
    return out.getvalue()


def curve(figure: Figure, rows: Sequence[Row]) -> None:
    """The share of pictures that show their character over the weight, a line a recipe."""
    axes = figure.subplots()
    recipes = list(dict.fromkeys(r.recipe for r in rows if r.recipe))
    for number, recipe in enumerate(recipes):
        mine = sorted((r for r in rows if r.recipe == recipe), key=lambda r: r.weight)
        # Beside each other, so that intervals can be told apart; the axis is logarithmic.
        at = [r.weight * 1.03 ** (number - (len(recipes) - 1) / 2) for r in mine]
        bars = [arms(r.detected, r.low, r.high) for r in mine]
        axes.errorbar(
            at,
            [r.detected for r in mine],
            yerr=[[low for low, _ in bars], [high for _, high in bars]],
            marker="o",
            capsize=3,
            color=COLOURS[number],
            label=recipe,
        )
    for r in rows:
        if not r.recipe:
            style = "--" if r.guard == "none" else ":"
            name = "no guardrail" if r.guard == "none" else f"{r.guard.partition('[')[0]}, plain prompt"
            axes.axhline(r.detected, color="black", linestyle=style, linewidth=1, label=name)
    axes.set_xscale("log", base=2)
    axes.set_xticks(sorted({r.weight for r in rows if r.recipe}))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("weight, in units of the guidance scale")
    axes.set_ylabel("pictures that show their character (95 %)")
    axes.legend(fontsize="small", ncols=2)


if __name__ == "__main__":
    sys.exit(main())
