"""What noisy latents and a prediction say of the clean ones, by the scheduler of the pipeline."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from copycat.errors import UserError


def noised(scheduler: Any, latents: Tensor, noise: Tensor, timestep: Tensor) -> Tensor:
    """Clean `latents` with `noise` at `timestep` (one for all, or one a picture), as the model is trained on
    them: shape as `latents`. Some schedulers' own `add_noise` know the steps of the last call alone."""
    alpha = _alpha(scheduler, timestep, latents)
    return alpha.sqrt() * latents + (1 - alpha).sqrt() * noise


def clean(scheduler: Any, latents: Tensor, prediction: Tensor, timestep: Tensor) -> Tensor:
    """The clean latents that a `prediction` for noisy `latents` at `timestep` (one for all, or one a picture)
    says, of their shape.

    For models that predict noise it is (z_t − √(1 − ᾱ) ε) / √ᾱ; for velocities and samples what follows from
    them."""
    alpha = _alpha(scheduler, timestep, latents)
    kind = scheduler.config.prediction_type
    if kind == "epsilon":
        found = (latents - (1 - alpha).sqrt() * prediction) / alpha.sqrt()
    elif kind == "v_prediction":
        found = alpha.sqrt() * latents - (1 - alpha).sqrt() * prediction
    elif kind == "sample":
        found = prediction
    else:
        raise UserError(f"A model that predicts {kind} is not known here.")
    result: Tensor = found
    return result


def timesteps(scheduler: Any) -> int:
    """How many steps the model was trained with; 0 for a scheduler of flow matching, whose noise levels are
    others."""
    return len(getattr(scheduler, "alphas_cumprod", ()))


def _alpha(scheduler: Any, timestep: Tensor, like: Tensor) -> Tensor:
    found: Tensor = scheduler.alphas_cumprod[timestep.flatten().long().cpu()]
    return found.to(like).reshape(-1, *[1] * (like.dim() - 1))


def random_timestep(scheduler: Any, value: float) -> Tensor:
    """One of the steps that the model was trained with, for a `value` in [0, 1)."""
    return torch.tensor(int(value * timesteps(scheduler)))
