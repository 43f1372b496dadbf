"""Where an erased name leads the menagerie: along its old direction, against it, or elsewhere.

    python -m benchmarks.directions --guard "esd[iterations=50]" --characters yanquizo,kapli

With d(x) = ε(x) − ε(∅) of the original model and d'(x) of the erased one, at noisy latents that the original
draws of each name, prints the cosine between the two and the length of d' over that of d, as means over the
characters at each of some steps of sampling. An eraser that turns directions around has a cosine of −1, one
that puts something unrelated there about 0, and a model that is not erased 1.
"""

from __future__ import annotations

import argparse
import sys
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from copycat.diffusion.tap import Call, Tap, predict
from copycat.generators.base import ModelVariant
from copycat.resolve import resolve_settings

STEPS = 20
SHOWN = (0, 5, 10, 15, 19)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--guard", default="esd")
    parser.add_argument("--characters", required=True)
    given = parser.parse_args()
    run = resolve_settings(
        model="menagerie", mitigations=("none", given.guard), characters=tuple(given.characters.split(","))
    )
    edits = run.mitigations[given.guard].bind(run.context()).weight_edits(run.model)
    card = run.card
    with ModelVariant(card).load("cpu") as original, ModelVariant(card, edits).load("cpu") as erased:
        guidance = card.sampling.guidance
        free, guarded = (Tap(g.pipeline, card, steps=STEPS, guidance=guidance) for g in (original, erased))
        sys.stdout.write("| step | cosine of d'(x) and d(x) | length of d' over d |\n|---|---|---|\n")
        for step in SHOWN:
            found = [compared(free, guarded, c.name, step) for c in run.characters]
            cosine, length = (fmean(column) for column in zip(*found, strict=True))
            sys.stdout.write(f"| {step} of {STEPS} | {cosine:+.2f} | {length:.2f} |\n")
    return 0


@torch.no_grad()
def compared(free: Tap, guarded: Tap, name: str, step: int) -> tuple[float, float]:
    """Cosine, and length of the guarded direction over the free one, at one noisy latent."""
    at = free.noisy([name], step, [0])
    d, erased = direction(free, at, name), direction(guarded, at, name)
    cosine: Any = torch.nn.functional.cosine_similarity(d, erased, dim=0)
    return cosine.item(), (erased.norm() / d.norm()).item()


def direction(tap: Tap, at: Call, name: str) -> Tensor:
    """d of a name for one model, flat."""
    named, empty = (predict(tap.denoiser, at.of(tap.arguments([text]))) for text in (name, ""))
    return (named - empty).flatten()


if __name__ == "__main__":
    sys.exit(main())
