"""Measures the menagerie: every figure of its model card, through the code that scores any model."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from copycat.calibration.calibrate import calibrate
from copycat.calibration.labels import Label
from copycat.cards.calibration import without_counts
from copycat.cards.models import load_card
from copycat.errors import BadFile
from copycat.io.atomic import write_text
from copycat.io.paths import DATA, ROOT
from copycat.measures import CONS, DETECT, DETECT_TARGETED
from copycat.measures.detect import THRESHOLD
from copycat.measures.questions import IDENTIFY, KEY, VERIFY
from copycat.menagerie import corpus
from copycat.menagerie.known import (
    MITIGATIONS,
    PROMPT_SETS,
    REFEREE,
    WORLD,
    drawn,
    generated,
    load_referee,
    of_referee,
    of_world,
    renders,
)
from copycat.menagerie.train import autoencoder, referee
from copycat.menagerie.world import make_inhabitants
from copycat.runs.data import RunData
from copycat.runs.folder import RunFolder
from copycat.runtime.environment import git_state, hardware
from copycat.runtime.progress import for_stream
from copycat.stages.judge import judge
from copycat.stages.score import score

MODEL = "menagerie"
"""The card of the model whose pictures are judged."""
_COMMAND = "copycat menagerie evaluate --seeds"


def evaluate(work: Path, seeds: tuple[int, ...]) -> dict[str, Any]:
    """Generate and judge all prompt sets under all mitigations, judge known pictures; return figures."""
    run, on_renders = full_run(work, seeds), _judge_on_renders(2000, work)
    figures: dict[str, Any] = {
        "command": f"{_COMMAND} {len(seeds)}",
        "commit": git_state(ROOT)[0],
        "hardware": hardware(),
        "seeds": list(seeds),
        "psnr_db": _reconstruction(),
        "judge": on_renders,
        "referee": _referee_on_generated(run),
        "detect": _detect(run),
        "eval": _default_run(),
    }
    cited = error_rates(figures)
    figures["judge"] = {kind: without_counts(found) for kind, found in on_renders.items()}
    for name, content in (("figures.json", figures), ("calibration.json", cited)):
        write_text(DATA / "menagerie" / name, json.dumps(content, indent=1) + "\n")
    return figures


def full_run(work: Path, seeds: tuple[int, ...]) -> RunData:
    """All prompt sets under all mitigations, judged and scored; resumes."""
    progress = for_stream()
    folder = generated(seeds, work, "evaluation", progress)
    judge(folder, progress=progress)
    score(folder)
    return folder.data()


def _default_run() -> dict[str, Any]:
    """Wall time and peak memory of what `make eval` runs once `.venv` is there, start to page."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        program = "from copycat.cli.main import main; main()"
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", program, "run", "--out", str(out)], check=True)
        seconds = time.monotonic() - began
        run = RunFolder(out).data()
        return {
            "images": len(run.images),
            "verdicts": len(run.verdicts),
            "seconds": round(seconds, 1),
            "peak_rss_mb": run.manifest.peak_rss_mb,
        }


def _reconstruction(n: int = 1000) -> float:
    """PSNR of the shipped autoencoder on held-out renders, in dB."""
    from diffusers import AutoencoderKL

    source = DATA / "menagerie" / "generator"
    vae = AutoencoderKL.from_pretrained(source, subfolder="vae", torch_dtype=torch.float32).eval()
    raw, _ = corpus.probes(n, corpus.HELD_OUT + 500_000)
    pixels = torch.from_numpy(raw)
    return round(autoencoder.psnr(autoencoder.reconstruct(vae, pixels), pixels), 2)


def _judge_on_renders(n: int, work: Path) -> dict[str, Any]:
    """The shipped judge, asked through the judges' interface, about `n` held-out renders of known truth."""
    folder = renders(n, work / f"evaluation-renders-{n}")
    judge(folder, judge_name="menagerie", progress=for_stream(), device="cpu")
    run = folder.data()
    found = _rates(run, of_world(run), WORLD)
    out: dict[str, Any] = {kind: {"scored": r["n"], **r, "n": n} for kind, r in found.items()}
    truth, shows_key = drawn(run), run.observations(CONS)
    right = [
        (seen.value > THRESHOLD) == (truth[r.prompt_index].species == run.registry[r.character].key)
        for r in run.requests
        if (seen := shows_key.get(r.id)) is not None and seen.value is not None
    ]
    return {**out, KEY.kind: {"n": len(right), "accuracy": round(fmean(right), 4)}}


def _rates(run: RunData, labels: list[Label], rater: str) -> dict[str, dict[str, Any]]:
    """The shipped judge's answers in `run` against what `rater` says, by question; shares to four places."""
    runs = {run.path: run.evidence()}
    found = calibrate(
        runs, labels, source=rater, command=_COMMAND, commit=None, judge="menagerie", truth=(rater,)
    )
    return {
        j.question: {k: round(v, 4) if isinstance(v, float) else v for k, v in j.rates().items()}
        for j in found.calibration.judges
    }


def _referee_on_generated(run: RunData) -> dict[str, Any]:
    """Judge against referee on the generated pictures: is the character that was asked for there?"""
    labels = of_referee(run)
    out: dict[str, Any] = {"n": len(labels)}
    for kind, found in _rates(run, labels, REFEREE).items():
        out[kind] = {"scored": found["n"], "kappa": found["kappa"]}
    raw, truth = corpus.probes(1000, corpus.HELD_OUT + 800_000)
    named = referee.predict(load_referee(), torch.from_numpy(raw))
    right = named == referee.classes(truth, make_inhabitants())
    out["accuracy_on_renders"] = round(float(right.float().mean()), 4)
    return out


def _detect(run: RunData) -> list[dict[str, Any]]:
    """DETECT, CONS and the share detected by quintile of training count, per prompt set and mitigation."""
    ordered = sorted(run.registry.characters, key=lambda c: c.training_images or 0)
    fifth = {c.slug: 5 * i // len(ordered) for i, c in enumerate(ordered)}
    hits: dict[tuple[str, str, int], list[float]] = {}
    for seen in run.observations(DETECT).values():
        if seen.value is not None:
            r = seen.request
            hits.setdefault((r.prompt_set, r.mitigation, fifth[r.character]), []).append(seen.value)
    rows = []
    for p in PROMPT_SETS:
        for m in MITIGATIONS:
            detected, confirmed, consistent = (
                run.metric(measure, m, p) for measure in (DETECT, DETECT_TARGETED, CONS)
            )
            if detected is None or confirmed is None or consistent is None:
                raise BadFile(f"{run.path} has no numbers for {p} under {m}; delete it and run this again.")
            rows.append(
                {
                    "prompts": p,
                    "mitigation": m,
                    "detect": detected.value,
                    "detect_sd": detected.sd,
                    "interval": [detected.low, detected.high],
                    "detect_targeted": confirmed.value,
                    "cons": consistent.value,
                    "by_quintile": [round(fmean(hits[p, m, q]), 3) for q in range(5) if (p, m, q) in hits],
                }
            )
    return rows


def error_rates(figures: dict[str, Any]) -> dict[str, Any]:
    """What the judge's card cites of `figures`: on top the rates of the question that DETECT counts."""
    told = ("kappa", "tpr", "fpr", "fpr_lookalike", "n", "positives", "negatives", "cells")
    first, other = (
        {k: found[k] for k in told if k in found}
        for found in (figures["judge"][kind] for kind in (IDENTIFY.kind, VERIFY.kind))
    )
    return {
        "question": IDENTIFY.kind,
        **first,
        "questions": {VERIFY.kind: other},
        "referee_kappa": figures["referee"][IDENTIFY.kind]["kappa"],
        "referee_n": figures["referee"]["n"],
        "models": [load_card(MODEL).identity()],
        "registry": load_card(MODEL).registry,
        "command": figures["command"],
        "commit": figures["commit"],
    }
