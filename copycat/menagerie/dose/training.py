"""One training: the shipped generator goes on with newcomers among its pictures, and draws them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel

from copycat.errors import UserError
from copycat.io.atomic import write_text
from copycat.io.paths import DATA
from copycat.menagerie.dose.newcomers import draw, newcomers, prompts, samples_of
from copycat.menagerie.dose.recipe import Asked, DoseRecipe
from copycat.menagerie.train import autoencoder, denoiser
from copycat.menagerie.train.encoder import tokenise
from copycat.menagerie.train.loop import pick_device
from copycat.menagerie.train.motion import image_model

_BATCH = 64
_GOES_ON = denoiser.Pass("dose", denoiser.SECOND.lr)
_FROM_NOTHING = denoiser.Pass("dose", denoiser.FIRST.lr)
_PICTURES: dict[Asked, str] = {"name": "pictures.npz", "description": "pictures-description.npz"}
_UNET = "unet"
STEPS, GUIDANCE = 20, 4.0
"""Of the shipped card's sampler."""


@dataclass(frozen=True)
class Drawn:
    """What one training's generator draws."""

    pixels: np.ndarray[Any, np.dtype[np.uint8]]
    """(newcomers, templates, seeds, height, width, 3)."""
    counts: tuple[int, ...]
    """Of each newcomer, in that order."""
    steps: int
    seconds: float
    """Of training, over all sittings."""


def trained(recipe: DoseRecipe, training: int, work: Path) -> Drawn:
    """The pictures of one training; what is finished in `work` is read, what was stopped goes on.

    Raises UserError where its folder there holds another experiment, or one with another generator.
    """
    folder = work / f"dose-{recipe.trained.name}"
    home = folder / f"training-{training}"
    claim(recipe.trained, folder)
    file, log = home / _PICTURES[recipe.asked], home / "training.json"
    if not log.is_file():
        home.mkdir(parents=True, exist_ok=True)
        _train(recipe, training, home)
    if not file.is_file():
        _draw(recipe, home, file)
    told = json.loads(log.read_text(encoding="utf-8"))
    return Drawn(np.load(file)["pixels"], recipe.counts(training), told["steps"], told["seconds"])


def steps_of(recipe: DoseRecipe, pictures: int) -> int:
    """Training steps after which each of so many pictures was seen as often as the recipe says."""
    return max(2, math.ceil(pictures * recipe.epochs / _BATCH))


def claim(recipe: BaseModel, work: Path) -> None:
    """Say in `work` which experiment it holds, of which recipe and with which generator. Raises UserError
    where it holds another."""
    generator = DATA / "menagerie" / "generator"
    weights = [hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(generator.rglob("*.safetensors"))]
    stamp = work / "recipe.json"
    if stamp.is_file():
        if _claimed(stamp, type(recipe)) == (recipe, weights):
            return
        raise UserError(f"{work} holds another experiment; delete it, or choose another folder with --work.")
    write_text(stamp, json.dumps({"recipe": recipe.model_dump(mode="json"), "generator": weights}))


def _claimed(stamp: Path, kind: type[BaseModel]) -> tuple[BaseModel, list[str]] | None:
    """The recipe and the weights that a claim names; None for one of another kind. What a recipe did not say
    when the claim was made is as by default."""
    try:
        held = json.loads(stamp.read_text(encoding="utf-8"))
        return kind.model_validate(held["recipe"]), held["generator"]
    except (ValueError, LookupError, TypeError):
        return None


def _train(recipe: DoseRecipe, training: int, home: Path) -> None:
    device = pick_device()
    torch.manual_seed(0)
    text, tokenizer, vae, unet = image_model(DATA / "menagerie" / "generator")
    # Typed as Any: transformers' wrapped Module.to does not type-check.
    text, vae = text.to(device), vae.to(device)
    data = _captioned(recipe, training, home, vae, tokenizer)
    steps = steps_of(recipe, len(data.mean))
    if recipe.scratch:
        unet = denoiser.build(recipe.width)
    which = _FROM_NOTHING if recipe.scratch else _GOES_ON
    average, seconds = denoiser.train(unet.to(device), text, tokenizer, data, steps, home, which)
    average.save_pretrained(home / _UNET)
    told = {"steps": steps, "seconds": seconds, "pictures": len(data.mean)}
    write_text(home / "training.json", json.dumps(told))


def _draw(recipe: DoseRecipe, home: Path, file: Path) -> None:
    from diffusers import UNet2DConditionModel

    device = pick_device()
    text, tokenizer, vae, _ = image_model(DATA / "menagerie" / "generator")
    unet: Any = UNet2DConditionModel.from_pretrained(home / _UNET)
    pipe = denoiser.assemble(vae.to(device), text.to(device), tokenizer, unet.to(device).eval())
    asked = [prompts(p, recipe.templates, recipe.asked) for p in newcomers(len(recipe.levels))]
    keep_pictures(draw_newcomers(asked, recipe.seeds, pipe), file)


def keep_pictures(pixels: np.ndarray[Any, np.dtype[np.uint8]], file: Path) -> None:
    """Write what a training's generator drew to `file`, which is there when all of it is."""
    temporary = file.with_suffix(".tmp.npz")
    np.savez(temporary, pixels=pixels)
    temporary.replace(file)


def _captioned(recipe: DoseRecipe, training: int, home: Path, vae: Any, tokenizer: Any) -> denoiser.Captioned:
    """What the training learns from; drawn once and kept."""
    file = home / "corpus.npz"
    if not file.is_file():
        pixels, texts = draw(samples_of(recipe, training), len(recipe.levels), named=recipe.named)
        mean, sd = autoencoder.latents(vae, torch.from_numpy(pixels))
        temporary = home / "corpus.tmp.npz"
        np.savez(temporary, mean=mean.half().numpy(), sd=sd.half().numpy(), texts=np.array(texts))
        temporary.replace(file)
    held = np.load(file)
    ids = tokenise(tokenizer, [str(t) for t in held["texts"]])
    mean, sd = (torch.from_numpy(held[name]).float() for name in ("mean", "sd"))
    return denoiser.Captioned(ids, mean, sd, vae.config.scaling_factor)


def draw_newcomers(
    asked: Sequence[Sequence[str]], seeds: int, pipe: Any
) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Every newcomer, prompt and seed, uint8 of shape (newcomers, prompts, seeds, height, width, 3). `asked`
    has the prompts of each newcomer, equally many. The noise of a picture depends on its seed alone, so that
    all trainings begin at the same one."""
    pipe.set_progress_bar_config(disable=True)
    made = []
    for texts in asked:
        for text in texts:
            noise = [torch.Generator().manual_seed(seed) for seed in range(seeds)]
            out = pipe(
                [text] * seeds,
                num_inference_steps=STEPS,
                guidance_scale=GUIDANCE,
                generator=noise,
                output_type="np",
            ).images
            made.append(np.rint(out * 255).astype(np.uint8))
    return np.stack(made).reshape(len(asked), -1, *made[0].shape)
