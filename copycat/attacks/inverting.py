"""What attacks by gradients have in common: pictures of the original model, and how well a guarded one
denoises them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from copycat.attacks.base import Victim
from copycat.diffusion.schedule import noised, prediction_target, timesteps
from copycat.diffusion.tap import Call, Tap, predict
from copycat.errors import UserError
from copycat.generators.pipelines import noise
from copycat.records import digest


class Inversion:
    """Pictures that the model without guardrails draws of the prompt, for the guarded one to denoise.

    Chance follows from `seed` and the picture's own noise seed alone.
    """

    def __init__(self, victim: Victim, method: str, *, pictures: int, seed: int) -> None:
        """Draws the `pictures` with the run's own sampling, the first with its own noise. Raises UserError
        for a model without a schedule of noise levels, which `method` needs."""
        request, card, pipeline = victim.request, victim.card, victim.pipeline
        if not timesteps(pipeline.scheduler):
            raise UserError(
                f"{method} needs a model that was trained on a schedule of noise levels, and {card.title} is "
                "one of flow matching; use an attack on the prompt alone, such as typo."
            )
        self.scheduler = pipeline.scheduler
        self.chance = torch.Generator().manual_seed(int(digest([seed, request.seed]), 16) >> 1)
        # Without guidance, since nothing is asked for the empty prompt.
        self.tap = Tap(pipeline, card, steps=1, guidance=card.guidance_off)
        sampling = request.sampling
        free = Tap(victim.original, card, steps=sampling.steps, guidance=sampling.guidance)
        seeds = [request.seed, *(int(digest([request.seed, n]), 16) >> 1 for n in range(1, pictures))]
        self.latents = torch.cat([free.latents([request.source_prompt], noise([s])) for s in seeds])
        """Clean ones: (pictures, channels, …)."""

    def error(self, said: Call, at: Tensor, noises: int = 1) -> Tensor:
        """E ‖ε_θ(z_t, t, c) − ε‖² at the noise level `at`, as a mean over the pictures with so many draws of
        noise each, where `said` is what the denoiser is given for the one prompt c, or for as many prompts as
        there are draws in all. For models that predict velocities or samples it is the error of those."""
        latents = self.latents.repeat(noises, *[1] * (self.latents.dim() - 1))
        fresh = torch.randn(latents.shape, generator=self.chance).to(latents)
        noisy = noised(self.scheduler, latents, fresh, at).to(said.latents)
        time = torch.full_like(torch.as_tensor(said.timestep), int(at))
        given = {name: _repeated(value, len(latents)) for name, value in said.arguments.items()}
        found = predict(self.tap.denoiser, Call(noisy, _repeated(time, len(latents)), given))
        wanted = prediction_target(self.scheduler, latents, fresh, at)
        return nn.functional.mse_loss(found.float(), wanted.float())


def _repeated(value: Any, rows: int) -> Any:
    """What the denoiser is given for one picture, for so many; numbers without rows as they are."""
    if isinstance(value, Tensor) and value.dim() > 0 and len(value) == 1:
        return value.expand(rows, *value.shape[1:])
    if isinstance(value, Mapping):
        return {name: _repeated(part, rows) for name, part in value.items()}
    return value
