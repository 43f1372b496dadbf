"""Both studies, observational and causal."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from copycat.imitation.find import examples_of
from copycat.imitation.measure import Choice
from copycat.imitation.write import write
from copycat.io.atomic import write_bytes, write_text
from copycat.io.paths import ROOT
from copycat.menagerie.dose import measure
from copycat.menagerie.dose.levels_page import page, plot
from copycat.menagerie.dose.observed import close_pairs, observed
from copycat.menagerie.dose.recipe import DoseRecipe
from copycat.menagerie.dose.together import side_by_side
from copycat.menagerie.dose.training import trained
from copycat.runs.folder import RunFolder
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
    return [*written, home / "counts.json", *side_by_side(where.out)]


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
        home / "levels.md": page(found, command).encode(),
        home / "levels.png": plot(found.levels),
    }
    for path, content in files.items():
        write_bytes(path, content)
    return [*written, *files, *side_by_side(where.out)]
