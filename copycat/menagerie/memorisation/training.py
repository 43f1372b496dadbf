"""One training: the shipped generator goes on with the newcomers' pictures, and draws the newcomers."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from copycat.io.paths import DATA
from copycat.menagerie.corpus import Pixels
from copycat.menagerie.dose.newcomers import newcomers, prompts
from copycat.menagerie.dose.training import claim, draw_newcomers, keep_pictures
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
    claim(recipe, work)
    home = work / f"training-{training}"
    file, log = home / "pictures.npz", home / "training.json"
    learnt = corpus(recipe, training)
    if not file.is_file():
        home.mkdir(parents=True, exist_ok=True)
        _train(recipe, learnt.pixels, learnt.texts, home)
    told = json.loads(log.read_text(encoding="utf-8"))
    return Drawn(np.load(file)["pixels"], learnt.seen, told["steps"], told["seconds"])


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
    pipe = denoiser.assemble(vae, text, tokenizer, average)
    asked = [prompts(p, recipe.templates) for p in newcomers(recipe.people)]
    drawn = draw_newcomers(asked, recipe.seeds, pipe)
    told = {"steps": steps, "seconds": seconds, "pictures": len(texts), "drawing": time.monotonic() - began}
    (home / "training.json").write_text(json.dumps(told), encoding="utf-8")
    keep_pictures(drawn, home / "pictures.npz")
