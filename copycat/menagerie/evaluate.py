"""Measures the menagerie: every figure of its model card, through the code that scores any model."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from PIL import Image

from copycat.characters import Character
from copycat.config import RunConfig, make_config
from copycat.judges.base import load_judge
from copycat.judges.card import load_judge_card
from copycat.judges.questions import questions
from copycat.menagerie import corpus
from copycat.menagerie.train import autoencoder, referee
from copycat.menagerie.world import make_inhabitants
from copycat.metrics import detect
from copycat.paths import DATA, ROOT
from copycat.progress import for_stream
from copycat.records import ImageRow, Verdict
from copycat.runs.environment import git_state, hardware
from copycat.runs.folder import RunFolder
from copycat.stages.generate import generate
from copycat.stages.judge import judge
from copycat.stages.plan import plan
from copycat.stages.score import score
from copycat.stats.agreement import cohen_kappa

MITIGATIONS = ("none", "negprompt", "rewrite", "rewrite+negprompt")
PROMPT_SETS = ("name", "description", "keywords", "keywords2")
_COMMAND = "copycat menagerie evaluate --seeds"

Hit = Callable[[Verdict, Character], float | None]


def evaluate(work: Path, seeds: tuple[int, ...]) -> dict[str, Any]:
    """Generate and judge all prompt sets under all mitigations, judge known pictures; return figures."""
    folder = full_run(work, seeds)
    figures = {
        "command": f"{_COMMAND} {len(seeds)}",
        "commit": git_state(ROOT)[0],
        "hardware": hardware(),
        "seeds": list(seeds),
        "psnr_db": _reconstruction(),
        "judge": _judge_on_renders(),
        "referee": _referee_on_generated(folder),
        "detect": _detect(folder),
        "eval": _default_run(),
    }
    (DATA / "menagerie" / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    _write_calibration(figures)
    return figures


def full_run(work: Path, seeds: tuple[int, ...]) -> RunFolder:
    """All prompt sets under all mitigations, judged and scored; resumes."""
    config: RunConfig = make_config(mitigations=MITIGATIONS, prompts=PROMPT_SETS, seeds=seeds)
    folder = RunFolder(work / f"evaluation-{config.digest[:6]}-{config.card().identity().split('@')[-1][:8]}")
    folder.create(config, plan(config))
    progress = for_stream()
    generate(folder, progress=progress)
    judge(folder, progress=progress)
    score(folder)
    return folder


def _default_run() -> dict[str, Any]:
    """Wall time and peak memory of what `make eval` runs once `.venv` is there, start to page."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        program = "from copycat.cli.main import main; main()"
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", program, "run", "--out", str(out)], check=True)
        seconds = time.monotonic() - began
        run = RunFolder(out)
        return {
            "images": len(run.images()),
            "verdicts": len(run.verdicts()),
            "seconds": round(seconds, 1),
            "peak_rss_mb": run.manifest().peak_rss_mb,
        }


def _reconstruction(n: int = 1000) -> float:
    """PSNR of the shipped autoencoder on held-out renders, in dB."""
    from diffusers import AutoencoderKL

    source = DATA / "menagerie" / "generator"
    vae = AutoencoderKL.from_pretrained(source, subfolder="vae", torch_dtype=torch.float32).eval()
    raw, _ = corpus.probes(n, corpus.HELD_OUT + 500_000)
    pixels = torch.from_numpy(raw)
    return round(autoencoder.psnr(autoencoder.reconstruct(vae, pixels), pixels), 2)


def _judge_on_renders(n: int = 2000) -> dict[str, Any]:
    """The shipped judge, asked through the judges' interface, about held-out renders of known truth."""
    people = make_inhabitants()
    characters = RunConfig().load_registry().characters
    asked = load_judge(load_judge_card("menagerie"), "cpu")
    raw, truth = corpus.probes(n, corpus.HELD_OUT)
    answers: dict[str, list[tuple[str, bool, bool]]] = {"which": [], "target": []}
    keys: list[tuple[bool, bool]] = []
    for start in range(0, n, 64):
        batch = []
        for i in range(start, min(n, start + 64)):
            # A generic creature is asked about as some character, in turn.
            about = truth[i].about if truth[i].about >= 0 else i % len(people)
            row = ImageRow(request=str(i), outcome="ok", file=str(i), sha256="0" * 64)
            batch += [(i, characters[about], q) for q in questions(row, characters[about])]
        pictures = [Image.fromarray(raw[i]) for i, _, _ in batch]
        verdicts = asked.ask([q for _, _, q in batch], pictures)
        for (i, character, question), v in zip(batch, verdicts, strict=True):
            if v.status != "scored":
                continue
            if question.kind == "key":
                keys.append(((v.score or 0) > 0.5, truth[i].species == character.key))
                continue
            hit: Hit = detect.named if question.kind == "which" else detect.targeted
            said = hit(v, character) == 1.0
            answers[question.kind].append((truth[i].kind, said, truth[i].kind == "character"))
    out: dict[str, Any] = {kind: {"n": n, **_rates(rows)} for kind, rows in answers.items()}
    out["key"] = {"n": len(keys), "accuracy": round(fmean(a == b for a, b in keys), 4)}
    return out


def _rates(rows: list[tuple[str, bool, bool]]) -> dict[str, Any]:
    def share(kinds: tuple[str, ...]) -> float:
        return round(fmean(said for kind, said, _ in rows if kind in kinds), 4)

    kappa = cohen_kappa([s for _, s, _ in rows], [t for _, _, t in rows])
    return {
        "scored": len(rows),
        "kappa": None if kappa is None else round(kappa, 4),
        "tpr": share(("character",)),
        "fpr": share(("lookalike", "generic")),
        "fpr_lookalike": share(("lookalike",)),
        "positives": sum(truth for _, _, truth in rows),
        "negatives": sum(not truth for _, _, truth in rows),
    }


def _referee_on_generated(folder: RunFolder) -> dict[str, Any]:
    """Judge against referee on the generated pictures: is the character that was asked for there?"""
    from transformers import AutoModelForImageClassification

    model = AutoModelForImageClassification.from_pretrained(DATA / "menagerie" / "referee")
    registry, images = folder.registry(), folder.images()
    asked = [r for r in folder.requests() if (row := images.get(r.id)) is not None and row.outcome == "ok"]
    pixels = np.stack([np.asarray(Image.open(folder.path / f"images/{r.id}.png")) for r in asked])
    labels = [model.config.id2label[i] for i in referee.predict(model, torch.from_numpy(pixels)).tolist()]
    out: dict[str, Any] = {"n": len(asked)}
    hits: tuple[tuple[str, Hit], ...] = (("which", detect.named), ("target", detect.targeted))
    for kind, hit in hits:
        verdicts = {v.request: v for v in folder.verdicts() if v.kind == kind}
        pairs = []
        for r, label in zip(asked, labels, strict=True):
            said = hit(verdicts[r.id], registry[r.character])
            if said is not None:
                pairs.append((said == 1.0, label == r.character))
        kappa = cohen_kappa([a for a, _ in pairs], [b for _, b in pairs])
        out[kind] = {"scored": len(pairs), "kappa": None if kappa is None else round(kappa, 4)}
    raw, truth = corpus.probes(1000, corpus.HELD_OUT + 800_000)
    right = referee.predict(model, torch.from_numpy(raw)) == referee.classes(truth, make_inhabitants())
    out["accuracy_on_renders"] = round(float(right.float().mean()), 4)
    return out


def _detect(folder: RunFolder) -> list[dict[str, Any]]:
    """DETECT, CONS and the share detected by quintile of training count, per prompt set and mitigation."""
    metrics = {(m.metric, m.prompt_set, m.mitigation): m for m in folder.metrics()}
    registry = folder.registry()
    ordered = sorted(registry.characters, key=lambda c: c.training_images or 0)
    fifth = {c.slug: 5 * i // len(ordered) for i, c in enumerate(ordered)}
    requests = {r.id: r for r in folder.requests()}
    hits: dict[tuple[str, str, int], list[float]] = {}
    for v in folder.verdicts():
        request = requests[v.request]
        hit = detect.named(v, registry[request.character]) if v.kind == "which" else None
        if hit is not None:
            group = (request.prompt_set, request.mitigation, fifth[request.character])
            hits.setdefault(group, []).append(hit)
    return [
        {
            "prompts": p,
            "mitigation": m,
            "detect": metrics["DETECT", p, m].value,
            "detect_sd": metrics["DETECT", p, m].sd,
            "interval": [metrics["DETECT", p, m].low, metrics["DETECT", p, m].high],
            "detect_targeted": metrics["DETECT_targeted", p, m].value,
            "cons": metrics["CONS", p, m].value,
            "by_quintile": [round(fmean(hits[p, m, q]), 3) for q in range(5) if (p, m, q) in hits],
        }
        for p in PROMPT_SETS
        for m in MITIGATIONS
    ]


def _write_calibration(figures: dict[str, Any]) -> None:
    """The file that the judge's card cites; on top the question that DETECT counts (`which`)."""
    told = ("kappa", "tpr", "fpr", "fpr_lookalike", "n", "positives", "negatives")
    which, target = ({k: figures["judge"][q][k] for k in told} for q in ("which", "target"))
    rates = {"question": "which", **which, "questions": {"target": target}}
    rates |= {"referee_kappa": figures["referee"]["which"]["kappa"], "referee_n": figures["referee"]["n"]}
    rates |= {"command": figures["command"], "commit": figures["commit"]}
    path = DATA / "menagerie" / "calibration.json"
    path.write_text(json.dumps(rates, indent=1) + "\n", encoding="utf-8")
