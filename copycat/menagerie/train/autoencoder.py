"""The autoencoder: 32 x 32 pictures to 8 x 8 latents of 12 channels and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from copycat.menagerie.train.encoder import as_input
from copycat.menagerie.train.loop import Loop, Loss, Prepare, mixed_precision

CHANNELS = 12
"""Latent channels: a quarter of a picture's numbers are kept."""
_BATCH = 16
"""Small, so that the same work makes more steps."""


def build() -> Any:
    """An untrained AutoencoderKL."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(32, 64, 96),
        layers_per_block=1,
        latent_channels=CHANNELS,
        norm_num_groups=16,
        sample_size=32,
        mid_block_add_attention=False,
    )


def train(vae: Any, pixels: torch.Tensor, steps: int, work: Path) -> float:
    """L1 and squared error, L1 on image gradients, and a small KL term; returns seconds."""
    task = _reconstruction(vae, pixels, square=4, edge=0.5)
    return Loop("autoencoder", {"vae": vae}, steps=steps, lr=1e-3, work=work).run(*task)


def polish(vae: Any, pixels: torch.Tensor, steps: int, work: Path) -> float:
    """A second, slower round that is mostly about squared error, as Stable Diffusion's ft-MSE decoders."""
    task = _reconstruction(vae, pixels, square=16, edge=0.1)
    seconds = Loop("polish", {"vae": vae}, steps=steps, lr=6e-4, work=work, seed=1).run(*task)
    _scale_latents(vae, pixels)
    return seconds


def finish(vae: Any, pixels: torch.Tensor, steps: int, work: Path) -> float:
    """A last round of the decoder alone, so that the latents stay what they are."""
    task = _reconstruction(vae, pixels, square=16, edge=0.1)
    vae.encoder.requires_grad_(False)
    vae.quant_conv.requires_grad_(False)
    return Loop("finish", {"vae": vae}, steps=steps, lr=4e-4, work=work, seed=2).run(*task)


Task = tuple[Prepare[tuple[torch.Tensor, torch.Tensor]], Loss[tuple[torch.Tensor, torch.Tensor]]]
"""What prepares a batch, pictures and the noise of their latents, and what it costs."""


def _reconstruction(vae: Any, pixels: torch.Tensor, square: float, edge: float) -> Task:
    device = next(vae.parameters()).device
    channels, shrunk = vae.config.latent_channels, 2 ** (len(vae.config.block_out_channels) - 1)

    def prepare(g: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        x = as_input(pixels[torch.randint(0, len(pixels), (_BATCH,), generator=g)])
        noise = torch.randn((len(x), channels, *(side // shrunk for side in x.shape[2:])), generator=g)
        return x.to(device), noise.to(device)

    def loss(batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
        x, noise = batch
        with mixed_precision(device):
            posterior = vae.encode(x).latent_dist
            y = vae.decode(posterior.mean + posterior.std * noise).sample
        kl: torch.Tensor = 2.5e-6 * posterior.kl().float().mean()
        y = y.float()
        d: torch.Tensor = y - x
        edges = d.diff(dim=-1).abs().mean() + d.diff(dim=-2).abs().mean()
        return d.abs().mean() + square * d.square().mean() + edge * edges + kl

    return prepare, loss


@torch.no_grad()
def _scale_latents(vae: Any, pixels: torch.Tensor) -> None:
    device = next(vae.parameters()).device
    sample = as_input(pixels[:: max(1, len(pixels) // 2000)]).to(device)
    vae.register_to_config(scaling_factor=1 / vae.encode(sample).latent_dist.mean.std().item())


@torch.no_grad()
def latents(vae: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and SD of every picture's latents, each float32 of shape (n, 12, 8, 8), unscaled."""
    device = next(vae.parameters()).device
    parts = [vae.encode(as_input(b).to(device)).latent_dist for b in pixels.split(512)]
    return torch.cat([p.mean.cpu() for p in parts]), torch.cat([p.std.cpu() for p in parts])


@torch.no_grad()
def reconstruct(vae: Any, pixels: torch.Tensor) -> torch.Tensor:
    """Pictures through the autoencoder and back, uint8 (n, 32, 32, 3)."""
    device = next(vae.parameters()).device
    out = []
    for b in pixels.split(256):
        y = vae.decode(vae.encode(as_input(b).to(device)).latent_dist.mean).sample
        out.append(((y.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).cpu())
    return torch.cat(out)


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    """Mean peak signal-to-noise ratio over pictures, in dB (higher is better); uint8 (n, h, w, 3)."""
    mse = (a.float() - b.float()).square().flatten(1).mean(1)
    return float((10 * torch.log10(255**2 / mse.clamp(min=1e-3))).mean())
