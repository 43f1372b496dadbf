"""Both studies, observational and causal, and the page that sets them beside one another."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from copycat.imitation.find import examples_of
from copycat.imitation.measure import Choice
from copycat.imitation.write import write
from copycat.io.atomic import write_bytes, write_text
from copycat.io.paths import ROOT
from copycat.menagerie.dose import measure
from copycat.menagerie.dose.agreement import agreement
from copycat.menagerie.dose.observed import close_pairs, observed
from copycat.menagerie.dose.recipe import RECIPES, DoseRecipe
from copycat.menagerie.dose.training import trained
from copycat.report import imitation as words
from copycat.report.markdown import grid
from copycat.report.plot import COLOURS, drawn
from copycat.report.words import DASH, number
from copycat.runs.folder import RunFolder
from copycat.runs.imitation import Imitation, read_imitation
from copycat.runtime import environment
from copycat.runtime.progress import Progress

_LOG = logging.getLogger("copycat.menagerie")


@dataclass(frozen=True)
class Where:
    """Folders of one experiment."""

    work: Path
    """What is made on the way, kept until the same command comes again."""
    out: Path
    """The results: tables, figures and rows, small enough to commit."""


def observe(
    seeds: int, where: Where, command: str, progress: Progress, limit: int | None = None
) -> list[Path]:
    """The observational study of the shipped model; returns what it wrote."""
    made = observed(seeds, where.work, command, progress, limit)
    run = RunFolder(made.run).data()
    home = where.out / "observed"
    written = write(made.found, home, examples_of(run, made.found, Choice()))
    told = {
        "counts": made.counts,
        "close_pairs": close_pairs(made.found),
        "seeds": seeds,
        "pictures": len(run.requests),
        "hardware": environment.hardware(),
    }
    write_text(home / "counts.json", json.dumps(told, indent=1) + "\n")
    return [*written, home / "counts.json", *side_by_side(where)]


def experiment(recipe: DoseRecipe, where: Where, command: str) -> list[Path]:
    """Train, draw and score the newcomers; returns what it wrote. A training that is finished is not
    repeated."""
    made = []
    for training in range(recipe.trainings):
        _LOG.info("training %d of %d: %s", training + 1, recipe.trainings, recipe.counts(training))
        made.append(trained(recipe, training, where.work))
    rows, cuts = measure.rows_of(recipe, made)
    found = measure.causal_of(recipe, rows, made, cuts, command, environment.git_state(ROOT)[0])
    home = where.out / f"causal-{recipe.name}"
    written = write(found.found, home) if found.found else []
    told = {
        **found.model_dump(mode="json", exclude={"found"}),
        "hardware": environment.hardware(),
        "command": command,
    }
    files = {
        home / "pictures.csv": measure.csv_of(rows).encode(),
        home / "levels.json": (json.dumps(told, indent=1) + "\n").encode(),
        home / "levels.md": _page(found, command).encode(),
        home / "levels.png": _plot(found.levels),
    }
    for path, content in files.items():
        write_bytes(path, content)
    return [*written, *files, *side_by_side(where)]


def _page(found: measure.Causal, command: str) -> str:
    """`levels.md`."""
    recipe = found.recipe
    how = "from nothing, on the whole corpus" if recipe["scratch"] else "from the shipped generator"
    lines = [
        "# Newcomers in numbers that were chosen",
        "",
        f"{len(recipe['levels'])} characters that the shipped generator has never seen; trainings {how}: "
        f"{recipe['trainings']}; each picture is seen {recipe['epochs']:g} times. {recipe['named']:.0%} of "
        f"captions name who is shown; prompts say the {recipe['asked']}.",
        "",
        *(() if found.found is None else (f"**{words.verdict(found.found)}**", "")),
        "No level's interval lies below that of a smaller count."
        if found.monotone
        else "The scores do **not** rise throughout: an interval lies below that of a smaller count.",
        "",
        *grid(
            ("pictures", "newcomers", "imitation score", "95 %", "two of them apart", "recognised"),
            (
                (
                    str(v.count),
                    str(v.concepts),
                    number(v.score, 3),
                    f"{v.low:.3f} to {v.high:.3f}",
                    number(v.apart, 3),
                    f"{v.recognised:.0%}",
                )
                for v in found.levels
            ),
        ),
        "![Score and share recognised against the number of training pictures](levels.png)",
        "",
        f"From `{command}`: {sum(found.seconds):.0f} s of training in {sum(found.steps)} steps.",
        "",
    ]
    return "\n".join(lines)


def _plot(levels: Sequence[measure.Level]) -> bytes:
    def draw(canvas: Figure) -> None:
        left: Axes = canvas.subplots()
        counts = [v.count for v in levels]
        means = [v.score for v in levels]
        below = [v.score - v.low for v in levels]
        above = [v.high - v.score for v in levels]
        left.set_xscale("symlog", linthresh=5, subs=None)
        left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.count(value)))
        left.errorbar(
            counts, means, (below, above), fmt="o-", color=COLOURS[0], capsize=2, label="imitation score"
        )
        right = left.twinx()
        right.plot(counts, [v.recognised for v in levels], "s--", color=COLOURS[1], label="share recognised")
        right.set_ylim(-0.02, 1.02)
        left.set_xlabel("training pictures of the newcomer", fontsize=9)
        left.set_ylabel("imitation score (95 %, newcomers)", fontsize=9)
        right.set_ylabel("share of pictures recognised", fontsize=9)
        canvas.legend(fontsize=8, frameon=False, loc="outside upper center", ncols=2)

    return drawn(draw, (6.4, 4.0), "png")


def side_by_side(where: Where) -> list[Path]:
    """README.md: what there is of both studies, side by side."""
    observed_one = read_imitation(where.out / "observed")
    folders = sorted(p for p in where.out.glob("causal-*") if p.is_dir())
    caused = {p.name.removeprefix("causal-"): found for p in folders if (found := read_imitation(p))}
    studies = {f"caused, recipe {name}": found for name, found in caused.items()}
    if observed_one is not None:
        studies = {"observed, on the shipped model": observed_one, **studies}
    heads = ("study", "threshold", "95 %", "published rule", "logistic 50 %", "concepts", "command")
    lines = [
        "# The imitation threshold of the menagerie",
        "",
        *grid(heads, (_study(*s) for s in studies.items())),
    ]
    for name, found in caused.items():
        if observed_one and not (name in RECIPES and RECIPES[name].varied):
            lines += [_agreement(observed_one, name, found), ""]
    lines += [line for name in caused for line in _from_nothing(where, name)]
    path = where.out / "README.md"
    write_text(path, "\n".join(lines))
    return [path]


def _study(name: str, found: Imitation) -> tuple[str, ...]:
    bounds, curve = found.interval, found.curve
    return (
        name,
        words.count(found.threshold),
        f"{words.count(bounds.low)} to {words.count(bounds.high)}" if bounds else DASH,
        words.count(found.reference),
        words.count(curve.middle) if curve else DASH,
        str(len(found.points)),
        f"`{found.command}`",
    )


def _agreement(seen: Imitation, recipe: str, caused: Imitation) -> str:
    """Whether the observed change can be the caused one, in a sentence."""
    if seen.threshold is None or caused.interval is None:
        return f"Observed and caused (recipe {recipe}) cannot be compared: one of them has no threshold."
    # A change between two counts that were tried is told by the greater of them.
    lower = max((p.count for p in caused.points if p.count < caused.interval.low), default=0.0)
    apart = seen.threshold < lower or (seen.below or 0.0) > caused.interval.high
    return (
        f"The observed change, between {words.count(seen.below)} and {words.count(seen.threshold)} pictures, "
        f"{'lies outside of' if apart else 'agrees with'} the caused one's interval, {words.count(lower)} to "
        f"{words.count(caused.interval.high)} (recipe {recipe})."
    )


def _from_nothing(where: Where, name: str) -> list[str]:
    """How the newcomers of another experiment score in one that trained from nothing; empty where there is no
    such comparison."""
    other, nothing = (where.out / f"causal-{n}" / "pictures.csv" for n in (name, "scratch"))
    if name == "scratch" or not nothing.is_file():
        return []
    both = agreement(other, nothing)
    if both is None:
        return []
    d = both.difference
    mean, low, high = (number(v, 3, signed=True) for v in (d.value, d.low, d.high))
    return [
        f"{d.characters} newcomers had the same counts in the recipes {name} and scratch. Scores of scratch "
        f"less those of {name}: {mean} on average (95 % {low} to {high}), {both.distance:.3f} apart; "
        f"Spearman's correlation {both.correlation:.2f}.",
        "",
    ]
