"""What the shipped model says of itself: its 50 characters, as a study of a model that nobody can retrain
sees them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from copycat.imitation.find import Question, of_run
from copycat.imitation.measure import Choice
from copycat.io.atomic import write_text
from copycat.io.paths import DATA
from copycat.menagerie.corpus import Sample, draw_all
from copycat.menagerie.dose.newcomers import TEMPLATES
from copycat.menagerie.world import make_inhabitants
from copycat.resolve import resolve_settings
from copycat.runs.folder import RunFolder
from copycat.runs.imitation import Imitation
from copycat.runtime.progress import Progress
from copycat.stages.plan import plan
from copycat.stages.run import complete
from copycat.subjects.characters import load_registry
from copycat.subjects.prompts import Prompt

SET = "templates"
DOWNLOADED = 60
"""Training pictures of each character that are looked at, as a study downloads some of those that captions
name."""


@dataclass(frozen=True)
class Observed:
    """The observational study and how far its steps are right."""

    found: Imitation
    run: Path
    counts: tuple[dict[str, Any], ...]
    """By character: pictures that captions name, those looked at, and the true number."""


def observed(seeds: int, work: Path, command: str, progress: Progress, limit: int | None = None) -> Observed:
    """Draw, count, filter, score and estimate; the same call goes on with what is in `work`.

    `limit` leaves out all but the first so many characters.
    """
    prompts = _prompt_file(work / f"{SET}.jsonl")
    run = resolve_settings(
        model="menagerie",
        mitigations=("none",),
        prompts=(str(prompts),),
        seeds=tuple(range(seeds)),
        limit=limit,
    )
    folder = RunFolder(work / f"observed-{run.config.digest[:6]}-{run.card.fingerprint()[:8]}")
    folder.create(run.config, plan(run))
    data = complete(folder, run, progress)
    counts, training = _corpus(work, [c.slug for c in run.characters])
    question = Question(
        choice=Choice(training=training),
        counts=counts,
        encoders=("menagerie-embedding", "menagerie-phash"),
        device="cpu",
        command=command,
    )
    found = of_run(data, question, progress)
    return Observed(found, folder.path, _truth(found, counts))


def close_pairs(found: Imitation, within: float = 10) -> dict[str, float | int]:
    """Distributional invariance: how far the scores of concepts differ whose counts are at most `within`
    apart.

    That of the rarer minus that of the other of each pair of neighbours, as published, and what such a
    difference varies by.
    """
    pairs = [
        (a, b) for a, b in zip(found.points, found.points[1:], strict=False) if b.count - a.count <= within
    ]
    apart = np.array([a.score - b.score for a, b in pairs])
    if not apart.size:
        return {"pairs": 0}
    spread = float(apart.std(ddof=1)) if apart.size > 1 else 0.0
    return {
        "pairs": len(pairs),
        "mean": float(apart.mean()),
        "mean_distance": float(abs(apart).mean()),
        "sd": spread,
    }


def _prompt_file(path: Path) -> Path:
    by = "the name, as captions of the corpus begin"
    rows = [
        Prompt(set=SET, character=p.slug, index=i, text=t.format(who=p.name), provenance=by)
        for p in make_inhabitants()
        for i, t in enumerate(TEMPLATES)
    ]
    write_text(path, "".join(f"{r.model_dump_json()}\n" for r in rows))
    return path


def _corpus(work: Path, slugs: list[str]) -> tuple[Path, Path]:
    """A file of caption counts, and a folder of the first pictures whose captions name each character."""
    import pandas as pd

    table = pd.read_parquet(DATA / "menagerie" / "corpus.parquet")
    registry = load_registry("menagerie")
    named: dict[str, list[Sample]] = {slug: [] for slug in slugs}
    index = {p.slug: i for i, p in enumerate(make_inhabitants())}
    for seed, kind, shown, caption in zip(*(table[c] for c in table.columns), strict=True):
        for slug in registry.mentioned(caption) & named.keys():
            named[slug].append(Sample(int(seed), index.get(shown, -1), kind))
    counts = work / "counts.json"
    said = {
        "corpus": "the menagerie's captions",
        "rule": "name or alias as whole words, in any case",
        "unit": "captions",
        "counts": {slug: len(samples) for slug, samples in named.items()},
    }
    write_text(counts, json.dumps(said, indent=1) + "\n")
    home = work / "training"
    for slug, samples in named.items():
        # Spread over the corpus, in which pictures of a kind lie together.
        chosen = [samples[i] for i in sorted(set(np.linspace(0, len(samples) - 1, DOWNLOADED).astype(int)))]
        folder = home / slug
        if not (folder / f"{len(chosen) - 1:03d}.png").is_file():
            folder.mkdir(parents=True, exist_ok=True)
            for k, pixels in enumerate(draw_all(chosen, workers=1)[0]):
                Image.fromarray(pixels).save(folder / f"{k:03d}.png")
    return counts, home


def _truth(found: Imitation, counts: Path) -> tuple[dict[str, Any], ...]:
    said = json.loads(counts.read_text(encoding="utf-8"))["counts"]
    true = {p.slug: p.training_images for p in make_inhabitants()}
    return tuple(
        {"concept": p.concept, "captions": said[p.concept], "effective": p.count, "true": true[p.concept]}
        for p in found.points
    )
