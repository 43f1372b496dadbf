"""The whole experiment, and the page that it leaves."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from matplotlib.figure import Figure

from copycat.io.atomic import write_bytes
from copycat.io.paths import ROOT
from copycat.menagerie.memorisation.measure import Estimate, Level, Row, levels_of, rows_of
from copycat.menagerie.memorisation.recipe import MemorisationRecipe
from copycat.menagerie.memorisation.training import Drawn, trained
from copycat.report.files import csv_content
from copycat.report.markdown import grid
from copycat.report.plot import COLOURS, arms, drawn
from copycat.runtime import environment

_LOG = logging.getLogger("copycat.menagerie")
_SHARES = ("near_copy", "by_chance", "recognised", "imitated")
_HEADS = ("near copy", "by chance", "recognised", "imitated")
_PLOTTED = {
    "near_copy": "near copy of a learnt picture",
    "by_chance": "of one that no model saw",
    "recognised": "newcomer recognised",
}


def experiment(recipe: MemorisationRecipe, work: Path, out: Path, command: str) -> list[Path]:
    """Train, draw and measure; returns what was written. A training that is finished is not repeated."""
    made = []
    for training in range(recipe.trainings):
        _LOG.info("training %d of %d", training + 1, recipe.trainings)
        made.append(trained(recipe, training, work / f"memorisation-{recipe.name}"))
    rows, held = rows_of(recipe, made)
    levels = levels_of(rows, held)
    files = {
        "pictures.csv": csv_content(tuple(Row.__dataclass_fields__), map(asdict, rows)).encode(),
        "memorisation.csv": _csv(levels).encode(),
        "memorisation.json": _json(recipe, levels, made, command).encode(),
        "README.md": _page(recipe, levels, made, command).encode(),
        "memorisation.png": _plot(levels),
    }
    for name, content in files.items():
        write_bytes(out / name, content)
    return [out / name for name in files]


def _json(recipe: MemorisationRecipe, levels: Sequence[Level], made: Sequence[Drawn], command: str) -> str:
    told = {
        "recipe": recipe.model_dump(),
        "levels": [v.model_dump() for v in levels],
        "steps": [d.steps for d in made],
        "seconds": [round(d.seconds, 1) for d in made],
        "command": command,
        "commit": environment.git_state(ROOT)[0],
        "hardware": environment.hardware(),
    }
    return json.dumps(told, indent=1) + "\n"


def _csv(levels: Sequence[Level]) -> str:
    ends = [f"{name}{end}" for name in _SHARES for end in ("", "_low", "_high")]
    columns = ("pictures", "copies", "newcomers", "outputs", *ends, "held_out")
    rows = []
    for v in levels:
        row: dict[str, object] = {k: getattr(v, k) for k in columns[:4]} | {"held_out": round(v.held_out, 4)}
        for name in _SHARES:
            e: Estimate = getattr(v, name)
            row |= {name: e.value, f"{name}_low": e.low, f"{name}_high": e.high}
        rows.append({k: round(x, 4) if isinstance(x, float) else x for k, x in row.items()})
    return csv_content(columns, rows)


def _page(recipe: MemorisationRecipe, levels: Sequence[Level], made: Sequence[Drawn], command: str) -> str:
    """`README.md`."""
    lines = [
        "# Memorisation against imitation on the menagerie",
        "",
        f"{recipe.people} characters that the shipped generator has never seen, in {recipe.trainings} "
        f"training(s): n different pictures of each, d copies of every one, each seen {recipe.epochs:g} "
        "times.",
        "",
        "Near copy: the picture reaches the rung `near-copy` or a higher one with one of the n pictures "
        "that were learnt. By chance: with n pictures of the newcomer that no model saw. Memorised is "
        "what the first has more than the second. Imitated: the newcomer is recognised in a picture that "
        "is no near copy. Held out: how many of other pictures of the newcomers, which nobody generated, "
        "are near copies of what was learnt.",
        "",
        *grid(
            ("shown", "n different", "d copies", "outputs", *_HEADS, "held out"),
            (
                (
                    str(v.pictures * v.copies),
                    str(v.pictures),
                    str(v.copies),
                    str(v.outputs),
                    *(_words(getattr(v, name)) for name in _SHARES),
                    f"{v.held_out:.0%}",
                )
                for v in levels
            ),
        ),
        "Intervals are 95 %, for these newcomers, of whom other pictures might have been drawn. "
        f"Each dose has {levels[0].newcomers} of them, so other newcomers may differ by more.",
        "",
        "![Shares against the number of different pictures](memorisation.png)",
        "",
        f"From `{command}`: {sum(d.seconds for d in made):.0f} s of training in "
        f"{sum(d.steps for d in made)} steps.",
        "",
    ]
    return "\n".join(lines)


def _words(e: Estimate) -> str:
    spread = "" if e.low is None or e.high is None else f" ({e.low:.0%} to {e.high:.0%})"
    return f"{e.value:.0%}{spread}"


def _plot(levels: Sequence[Level]) -> bytes:
    shown = sorted({v.pictures * v.copies for v in levels})

    def draw(canvas: Figure) -> None:
        for at, total in enumerate(shown):
            axes = canvas.add_subplot(1, len(shown), at + 1)
            mine = [v for v in levels if v.pictures * v.copies == total]
            for colour, (name, label) in zip(COLOURS, _PLOTTED.items(), strict=False):
                found: list[Estimate] = [getattr(v, name) for v in mine]
                below, above = zip(*(arms(e.value, e.low, e.high) for e in found), strict=True)
                axes.errorbar(
                    [v.pictures for v in mine], [e.value for e in found], (below, above), fmt="o-", capsize=2,
                    color=colour, label=label if at == 0 else None,
                )  # fmt: skip
            axes.set_xscale("log")
            axes.set_xticks([v.pictures for v in mine], [str(v.pictures) for v in mine])
            axes.minorticks_off()
            axes.set_ylim(-0.03, 1.03)
            axes.set_title(f"{total} pictures shown", fontsize=9)
            axes.set_xlabel("different ones", fontsize=9)
            if at == 0:
                axes.set_ylabel("share of outputs (95 %, pictures)", fontsize=9)
        canvas.legend(fontsize=8, frameon=False, loc="outside upper center", ncols=3)

    return drawn(draw, (3.0 * len(shown), 3.4), "png")
