"""Pictures of the menagerie as runs, and the two who know what they show: the world, and the referee."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from copycat.calibration.labels import LOOKALIKE, NOBODY, Label
from copycat.config import RunConfig
from copycat.io import pictures
from copycat.io.atomic import write_bytes
from copycat.io.loading import quiet_loading
from copycat.io.paths import DATA
from copycat.menagerie import corpus
from copycat.menagerie.train import referee
from copycat.menagerie.world import make_inhabitants
from copycat.records import ImageRow, Request, Sampling
from copycat.resolve import resolve_settings
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.progress import Progress
from copycat.stages.generate import generate
from copycat.stages.plan import plan

MITIGATIONS = ("none", "negprompt", "rewrite", "rewrite+negprompt")
PROMPT_SETS = ("name", "description", "keywords", "keywords2")
RENDERS = "renders"
"""What stands for the prompt set of pictures that had no prompt."""
WORLD, REFEREE = "world", "referee"
"""Raters: what was drawn, and the network that checks the judge."""


def renders(n: int, folder: Path) -> RunFolder:
    """A run of `n` held-out renders: characters, look-alikes and generic creatures.

    Each is about the character that it shows or resembles; a generic creature's about some, in turn.
    """
    people = make_inhabitants()
    raw, truth = corpus.probes(n, corpus.HELD_OUT)
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
            sampling=Sampling(steps=1, guidance=0, height=raw.shape[1], width=raw.shape[1]),
        ).with_id()
        for i, p in enumerate(truth)
    ]
    run = RunFolder(folder)
    run.create(RunConfig(mitigations=("none",), prompts=(RENDERS,), seeds=(0,)), requests)
    had = run.data().images
    with run.stage("generate"):
        run.image_journal.repair()
        run.image_journal.append(
            [_kept(run, r, pixels) for r, pixels in zip(requests, raw, strict=True) if r.id not in had]
        )
    return run


def _kept(folder: RunFolder, request: Request, pixels: corpus.Pixels) -> ImageRow:
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    file = folder.picture_file(request)
    write_bytes(folder.path / file, png.getvalue())
    sha256 = hashlib.sha256(png.getvalue()).hexdigest()
    return ImageRow(request=request.id, outcome="ok", file=file, sha256=sha256)


def generated(
    seeds: tuple[int, ...], work: Path, name: str, progress: Progress, limit: int | None = None
) -> RunFolder:
    """The menagerie's own pictures, of all prompt sets under all mitigations; resumes.

    The folder in `work` is called after `name`, the settings and the weights; `limit`
    leaves out all but the first so many characters.
    """
    run = resolve_settings(mitigations=MITIGATIONS, prompts=PROMPT_SETS, seeds=seeds, limit=limit)
    folder = RunFolder(work / f"{name}-{run.config.digest[:6]}-{run.card.fingerprint()[:8]}")
    folder.create(run.config, plan(run))
    generate(folder, run, progress=progress)
    return folder


def drawn(run: RunData) -> list[corpus.Probe]:
    """What is in each picture of :func:`renders`, by the prompt index of its request."""
    return corpus.probes(len(run.requests), corpus.HELD_OUT)[1]


def of_world(run: RunData) -> list[Label]:
    """What was drawn in each picture of :func:`renders`."""
    requests = sorted(run.requests, key=lambda r: r.prompt_index)
    others = {"lookalike": LOOKALIKE, "generic": NOBODY}
    saw = [others.get(p.kind, r.character) for r, p in zip(requests, drawn(run), strict=True)]
    return _labels(run, requests, WORLD, saw)


def of_referee(run: RunData) -> list[Label]:
    """What the referee sees in each picture."""
    requests = [r for r in run.requests if r.id in run.images and run.images[r.id].outcome == "ok"]
    files = [run.path / str(run.images[r.id].file) for r in requests]
    pixels = np.stack([np.asarray(pictures.read(f)) for f in files])
    model = load_referee()
    named = referee.predict(model, torch.from_numpy(pixels)).tolist()
    return _labels(run, requests, REFEREE, [model.config.id2label[i] for i in named])


def load_referee() -> Any:
    """The network that ships."""
    from transformers import AutoModelForImageClassification

    with quiet_loading():
        return AutoModelForImageClassification.from_pretrained(DATA / "menagerie" / "referee")


def _labels(run: RunData, requests: Sequence[Request], rater: str, saw: Sequence[str]) -> list[Label]:
    return [
        Label(
            image=str(run.images[r.id].file),
            character=r.character,
            rater=rater,
            label=seen == r.character,
            saw=seen,
            sha256=str(run.images[r.id].sha256),
        )
        for r, seen in zip(requests, saw, strict=True)
    ]
