"""Judges of the menagerie against what is known to be true, and against the referee, on the same pictures."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from copycat.atomic import write_bytes, write_text
from copycat.config import RunConfig, make_config
from copycat.labels import LOOKALIKE, NOBODY, Label, write_labels
from copycat.loading import quiet_loading
from copycat.menagerie import corpus
from copycat.menagerie.evaluate import MITIGATIONS, PROMPT_SETS
from copycat.menagerie.train import referee
from copycat.menagerie.world import make_inhabitants
from copycat.paths import DATA
from copycat.progress import Progress
from copycat.records import ImageRow, Request, Sampling
from copycat.report.calibration import comparison, comparison_latex, csv_text
from copycat.runs.environment import hardware
from copycat.runs.folder import RunFolder
from copycat.stages.calibrate import calibrate, write
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import plan

SHOWN = f"{DATA / 'menagerie' / 'judge'}[references=1]"
"""The judge's weights without their card, which refuses references."""
JUDGES = ("menagerie", SHOWN, "menagerie-embedding", "menagerie-phash", "menagerie-panel")
RENDERS = "renders"
"""What stands for the prompt set of pictures that had no prompt."""
WORLD, REFEREE = "world", "referee"
"""Raters: what was drawn, and the network that checks the judge."""
TITLE = "Judges of the menagerie"
NOTES = (
    "judge[references=1] is the menagerie's judge with a reference picture before the one that `target` "
    "asks about. Its card refuses that, since it was trained on single pictures.",
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
    drawn, made_up = renders(size, work), generated(size, work, progress)
    sets = {
        f"{size.renders} held-out renders, against what was drawn": ("renders", drawn, WORLD),
        "Generated pictures, against the referee": ("generated", made_up, REFEREE),
    }
    written, found = [], {}
    for title, (name, folder, truth) in sets.items():
        for each in judges:
            judge(folder, judge_name=each, progress=progress, device="cpu")
        labels = [*(of_world(folder) if truth == WORLD else ()), *of_referee(folder)]
        write_labels(folder.path / "labels.parquet", labels)
        made = calibrate([folder], labels, source="labels.parquet", command=command, truth=[truth])
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


def renders(size: Size, work: Path) -> RunFolder:
    """A run whose pictures are held-out renders: characters, look-alikes and generic creatures.

    Each is asked about as the character that it shows or resembles; a generic creature as some, in turn.
    """
    people = make_inhabitants()
    raw, truth = corpus.probes(size.renders, corpus.HELD_OUT)
    requests = [
        Request(
            model="menagerie-renders@held-out",
            character=people[p.about if p.about >= 0 else i % len(people)].slug,
            prompt_set=RENDERS,
            prompt_index=i,
            run_seed=0,
            seed=corpus.HELD_OUT + i,
            mitigation="none",
            source_prompt="",
            prompt="",
            sampling=Sampling(steps=1, guidance=0, height=raw.shape[1], width=raw.shape[2]),
        ).sealed()
        for i, p in enumerate(truth)
    ]
    folder = RunFolder(work / f"judges-renders-{size.renders}")
    folder.create(RunConfig(mitigations=("none",), prompts=(RENDERS,), seeds=(0,)), requests)
    had = folder.images()
    with folder.stage("generate"):
        folder.image_journal.repair()
        folder.image_journal.append(
            [_kept(folder, r, pixels) for r, pixels in zip(requests, raw, strict=True) if r.id not in had]
        )
    return folder


def _kept(folder: RunFolder, request: Request, pixels: corpus.Pixels) -> ImageRow:
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    file = f"images/{request.id}.png"
    write_bytes(folder.path / file, png.getvalue())
    sha256 = hashlib.sha256(png.getvalue()).hexdigest()
    return ImageRow(request=request.id, outcome="ok", file=file, sha256=sha256)


def generated(size: Size, work: Path, progress: Progress) -> RunFolder:
    """The menagerie's own pictures, of all prompt sets under all mitigations."""
    config = make_config(
        mitigations=MITIGATIONS, prompts=PROMPT_SETS, seeds=tuple(range(size.seeds)), limit=size.limit
    )
    folder = RunFolder(work / f"judges-generated-{config.digest[:6]}-{config.card().fingerprint()[:8]}")
    folder.create(config, plan(config))
    generate(folder, progress=progress)
    return folder


def of_world(folder: RunFolder) -> list[Label]:
    """What was drawn in each picture of :func:`renders`."""
    requests = sorted(folder.requests(), key=lambda r: r.prompt_index)
    _, truth = corpus.probes(len(requests), corpus.HELD_OUT)
    others = {"lookalike": LOOKALIKE, "generic": NOBODY}
    saw = [others.get(p.kind, r.character) for r, p in zip(requests, truth, strict=True)]
    return _labels(folder, requests, WORLD, saw)


def of_referee(folder: RunFolder) -> list[Label]:
    """What the referee sees in each picture."""
    from transformers import AutoModelForImageClassification

    images = folder.images()
    requests = [r for r in folder.requests() if images[r.id].outcome == "ok"]
    files = [folder.path / str(images[r.id].file) for r in requests]
    pixels = np.stack([np.asarray(Image.open(f).convert("RGB")) for f in files])
    with quiet_loading():
        model = AutoModelForImageClassification.from_pretrained(DATA / "menagerie" / "referee")
    named = referee.predict(model, torch.from_numpy(pixels)).tolist()
    return _labels(folder, requests, REFEREE, [model.config.id2label[i] for i in named])


def _labels(folder: RunFolder, requests: Sequence[Request], rater: str, saw: Sequence[str]) -> list[Label]:
    images = folder.images()
    return [
        Label(
            image=str(images[r.id].file),
            character=r.character,
            rater=rater,
            label=seen == r.character,
            saw=seen,
            sha256=str(images[r.id].sha256),
        )
        for r, seen in zip(requests, saw, strict=True)
    ]
