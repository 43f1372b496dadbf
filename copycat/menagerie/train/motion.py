"""Motion modules over the frozen UNet, as AnimateDiff (Guo et al. 2024) trains them."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from copycat.errors import BadFile
from copycat.menagerie.motion import FRAMES, draw_all
from copycat.menagerie.train.autoencoder import latents
from copycat.menagerie.train.denoiser import noise_schedule, text_features, weighted_error
from copycat.menagerie.train.encoder import tokenise
from copycat.menagerie.train.loop import Loop, mixed_precision, pick_device
from copycat.records import digest

_BATCH = 8
"""Clips, so 64 pictures a step, as the UNet's own training."""


def build(unet: Any) -> Any:
    """The UNet of the image model with untrained motion modules between its layers; only they can learn.

    Their last layers begin at zero, so that at first every frame is what the image model would draw.
    """
    from diffusers import MotionAdapter, UNetMotionModel

    adapter: Any = MotionAdapter(
        block_out_channels=tuple(unet.config.block_out_channels),
        motion_layers_per_block=unet.config.layers_per_block,
        motion_mid_block_layers_per_block=1,
        motion_num_attention_heads=4,
        motion_norm_num_groups=unet.config.norm_num_groups,
        motion_max_seq_length=2 * FRAMES,
    )
    for name, parameter in adapter.named_parameters():
        if "proj_out" in name:
            torch.nn.init.zeros_(parameter)
    moving = UNetMotionModel.from_unet2d(unet, adapter)
    moving.freeze_unet2d_params()
    return moving


def train(
    moving: Any,
    text: Any,
    tokenizer: Any,
    clips: torch.Tensor,
    captions: list[str],
    scale: float,
    steps: int,
    work: Path,
) -> tuple[Any, float]:
    """Epsilon prediction with min-SNR-5 weights, one noise level a clip; 10 % of captions left empty.

    `clips` are latents of shape (n, FRAMES, channels, 8, 8), unscaled. Returns the exponential moving
    average of the weights, which is what ships, and the seconds.
    """
    device = next(moving.parameters()).device
    features = text_features(text, tokenise(tokenizer, captions))
    empty = text_features(text, tokenise(tokenizer, [""]))
    average = copy.deepcopy(moving).requires_grad_(False).eval()
    alphas = noise_schedule().alphas_cumprod
    learning = [
        (a, p) for a, p in zip(average.parameters(), moving.parameters(), strict=True) if p.requires_grad
    ]

    def prepare(g: torch.Generator) -> tuple[torch.Tensor, ...]:
        pick = torch.randint(0, len(clips), (_BATCH,), generator=g)
        z = clips[pick].float() * scale
        drop = (torch.rand(_BATCH, generator=g) < 0.1)[:, None, None]
        context = torch.where(drop, empty, features[pick]).float().repeat_interleave(FRAMES, dim=0)
        t = torch.randint(0, 1000, (_BATCH,), generator=g)
        noise = torch.randn(z.shape, generator=g)
        a = alphas[t][:, None, None, None, None]
        noisy = a.sqrt() * z + (1 - a).sqrt() * noise
        # The model wants channels before frames.
        return tuple(part.to(device) for part in (noisy.transpose(1, 2), t, context, noise, a))

    def loss(batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        noisy, t, context, noise, a = batch
        with mixed_precision(device):
            guess = moving(noisy, t, context).sample
        return weighted_error(guess.transpose(1, 2), noise, a)

    def follow(step: int) -> None:
        decay = min(0.999, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_([a for a, _ in learning], [p for _, p in learning], 1 - decay)

    loop = Loop(
        "motion",
        {"motion": moving},
        steps=steps,
        lr=1e-3,
        work=work,
        after_step=follow,
        frozen={"average": average},
    )
    return average, loop.run(prepare, loss)


def build_motion(data: Path, work: Path, steps: int, clips: int) -> float:
    """Train on `clips` clips and write `data/menagerie/motion`; returns the seconds of training.

    Needs the finished image model in `data/menagerie/generator`, and leaves it as it is. What is made on
    the way lies in `work/motion`, where the same call goes on after an interruption; other settings or
    another image model begin anew.
    """
    base = (data / "menagerie" / "generator").resolve()
    text, tokenizer, vae, unet = image_model(base)
    weights = [hashlib.sha256(f.read_bytes()).hexdigest() for f in sorted(base.rglob("*.safetensors"))]
    home, recipe = work / "motion", {"base": digest(weights), "steps": steps, "clips": clips}
    stamp = home / "recipe.json"
    if stamp.is_file() and json.loads(stamp.read_text(encoding="utf-8")) != recipe:
        shutil.rmtree(home)
    home.mkdir(parents=True, exist_ok=True)
    stamp.write_text(json.dumps(recipe), encoding="utf-8")
    device = pick_device()
    torch.manual_seed(0)
    seen, captions = _clips(home, vae, clips)
    moving = build(unet).to(device)
    scale = vae.config.scaling_factor
    average, spent = train(moving, text.to(device), tokenizer, seen, captions, scale, steps, home)
    save(average, data / "menagerie" / "motion")
    return spent


def save(average: Any, target: Path) -> None:
    """Write the motion modules alone, in half precision, as a MotionAdapter in `target`."""
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    average.cpu().to(torch.float16).save_motion_modules(str(fresh))
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def image_model(folder: Path) -> tuple[Any, Any, Any, Any]:
    from diffusers import StableDiffusionPipeline

    from copycat.io.loading import quiet_loading

    try:
        with quiet_loading():
            pipe = StableDiffusionPipeline.from_pretrained(
                folder, dtype=torch.float32, use_safetensors=True, safety_checker=None
            )
    except (OSError, ValueError) as e:
        raise BadFile(f"{folder} does not load; build the menagerie's image model first ({e}).") from e
    return pipe.text_encoder.eval(), pipe.tokenizer, pipe.vae.eval(), pipe.unet.eval()


def _clips(home: Path, vae: Any, n: int) -> tuple[torch.Tensor, list[str]]:
    """Latents, float16 (n, FRAMES, channels, 8, 8), and captions; drawn once and kept in `home`."""
    file = home / "clips.npz"
    if not file.is_file():
        pixels, texts = draw_all(n)
        mean, _ = latents(vae, torch.from_numpy(pixels).flatten(0, 1))
        temporary = home / "clips.tmp.npz"
        np.savez(temporary, latents=mean.unflatten(0, (n, FRAMES)).half().numpy(), texts=np.array(texts))
        temporary.replace(file)
    held = np.load(file)
    return torch.from_numpy(held["latents"]), [str(t) for t in held["texts"]]
