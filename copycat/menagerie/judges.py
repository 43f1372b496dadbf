"""Judges of the menagerie against what is known to be true, and against the referee, on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copycat.calibration.calibrate import calibrate, write
from copycat.calibration.labels import write_labels
from copycat.calibration.tables import comparison, comparison_latex, csv_text
from copycat.io.atomic import write_text
from copycat.io.paths import DATA, ROOT
from copycat.menagerie.known import REFEREE, RENDERS, WORLD, generated, of_referee, of_world, renders
from copycat.runtime.environment import git_state, hardware
from copycat.runtime.progress import Progress
from copycat.stages.judge import judge

SHOWN = f"{DATA / 'menagerie' / 'judge'}[references=1,questions=plain]"
"""The judge's weights without their card, which refuses references; asked as they were trained to be."""
JUDGES = ("menagerie", SHOWN, "menagerie-embedding", "menagerie-phash", "menagerie-panel")
TITLE = "Judges of the menagerie"
NOTES = (
    "judge[references=1,questions=plain] is the menagerie's judge with a reference picture before the one "
    "that `verify` asks about. Its card refuses that, since it was trained on single pictures.",
    "menagerie-embedding and menagerie-phash compare with eight reference pictures of each character. "
    "menagerie-panel is the majority of menagerie and those two.",
    "On renders the truth is what was drawn, and the referee is a rater beside the judges; on generated "
    "pictures nobody knows the truth, and the referee stands for it.",
)


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    renders: int
    seeds: int
    """Run seeds 0, 1, … of the generated pictures: all prompt sets under all mitigations."""
    limit: int | None = None
    """Only the first so many characters of the generated ones."""


def compare(
    size: Size, work: Path, out: Path, progress: Progress, judges: Sequence[str] = JUDGES
) -> list[Path]:
    """Draw, generate, judge and calibrate; writes into `out` and returns what was written."""
    command = f"copycat menagerie judges --n {size.renders} --seeds {size.seeds}"
    drawn = renders(size.renders, work / f"judges-renders-{size.renders}")
    seeds = tuple(range(size.seeds))
    made_up = generated(seeds, work, "judges-generated", progress, size.limit)
    sets = {
        f"{size.renders} held-out renders, against what was drawn": (RENDERS, drawn, WORLD),
        "Generated pictures, against the referee": ("generated", made_up, REFEREE),
    }
    written, found = [], {}
    for title, (name, folder, truth) in sets.items():
        for each in judges:
            judge(folder, judge_name=each, progress=progress, device="cpu")
        run = folder.data()
        labels = [*(of_world(run) if truth == WORLD else ()), *of_referee(run)]
        write_labels(folder.labels_path.with_suffix(".parquet"), labels)
        runs = {run.path: run.evidence()}
        made = calibrate(
            runs, labels, source="labels.parquet", command=command, commit=git_state(ROOT)[0], truth=[truth]
        )
        written += write(made, out / f"{name}.json")
        found[title] = made.calibration
    machine = hardware()
    notes = (
        *NOTES,
        f"Measured by `{command}` at commit {next(iter(found.values())).commit} on {machine['cpu']}, "
        f"{machine['cores']} cores.",
    )
    texts = {
        "md": comparison(found, TITLE, notes),
        "csv": csv_text(found),
        "tex": comparison_latex(found, TITLE, [n.replace("`", "") for n in notes], "tab:menagerie-judges"),
    }
    for ending, text in texts.items():
        write_text(out / f"judges.{ending}", text)
        written.append(out / f"judges.{ending}")
    return written
