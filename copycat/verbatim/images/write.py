"""What a ladder leaves in its folder: JSON, Markdown, CSV and the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from copycat.copies.references import References
from copycat.copies.rungs import rungs
from copycat.io.atomic import write_text
from copycat.report import ladder as words
from copycat.report.files import csv_content
from copycat.report.markdown import escaped, grid
from copycat.runs.data import RunData
from copycat.runs.ladder import FILE, PAGE, Ladder
from copycat.verbatim.images import panel
from copycat.verbatim.images.explicit import ABOUT as EXPLICIT
from copycat.verbatim.images.page import render
from copycat.verbatim.images.standing import Standing
from copycat.verbatim.images.words import (
    THRESHOLDS_ABOUT,
    THRESHOLDS_HEAD,
    TITLE,
    kinds,
    kinds_head,
    left_out,
    meanings,
    source,
    thresholds,
)


def write(
    found: Ladder, standings: Sequence[Standing], run: RunData, references: References, folder: Path
) -> list[Path]:
    """Write all of it; returns the files."""
    content = {
        FILE: found.model_dump_json(indent=1) + "\n",
        "ladder.md": markdown(found),
        "ladder.csv": csv_text(standings),
        PAGE: render(found, standings, run, references),
    }
    for name, text in content.items():
        write_text(folder / name, text)
    return [folder / name for name in content]


def markdown(found: Ladder) -> str:
    """`ladder.md`."""
    out = [f"# {TITLE}", "", escaped(source(found)), "", words.ABOUT, ""]
    chance = words.by_chance(found)
    out += grid(words.head("prompts"), [*words.cells(found.cells), chance])
    out += ["## Worst of seeds", "", words.WORST, ""]
    out += grid(words.head("prompts"), words.cells(found.cells, worst=True))
    out += ["## By how explicit the prompt was", "", EXPLICIT, ""]
    out += grid(words.head("prompt"), words.cells(found.by_explicitness))
    out += ["## Thresholds", "", THRESHOLDS_ABOUT, "", *grid(THRESHOLDS_HEAD, thresholds(found))]
    out += [
        "Of copies, by what was done to them: the share of pairs that each rung tells, and of all found:",
        "",
    ]
    out += grid(kinds_head(found), kinds(found))
    out += [
        "## Rungs",
        "",
        *(f"- {words.label(r)}: the picture {about}." for r, about in meanings().items()),
        "",
    ]
    for sentence in (*left_out(found), panel.NOT_ADVICE):
        out += [escaped(sentence), ""]
    return "\n".join(out)


def csv_text(standings: Sequence[Standing]) -> str:
    """`ladder.csv`: a line for each picture, or judged frame of a video."""
    names = [r.name for r in rungs()]
    columns = (
        "request", "frame", "mitigation", "prompt_set", "explicit", "character", "run_seed", "rung",
        "detected", "reference", "reference_character", *names, *(f"{n}_reference" for n in names), "file",
    )  # fmt: skip
    rows = []
    for s in standings:
        r, found = s.request, s.row.matches
        row = {
            "request": r.id,
            "frame": s.image.frame,
            "mitigation": r.mitigation,
            "prompt_set": r.prompt_set,
            "explicit": s.explicit,
            "character": r.character,
            "run_seed": r.run_seed,
            "rung": s.rung,
            "detected": "" if s.detected is None else int(s.detected),
            "reference": s.nearest.reference if s.nearest else "",
            "reference_character": s.nearest.character if s.nearest else "",
            "file": s.image.file,
        }
        row |= {n: found[n].likeness if n in found else "" for n in names}
        row |= {f"{n}_reference": found[n].reference if n in found else "" for n in names}
        rows.append(row)
    return csv_content(columns, rows)
