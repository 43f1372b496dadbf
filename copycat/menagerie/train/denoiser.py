"""The UNet: latent diffusion conditioned on text, with classifier-free guidance (Ho & Salimans 2022)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from copycat.menagerie.train.autoencoder import CHANNELS
from copycat.menagerie.train.encoder import WIDTH, tokenise
from copycat.menagerie.train.loop import Loop, mixed_precision

_BATCH = 64


@dataclass(frozen=True)
class Pass:
    """One pass of the training: what its files are called, and its highest learning rate."""

    name: str
    lr: float


FIRST, SECOND = Pass("denoiser", 1.2e-3), Pass("denoiser-loose", 8e-4)
"""What ships learns the corpus without mislabelled names and near-duplicates first, and the second pass is
shorter for it."""


@dataclass(frozen=True)
class Captioned:
    """Captions and pictures to learn from."""

    captions: torch.Tensor
    """Token ids, int64 (n, LENGTH)."""
    mean: torch.Tensor
    """Of the latents, float32 (n, channels, 8, 8), unscaled."""
    sd: torch.Tensor
    scale: float
    """The autoencoder's scaling factor."""

    def first(self, n: int) -> Captioned:
        """The first `n` of them."""
        return Captioned(self.captions[:n], self.mean[:n], self.sd[:n], self.scale)


def build(width: int = 64) -> Any:
    """An untrained UNet for 8 x 8 latents of the autoencoder's channels, its blocks with `width` and twice as
    many channels, and half as many heads of attention as `width`."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=8,
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        layers_per_block=1,
        block_out_channels=(width, 2 * width),
        down_block_types=("CrossAttnDownBlock2D",) * 2,
        up_block_types=("CrossAttnUpBlock2D",) * 2,
        cross_attention_dim=WIDTH,
        # Which is the number of heads, as it is called in Stable Diffusion 1 too.
        attention_head_dim=width // 2,
        norm_num_groups=16,
    )


def noise_schedule() -> Any:
    """The training schedule, as Stable Diffusion's."""
    from diffusers import DDPMScheduler

    return DDPMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        steps_offset=1,
    )


@torch.no_grad()
def text_features(text: Any, ids: torch.Tensor) -> torch.Tensor:
    """Last hidden states, float16 (n, LENGTH, WIDTH): what the pipeline feeds to cross-attention."""
    device = next(text.parameters()).device
    return torch.cat([text(b.to(device)).last_hidden_state.half().cpu() for b in ids.split(1024)])


def weighted_error(guess: torch.Tensor, noise: torch.Tensor, alpha: torch.Tensor) -> torch.Tensor:
    """Squared error with min-SNR-5 weights; `alpha` is the share of the picture left in its noisy version.

    All three are on one device.
    """
    snr = alpha / (1 - alpha)
    weight = snr.clamp(max=5) / snr
    error: torch.Tensor = weight * (guess.float() - noise).square()
    return error.mean()


def train(
    unet: Any,
    text: Any,
    tokenizer: Any,
    data: Captioned,
    steps: int,
    work: Path,
    which: Pass,
) -> tuple[Any, float]:
    """Epsilon prediction with min-SNR-5 weights (Hang et al. 2023); 10 % of captions left empty.

    Returns the exponential moving average of the weights, which is what ships, and the seconds.
    """
    from diffusers.models.attention_processor import AttnProcessor

    device = next(unet.parameters()).device
    features = text_features(text, data.captions)
    mean, sd = data.mean, data.sd
    empty = text_features(text, tokenise(tokenizer, [""]))
    unet.to(memory_format=torch.channels_last)
    average = copy.deepcopy(unet).requires_grad_(False).eval()
    if device.type == "cpu":
        # Fused attention on a CPU is made for long sequences: with its gradient it is most of a step here,
        # for 64 positions and heads of 2 and 4 channels.
        unet.set_attn_processor(AttnProcessor())
    alphas = noise_schedule().alphas_cumprod

    def prepare(g: torch.Generator) -> tuple[torch.Tensor, ...]:
        pick = torch.randint(0, len(mean), (_BATCH,), generator=g)
        z = (mean[pick] + sd[pick] * torch.randn(mean[pick].shape, generator=g)) * data.scale
        drop = (torch.rand(_BATCH, generator=g) < 0.1)[:, None, None]
        context = torch.where(drop, empty, features[pick]).float()
        t = torch.randint(0, 1000, (_BATCH,), generator=g)
        noise = torch.randn(z.shape, generator=g)
        a = alphas[t][:, None, None, None]
        noisy = a.sqrt() * z + (1 - a).sqrt() * noise
        return tuple(part.to(device) for part in (noisy, t, context, noise, a))

    def loss(batch: tuple[torch.Tensor, ...]) -> torch.Tensor:
        noisy, t, context, noise, a = batch
        with mixed_precision(device):
            guess = unet(noisy, t, context).sample
        return weighted_error(guess, noise, a)

    def follow(step: int) -> None:
        decay = min(0.9995, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(average.parameters()), list(unet.parameters()), 1 - decay)

    loop = Loop(
        which.name,
        {"unet": unet},
        steps=steps,
        lr=which.lr,
        work=work,
        after_step=follow,
        frozen={"average": average},
    )
    return average, loop.run(prepare, loss)


def assemble(vae: Any, text: Any, tokenizer: Any, unet: Any) -> Any:
    """The StableDiffusionPipeline that ships. The text encoder is copied strictly, name by name."""
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
    from transformers import CLIPTextModel

    encoder = CLIPTextModel(text.config)
    source = {k.removeprefix("text_model."): v for k, v in text.state_dict().items()}
    wanted = encoder.state_dict()
    encoder.load_state_dict({k: source[k.removeprefix("text_model.")] for k in wanted}, strict=True)
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=DPMSolverMultistepScheduler.from_config(noise_schedule().config),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
