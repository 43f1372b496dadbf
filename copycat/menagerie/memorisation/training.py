"""One training: the shipped generator goes on with the newcomers' pictures, and draws the newcomers."""

from __future__ import annotations

import hashlib
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from copycat.errors import UserError
from copycat.io.paths import DATA
from copycat.menagerie.corpus import Pixels
from copycat.menagerie.dose.newcomers import newcomers, prompts
from copycat.menagerie.dose.training import GUIDANCE, STEPS
from copycat.menagerie.memorisation.corpus import corpus
from copycat.menagerie.memorisation.recipe import MemorisationRecipe
from copycat.menagerie.train import autoencoder, denoiser
from copycat.menagerie.train.encoder import tokenise
from copycat.menagerie.train.loop import pick_device
from copycat.menagerie.train.motion import image_model

_BATCH = 64
_PASS = denoiser.Pass("memorisation", denoiser.SECOND.lr)


@dataclass(frozen=True)
class Drawn:
    """What one training's generator draws."""

    pixels: Pixels
    """(newcomers, templates, seeds, height, width, 3)."""
    seen: tuple[Pixels, ...]
    """Of each newcomer the different pictures that it was trained on."""
    steps: int
    seconds: float
    """Of training, over all sittings."""


def trained(recipe: MemorisationRecipe, training: int, work: Path) -> Drawn:
    """The pictures of one training; what is finished in `work` is read, what was stopped goes on.

    Raises UserError where `work` holds another experiment, or one with another generator.
    """
    _claim(recipe, work)
    home = work / f"training-{training}"
    file, log = home / "pictures.npz", home / "training.json"
    learnt = corpus(recipe, training)
    if not file.is_file():
        home.mkdir(parents=True, exist_ok=True)
        _train(recipe, learnt.pixels, learnt.texts, home)
    told = json.loads(log.read_text(encoding="utf-8"))
    return Drawn(np.load(file)["pixels"], learnt.seen, told["steps"], told["seconds"])


def _claim(recipe: MemorisationRecipe, work: Path) -> None:
    """Say in `work` which experiment it holds."""
    generator = DATA / "menagerie" / "generator"
    weights = [hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(generator.rglob("*.safetensors"))]
    said = json.dumps({"recipe": recipe.model_dump(), "generator": weights}, default=list)
    stamp = work / "recipe.json"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") != said:
        raise UserError(f"{work} holds another experiment; delete it, or choose another folder with --work.")
    work.mkdir(parents=True, exist_ok=True)
    stamp.write_text(said, encoding="utf-8")


def _train(recipe: MemorisationRecipe, pixels: Pixels, texts: list[str], home: Path) -> None:
    device = pick_device()
    torch.manual_seed(0)
    text, tokenizer, vae, unet = image_model(DATA / "menagerie" / "generator")
    text, vae = text.to(device), vae.to(device)
    mean, sd = autoencoder.latents(vae, torch.from_numpy(pixels))
    data = denoiser.Captioned(tokenise(tokenizer, texts), mean, sd, vae.config.scaling_factor)
    steps = max(2, math.ceil(len(texts) * recipe.epochs / _BATCH))
    average, seconds = denoiser.train(unet.to(device), text, tokenizer, data, steps, home, _PASS)
    began = time.monotonic()
    drawn = _draw(recipe, denoiser.assemble(vae, text, tokenizer, average))
    told = {"steps": steps, "seconds": seconds, "pictures": len(texts), "drawing": time.monotonic() - began}
    (home / "training.json").write_text(json.dumps(told), encoding="utf-8")
    # Last, since its being there says that the training is finished.
    temporary = home / "pictures.tmp.npz"
    np.savez(temporary, pixels=drawn)
    temporary.replace(home / "pictures.npz")


def _draw(recipe: MemorisationRecipe, pipe: Any) -> Pixels:
    """Every newcomer, template and seed; the noise of a picture depends on its seed alone."""
    pipe.set_progress_bar_config(disable=True)
    made = []
    for who in newcomers(recipe.people):
        for text in prompts(who, recipe.templates):
            noise = [torch.Generator().manual_seed(seed) for seed in range(recipe.seeds)]
            out = pipe(
                [text] * recipe.seeds,
                num_inference_steps=STEPS,
                guidance_scale=GUIDANCE,
                generator=noise,
                output_type="np",
            ).images
            made.append(np.rint(out * 255).astype(np.uint8))
    shape = (recipe.people, recipe.templates, recipe.seeds, *made[0].shape[1:])
    return np.stack(made).reshape(shape)
